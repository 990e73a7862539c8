"""References to s3:// against a real S3 endpoint on this machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

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
from hydria.references.listing import list_references
from hydria.references.words import Reference
from hydria.threads import Stop
from tests.client.trees import MIB, content, tree_of

_NUMBERS = itertools.count()


class Bucket(Protocol):
    """What is used of boto3's bucket."""

    name: str

    def put_object(self, *, Key: str, Body: bytes) -> object: ...  # noqa: N803
    def delete_objects(self, *, Delete: Mapping[str, object]) -> object: ...  # noqa: N803


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # which takes long: only who comes here waits

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def credentials(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def new_bucket(*, is_versioned: bool) -> Bucket:
    """Make a bucket that no other test uses."""
    import boto3

    s3 = boto3.session.Session().resource("s3")
    bucket: Bucket = s3.create_bucket(Bucket=f"bucket-{next(_NUMBERS)}")
    if is_versioned:
        s3.BucketVersioning(bucket.name).enable()
    return bucket


@pytest.fixture
def bucket(credentials: None) -> Bucket:
    return new_bucket(is_versioned=False)


@pytest.fixture
def versioned_bucket(credentials: None) -> Bucket:
    return new_bucket(is_versioned=True)


def found(uri: str, *, name: str | None = None, max_objects: int = 10_000) -> dict[str, Reference]:
    return list_references(uri, name, max_objects=max_objects, stop=Stop())


async def test_a_prefix_is_referred_to_object_by_object_and_comes_back(
    client: AsyncClient, bucket: Bucket, tmp_path: Path
) -> None:
    data = content(3 * MIB)
    files = {"a b": b"ab", "sub/big": data, "sub/empty": b"", "date=1/?#%20": b"odd"}
    for path, body in files.items():
        bucket.put_object(Key=f"train/{path}", Body=body)
    bucket.put_object(Key="train/", Body=b"")  # as consoles mark folders
    bucket.put_object(Key="training/other", Body=b"other")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"s3://{bucket.name}/train")
        await draft.add_reference(f"s3://{bucket.name}/train/a b", "alone")
        result = await draft.commit()
    assert (result.sent_bytes, result.version.file_count) == (0, 5)
    listed = {file.path: file for file in await client.files("calls").to_list()}
    assert listed["sub/big"].ref_uri == f"s3://{bucket.name}/train/sub/big"
    assert listed["sub/big"].size_bytes == len(data)
    assert listed["sub/big"].ref_checksum.startswith("etag:")
    await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {**files, "alone": b"ab"}
    assert await client.read("calls", "sub/big", offset=MIB, length=9) == data[MIB : MIB + 9]


async def test_an_object_that_was_overwritten_is_refused(
    client: AsyncClient, bucket: Bucket, tmp_path: Path
) -> None:
    bucket.put_object(Key="a", Body=b"one")
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"s3://{bucket.name}/a")
        await draft.commit()
    bucket.put_object(Key="a", Body=b"two")
    with pytest.raises(ReferenceChangedError, match=r"'a': .*etag:\w+ expected, etag:\w+ found"):
        await client.download("calls", tmp_path / "copy")
    bucket.delete_objects(Delete={"Objects": [{"Key": "a"}]})
    with pytest.raises(ReferenceNotFoundError, match="NoSuchKey"):
        await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == {}


async def test_in_a_versioned_bucket_the_version_that_was_meant_is_fetched(
    client: AsyncClient, versioned_bucket: Bucket
) -> None:
    bucket = versioned_bucket
    for body in (b"older", b"one"):
        bucket.put_object(Key="x/a", Body=body)
    bucket.put_object(Key="x/deleted", Body=b"deleted")
    bucket.delete_objects(Delete={"Objects": [{"Key": "x/deleted"}]})
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(f"s3://{bucket.name}/x")
        await draft.add_reference(f"s3://{bucket.name}/x/a", "alone")
        await draft.commit()
    files = await client.files("calls").to_list()
    assert [file.path for file in files] == ["a", "alone"]
    assert files[0].ref_checksum == files[1].ref_checksum
    assert " version:" in files[0].ref_checksum
    bucket.put_object(Key="x/a", Body=b"two")
    assert await client.read("calls", "a") == b"one"
    version = files[0].ref_checksum.rpartition(":")[2]
    bucket.delete_objects(Delete={"Objects": [{"Key": "x/a", "VersionId": version}]})
    with pytest.raises(ReferenceNotFoundError, match="NoSuchVersion"):
        await client.read("calls", "a")


def test_listing_stops_at_the_limit_and_says_so(bucket: Bucket) -> None:
    for at in range(12):
        bucket.put_object(Key=f"{at:02}", Body=b"%d" % at)
    assert len(found(f"s3://{bucket.name}/", max_objects=12)) == 12
    with pytest.raises(ReferenceLimitError, match="more than 11 objects"):
        found(f"s3://{bucket.name}", max_objects=11)


def test_pages_of_a_listing_are_followed_to_the_end(bucket: Bucket) -> None:
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    for at in range(1005):
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket.name, f"{at:04}", b"x")
    assert list(found(f"s3://{bucket.name}", name="below")) == [
        f"below/{at:04}" for at in range(1005)
    ]


def test_what_is_not_there_is_not_found(bucket: Bucket) -> None:
    for uri in (f"s3://{bucket.name}/a", f"s3://{bucket.name}", "s3://no-such-bucket/a"):
        with pytest.raises(ReferenceNotFoundError):
            found(uri)
    with pytest.raises(ReferenceInvalidError):
        found("s3:///a")


def test_a_key_that_makes_no_path_is_an_error_that_names_it(bucket: Bucket) -> None:
    bucket.put_object(Key="x/../a", Body=b"climbs")
    with pytest.raises(PathInvalidError, match=r"\.\./a"):
        found(f"s3://{bucket.name}/x")


def test_without_credentials_the_error_says_where_to_put_them(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ReferenceDeniedError, match="AWS_ACCESS_KEY_ID"):
        found(f"s3://{bucket.name}/a")


def test_a_store_that_does_not_answer_is_unavailable(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ReferenceUnavailableError):
        found(f"s3://{bucket.name}/a")


def test_without_boto3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(ReferenceUnsupportedError, match=r"pip install 'hydria\[s3\]'"):
        found("s3://bucket/a")
