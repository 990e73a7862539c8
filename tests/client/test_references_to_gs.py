"""References to gs:// against a server of that storage on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from hydria.client import AsyncClient
from hydria.errors import PathInvalidError
from hydria.references.errors import (
    ReferenceChangedError,
    ReferenceDeniedError,
    ReferenceInvalidError,
    ReferenceLimitError,
    ReferenceNotFoundError,
    ReferenceUnavailableError,
    ReferenceUnsupportedError,
)
from hydria.references.gs import GoogleStore
from hydria.references.listing import list_references
from hydria.references.words import Reference
from hydria.threads import Stop
from tests.client.object_stores import google_server, refusing_server
from tests.client.trees import MIB, content, plant, tree_of


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("google")
    plant(data / "bucket-of-many", {f"{at:04}": b"x" for at in range(1005)})
    with google_server(data) as address:
        yield address


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's user is found, and no machine of Google's is looked for."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "nothing"))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)


class Bucket:
    """A bucket that no other test uses."""

    def __init__(self, *, is_versioned: bool) -> None:
        from google.cloud import storage  # which takes long: only who comes here waits for it

        self._client = storage.Client()
        self._bucket = self._client.bucket(f"bucket-{uuid4().hex}")
        self._bucket.versioning_enabled = is_versioned
        self._client.create_bucket(self._bucket)
        self.uri = f"gs://{self._bucket.name}"

    def put(self, key: str, data: bytes, *, encoding: str | None = None) -> None:
        blob = self._bucket.blob(key)
        blob.content_encoding = encoding
        blob.upload_from_string(data)

    def delete(self, key: str) -> None:
        self._bucket.blob(key).delete()

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def bucket(nobody: None, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
    made = Bucket(is_versioned=False)
    yield made
    made.close()


@pytest.fixture
def versioned_bucket(bucket: Bucket) -> Iterator[Bucket]:
    made = Bucket(is_versioned=True)
    yield made
    made.close()


def found(uri: str, *, name: str | None = None, max_objects: int = 10_000) -> dict[str, Reference]:
    return list_references(uri, name, max_objects=max_objects, stop=Stop())


async def test_a_prefix_is_referred_to_object_by_object_and_comes_back(
    client: AsyncClient, bucket: Bucket, tmp_path: Path
) -> None:
    data = content(20 * MIB)
    files = {"a b": b"ab", "sub/big": data, "sub/empty": b"", "date=1/?#%20": b"odd"}
    for path, body in files.items():
        bucket.put(f"train/{path}", body)
    bucket.put("train/", b"")  # as consoles mark folders
    bucket.put("training/other", b"other")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"{bucket.uri}/train")
        await draft.add_reference(f"{bucket.uri}/train/a b", "alone")
        result = await draft.commit()
    assert (result.sent_bytes, result.version.file_count) == (0, 5)
    listed = {file.path: file for file in await client.files("calls").to_list()}
    assert listed["sub/big"].ref_uri == f"{bucket.uri}/train/sub/big"
    assert listed["sub/big"].size_bytes == len(data)
    assert listed["sub/big"].ref_checksum.startswith("crc32c:")
    await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {**files, "alone": b"ab"}
    assert await client.read("calls", "sub/big", offset=MIB, length=9) == data[MIB : MIB + 9]


async def test_an_object_that_was_overwritten_is_refused(
    client: AsyncClient, bucket: Bucket, tmp_path: Path
) -> None:
    bucket.put("a", b"one")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"{bucket.uri}/a")
        await draft.commit()
    bucket.put("a", b"two")
    with pytest.raises(ReferenceChangedError, match=r"'a': .*crc32c:\S+ expected, crc32c:\S+ fou"):
        await client.download("calls", tmp_path / "copy")
    bucket.put("a", b"one")  # the same bytes, and yet another object
    with pytest.raises(ReferenceChangedError, match=r"version:\d+ expected, version:\d+ found"):
        await client.download("calls", tmp_path / "copy")
    bucket.delete("a")
    with pytest.raises(ReferenceNotFoundError):
        await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {}


async def test_in_a_versioned_bucket_the_generation_that_was_meant_is_fetched(
    client: AsyncClient, versioned_bucket: Bucket
) -> None:
    bucket = versioned_bucket
    for body in (b"older", b"one"):
        bucket.put("x/a", body)
    bucket.put("x/deleted", b"deleted")
    bucket.delete("x/deleted")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"{bucket.uri}/x")
        await draft.add_reference(f"{bucket.uri}/x/a", "alone")
        await draft.commit()
    files = await client.files("calls").to_list()
    assert [file.path for file in files] == ["a", "alone"]
    assert files[0].ref_checksum == files[1].ref_checksum
    assert " version:" in files[0].ref_checksum
    bucket.put("x/a", b"two!")
    assert await client.read("calls", "a") == b"one"
    bucket.delete("x/a")
    assert await client.read("calls", "alone") == b"one"


async def test_bytes_come_as_they_are_stored_whatever_encoding_they_are_said_to_have(
    client: AsyncClient, bucket: Bucket
) -> None:
    bucket.put("a.gz", b"not really gzip", encoding="gzip")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"{bucket.uri}/a.gz")
        await draft.commit()
    assert await client.read("calls", "a.gz") == b"not really gzip"


def test_listing_stops_at_the_limit_and_says_so(bucket: Bucket) -> None:
    for at in range(12):
        bucket.put(f"{at:02}", b"%d" % at)
    assert len(found(f"{bucket.uri}/", max_objects=12)) == 12
    with pytest.raises(ReferenceLimitError, match="more than 11 objects"):
        found(bucket.uri, max_objects=11)


def test_pages_of_a_listing_are_followed_to_the_end(bucket: Bucket) -> None:
    names = [f"below/{at:04}" for at in range(1005)]
    assert list(found("gs://bucket-of-many", name="below")) == names


def test_what_is_not_there_is_not_found(bucket: Bucket) -> None:
    for uri in (f"{bucket.uri}/a", bucket.uri, "gs://no-such-bucket/a"):
        with pytest.raises(ReferenceNotFoundError):
            found(uri)
    with pytest.raises(ReferenceInvalidError):
        found("gs:///a")


def test_a_key_that_makes_no_path_is_an_error_that_names_it(bucket: Bucket) -> None:
    bucket.put("x/..a//b", b"climbs")
    with pytest.raises(PathInvalidError, match=r"\.\.a//b"):
        found(f"{bucket.uri}/x")


def test_without_credentials_the_error_says_how_to_get_them(nobody: None) -> None:
    with pytest.raises(ReferenceDeniedError, match="gcloud auth application-default login"):
        found("gs://bucket/a")


def test_credentials_that_do_not_open_it_are_told_so(
    nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_server(403) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        for uri in ("gs://bucket/a", "gs://bucket"):
            with pytest.raises(ReferenceDeniedError, match=r"do not open.*403"):
                found(uri)


def test_a_store_that_does_not_answer_is_unavailable(
    nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    store = GoogleStore(retry_seconds=0.1)
    with pytest.raises(ReferenceUnavailableError):
        list(store.find("gs://bucket/a"))
    store.close()


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "google.cloud", None)
    with pytest.raises(ReferenceUnsupportedError, match=r"pip install 'hydria\[gs\]'"):
        found("gs://bucket/a")
