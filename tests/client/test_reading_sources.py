"""Files that are remembered, missing at the server, or changing while they are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hydria import scanned_files
from hydria.client import AsyncClient
from hydria.errors import NotFoundError, SourceChangedError, SourceError
from hydria.records import ChunkerParameters
from hydria.upload import scanner, sources
from hydria.upload.sources import Source
from hydria.walk import walk
from tests.client.trees import MIB, SIZES, content, plant, tree_of


@pytest.fixture
def trusted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember files although they have just been written."""
    monkeypatch.setattr(scanned_files, "DISTRUST_NS", -(10**15))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths of all files that are opened to be read."""
    paths: list[str] = []
    open_source = sources.open_source

    def note(source: Source) -> sources.OpenSource:
        paths.append(source.path)
        return open_source(source)

    monkeypatch.setattr(scanner, "open_source", note)
    return paths


def once(act: Callable[[], object]) -> Callable[[], None]:
    """Return a function that acts the first time it is called."""
    acts = [act]

    def acting() -> None:
        if acts:
            acts.pop()()

    return acting


def while_reading(monkeypatch: pytest.MonkeyPatch, interfere: Callable[[], None]) -> None:
    """Call `interfere` each time some of a file was read."""
    read_into = sources._OpenFile.read_into

    def reading(self: sources._OpenFile, room: memoryview) -> int:
        count = read_into(self, room)
        interfere()
        return count

    monkeypatch.setattr(sources._OpenFile, "read_into", reading)


@pytest.mark.usefixtures("trusted_at_once")
async def test_files_that_did_not_change_are_not_read_again(
    client: AsyncClient, tmp_path: Path, opened: list[str]
) -> None:
    source = plant(tmp_path / "source", SIZES)
    await client.log("calls", source, type="dataset")
    assert sorted(opened) == sorted(SIZES)
    opened.clear()

    assert not (await client.log("calls", source)).created
    assert opened == []

    plant(source, {"one byte": b"y"})
    result = await client.log("calls", source)
    assert opened == ["one byte"]
    assert (result.created, result.new_bytes) == (True, 1)


async def test_files_that_were_just_written_are_distrusted(
    client: AsyncClient, tmp_path: Path, opened: list[str]
) -> None:
    source = plant(tmp_path / "source", {"a": b"a"})
    await client.log("calls", source, type="dataset")
    await client.log("calls", source)

    assert opened == ["a", "a"]


@pytest.mark.usefixtures("trusted_at_once")
async def test_a_remembered_file_is_read_when_the_server_lacks_it(
    client: AsyncClient, tmp_path: Path, opened: list[str]
) -> None:
    source = plant(tmp_path / "source", SIZES)
    await client.log("calls", source, type="dataset")
    opened.clear()

    # Another team shares nothing with the first one.
    result = await client.log("others/birds/calls", source, type="dataset")
    await client.download(result.version.ref, tmp_path / "copy")

    assert sorted(opened) == sorted(path for path, data in SIZES.items() if data)
    assert result.new_bytes == result.sent_bytes > 0
    assert tree_of(tmp_path / "copy") == SIZES


@pytest.mark.usefixtures("trusted_at_once")
async def test_of_remembered_files_only_those_that_the_server_lacks_are_read(
    client: AsyncClient, tmp_path: Path, opened: list[str]
) -> None:
    source = plant(tmp_path / "source", SIZES)
    await client.log("calls", source, type="dataset")
    await client.log(
        "others/birds/calls", plant(tmp_path / "zeros", {"z": SIZES["deep/zeros"]}), type="dataset"
    )
    opened.clear()

    await client.log("others/birds/all", source, type="dataset")

    assert "deep/zeros" not in opened
    assert "deep/er/many chunks.bin" in opened


@pytest.mark.parametrize("size_bytes", [10, 20 * MIB])
async def test_a_file_that_keeps_changing_is_an_error_that_names_it(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    source = plant(tmp_path / "source", {"moving": content(size_bytes), "still": b"still"})
    while_reading(monkeypatch, lambda: os.utime(source / "moving"))

    with pytest.raises(SourceChangedError, match="moving"):
        await client.log("calls", source, type="dataset")
    with pytest.raises(NotFoundError):
        await client.version("calls")


@pytest.mark.parametrize("size_bytes", [10, 20 * MIB])
async def test_a_file_that_changes_once_is_read_again(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    source = plant(tmp_path / "source", {"moving": content(size_bytes, 1)})
    later = content(size_bytes, 2)
    while_reading(monkeypatch, once(lambda: plant(source, {"moving": later})))

    await client.log("calls", source, type="dataset")

    assert await client.read("calls", "moving") == later


@pytest.mark.parametrize("size_bytes", [10, 20 * MIB])
async def test_a_file_that_shrinks_while_it_is_read_is_never_a_torn_version(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    source = plant(tmp_path / "source", {"moving": content(size_bytes)})
    while_reading(monkeypatch, once(lambda: os.truncate(source / "moving", 5)))

    await client.log("calls", source, type="dataset")

    assert await client.read("calls", "moving") == content(size_bytes)[:5]


async def test_a_pipe_that_takes_the_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"file": b"a file"})

    def replace_by_a_pipe() -> None:
        (source / "file").unlink()
        os.mkfifo(source / "file")

    (found,) = walk([source])
    replace_by_a_pipe()
    reading = sources.open_source(found)
    assert reading.read_into(memoryview(bytearray(6))) == 0
    assert reading.has_changed()
    reading.close()
    with pytest.raises(SourceError, match="regular"):
        sources.looked_at_again(found)


async def test_a_file_that_changed_since_the_walk_is_read_as_it_is_now(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = plant(tmp_path / "source", {"moving": b"before"})
    open_source = sources.open_source
    rewrite = once(lambda: plant(source, {"moving": b"after the walk"}))

    def opening(found: Source) -> sources.OpenSource:
        rewrite()
        return open_source(found)

    monkeypatch.setattr(scanner, "open_source", opening)
    await client.log("calls", source, type="dataset")

    assert await client.read("calls", "moving") == b"after the walk"


async def test_a_file_of_very_many_chunks_goes_by_recipes(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hydria.upload.pieces.RECIPE_CHUNKS_MAX", 1000)
    info = await client.server_info()
    client._runtime._info = replace(
        info,
        limits=replace(info.limits, max_chunks_per_entry=64),
        chunker=ChunkerParameters(min_bytes=512, average_bytes=1024, max_bytes=4096),
    )
    data = content(4 * MIB)
    source = plant(tmp_path / "source", {"big": data, "small": data[:1000]})

    result = await client.log("calls", source, type="dataset")

    assert await client.read("calls", "big") == data
    assert result.new_bytes == len(data) + 1000
    assert result.sent_bytes > result.new_bytes
    assert (await client.log("calls", source)).sent_bytes == 0
