"""References to file://, and what a hostile version would like them to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from blake3 import blake3

from hydria.client import AsyncClient
from hydria.errors import DuplicatePathError, InvalidArgumentError, SourceError
from hydria.references.errors import (
    BrokenReferenceError,
    ReferenceChangedError,
    ReferenceDeniedError,
    ReferenceInvalidError,
    ReferenceLimitError,
    ReferenceNotFoundError,
    ReferenceUnsupportedError,
    ReferenceUnverifiableError,
)
from hydria.references.fetching import fetch
from hydria.references.listing import list_references
from hydria.references.stores import Stores
from hydria.references.words import Reference
from hydria.threads import Stop
from tests.client.trees import MIB, content, plant, tree_of

FILES = {"a": b"a", "sub/b %?#ü": content(3 * MIB), "sub/empty": b""}


def fetched(reference: Reference) -> bytes:
    data = bytearray()
    with Stores() as stores:
        fetch(reference, stores, write=data.extend, stop=Stop())
    return bytes(data)


def reference_to(path: Path, data: bytes) -> Reference:
    return Reference("r", len(data), path.as_uri(), f"blake3:{blake3(data).hexdigest()}")


def found(uri: str, max_objects: int = 100) -> dict[str, Reference]:
    return list_references(uri, None, max_objects=max_objects, stop=Stop())


async def test_a_directory_is_referred_to_file_by_file_and_comes_back(
    client: AsyncClient, tmp_path: Path
) -> None:
    root = plant(tmp_path / "shared", FILES)
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(root.as_uri(), "here")
        await draft.add_reference((root / "a").as_uri())
        result = await draft.commit()
    assert (result.sent_bytes, result.version.file_count) == (0, 4)
    expected = {f"here/{path}": data for path, data in FILES.items()} | {"a": b"a"}
    first = await client.download("calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == expected
    assert first.received_bytes == sum(map(len, expected.values()))
    assert (await client.download("calls", tmp_path / "copy")).received_bytes == 0


async def test_equal_files_make_an_equal_version(client: AsyncClient, tmp_path: Path) -> None:
    root = plant(tmp_path / "shared", FILES)
    created = []
    for _ in range(2):
        async with client.draft("calls", type="dataset") as draft:
            await draft.add_reference(root.as_uri())
            created.append((await draft.commit()).created)
    assert created == [True, False]


async def test_parts_of_a_version_may_be_fetched(client: AsyncClient, tmp_path: Path) -> None:
    root = plant(tmp_path / "shared", FILES)
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(root.as_uri())
        await draft.add_bytes("sub/stored", b"s")
        await draft.commit()
    await client.download("calls", tmp_path / "one", paths=["sub/empty"])
    await client.download("calls", tmp_path / "two", prefixes=["sub/"], paths=["a"])
    assert tree_of(tmp_path / "one") == {"sub/empty": b""}
    assert tree_of(tmp_path / "two") == {**FILES, "sub/stored": b"s"}


async def test_a_broken_reference_leaves_what_is_in_place_alone(
    client: AsyncClient, tmp_path: Path
) -> None:
    root = plant(tmp_path / "shared", {f"{at}": b"%d" % at for at in range(50)})
    async with client.draft("calls", type="dataset") as draft:
        await draft.add_reference(root.as_uri())
        await draft.commit()
    (root / "49").write_bytes(b"94")
    copy = plant(tmp_path / "copy", {"0": b"mine"})
    with pytest.raises(ReferenceChangedError, match="'49'"):
        await client.download("calls", copy)
    assert (copy / "0").read_bytes() == b"mine"
    assert not (copy / "49").exists()
    assert not [name for name in os.listdir(copy) if name.startswith(".hydria")]  # noqa: PTH208
    (root / "49").unlink()
    with pytest.raises(ReferenceNotFoundError, match="'49'"):
        await client.download("calls", copy)


def test_more_objects_than_allowed_are_an_error_that_names_the_limit(tmp_path: Path) -> None:
    uri = plant(tmp_path / "shared", FILES).as_uri()
    assert len(found(uri, max_objects=3)) == 3
    with pytest.raises(ReferenceLimitError, match="more than 2 objects") as raised:
        found(uri, max_objects=2)
    assert raised.value.details["limit"] == "2"
    with pytest.raises(InvalidArgumentError):
        found(uri, max_objects=0)


def test_links_are_followed_when_they_are_added_and_not_when_they_are_read(tmp_path: Path) -> None:
    root = plant(tmp_path / "shared", {"real": b"real"})
    (root / "link").symlink_to("real")
    references = found(root.as_uri())
    assert {path: each.uri for path, each in references.items()} == {
        "link": (root / "real").as_uri(),
        "real": (root / "real").as_uri(),
    }
    assert fetched(references["link"]) == b"real"
    with pytest.raises(ReferenceDeniedError, match="is a link"):
        fetched(reference_to(root / "link", b"real"))


def test_what_is_no_regular_file_is_never_opened_for_long(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(ReferenceDeniedError, match="no regular file"):
            fetched(reference_to(path, b"x"))
    with pytest.raises(SourceError):
        found((tmp_path / "pipe").as_uri())


def test_a_file_is_fetched_only_if_whoever_refers_to_it_knew_its_content(tmp_path: Path) -> None:
    secret = plant(tmp_path, {"secret": b"secret"}) / "secret"
    for checksum in ("", "etag:1", "version:1", "md5:5ebe2294ecd0e0f08eab7690d2a6ee69"):
        with pytest.raises(ReferenceUnverifiableError):
            fetched(Reference("r", 6, secret.as_uri(), checksum))
    with pytest.raises(ReferenceChangedError):
        fetched(Reference("r", 6, secret.as_uri(), "blake3:" + "0" * 64))
    assert fetched(reference_to(secret, b"secret")) == b"secret"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_denied(tmp_path: Path) -> None:
    secret = plant(tmp_path, {"secret": b"secret"}) / "secret"
    secret.chmod(0)
    with pytest.raises(ReferenceDeniedError):
        fetched(reference_to(secret, b"secret"))


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("file://other-host/a", ReferenceInvalidError),
        ("file:a", ReferenceInvalidError),
        ("file:///a%00b", ReferenceInvalidError),
        ("file:///a?b", ReferenceInvalidError),
        ("file:///a#b", ReferenceInvalidError),
        ("file:///no/such/file", ReferenceNotFoundError),
        ("gopher://host/a", ReferenceUnsupportedError),
    ],
)
def test_a_uri_that_names_no_file_is_refused(uri: str, error: type[BrokenReferenceError]) -> None:
    with pytest.raises(error):
        found(uri)
    with pytest.raises(error):
        fetched(Reference("r", 1, uri, "blake3:" + "0" * 64))


def test_two_names_that_are_one_path_are_refused(tmp_path: Path) -> None:
    root = plant(tmp_path / "shared", {"é": b"1", "e\u0301": b"2"})
    with pytest.raises(DuplicatePathError):
        found(root.as_uri())
