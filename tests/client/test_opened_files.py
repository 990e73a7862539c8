"""Files of versions opened in place: any part of them, and hardly more than that."""

from __future__ import annotations

import random

import pytest

from hydria.client import AsyncClient
from hydria.download.frames import Segment
from hydria.download.reading import WholeFileCheck
from hydria.errors import (
    FileNotFoundInVersionError,
    InvalidArgumentError,
    NotFoundError,
    ReceivedDataError,
)
from hydria.reading.open_file import OpenFile
from tests.client.lines import Line
from tests.client.trees import MIB, content

BIG = content(24 * MIB + 5, 1)
CHUNK_BYTES_MAX = 2 * MIB


@pytest.fixture
async def logged(client: AsyncClient) -> str:
    draft = client.draft("calls", type="dataset")
    async with draft:
        await draft.add_bytes("big", BIG)
        await draft.add_bytes("small", b"small")
        await draft.add_bytes("empty", b"")
        result = await draft.commit()
    return result.version.ref


class Fetches:
    """Counts what an open file fetches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.bytes = 0
        take = WholeFileCheck.take
        fetch = OpenFile._fetch

        def counted_take(check: WholeFileCheck, chunk: Segment) -> None:
            self.bytes += len(chunk.data)
            take(check, chunk)

        async def counted_fetch(file: OpenFile, start: int, end: int) -> list[memoryview]:
            self.calls += 1
            return await fetch(file, start, end)

        monkeypatch.setattr(WholeFileCheck, "take", counted_take)
        monkeypatch.setattr(OpenFile, "_fetch", counted_fetch)

    def taken(self) -> tuple[int, int]:
        counted, self.calls, self.bytes = (self.calls, self.bytes), 0, 0
        return counted


@pytest.fixture
def fetches(monkeypatch: pytest.MonkeyPatch) -> Fetches:
    return Fetches(monkeypatch)


async def test_any_part_of_a_file_is_what_was_logged(client: AsyncClient, logged: str) -> None:
    file = await client.open(logged, "big", read_ahead_bytes=MIB)
    places = random.Random(5)
    for _ in range(60):
        offset = places.randrange(len(BIG) + 10)
        length = places.choice([0, 1, 100, 70_000, 3 * MIB])
        assert await file.read_at(offset, length) == BIG[offset : offset + length]
        some = await file.read_some(offset, length)
        assert BIG[offset:].startswith(some)
        assert bool(some) == bool(BIG[offset : offset + length])
    assert await file.read_at(0, 1 << 40) == BIG


async def test_small_and_empty_files_are_read_too(client: AsyncClient, logged: str) -> None:
    small, empty = await client.open(logged, "small"), await client.open(logged, "empty")
    assert (small.size_bytes, empty.size_bytes) == (5, 0)
    assert await small.read_at(1, 3) == b"mal"
    assert await small.read_at(5, 3) == b""
    assert await empty.read_at(0, 10) == b""
    assert small.digest == next(
        file.digest for file in await client.files(logged).to_list() if file.path == "small"
    )


async def test_a_jump_fetches_the_chunk_it_needs_and_a_near_one_nothing(
    client: AsyncClient, logged: str, fetches: Fetches
) -> None:
    file = await client.open(logged, "big")
    for offset in (20 * MIB, 3 * MIB, 11 * MIB):
        await file.read_at(offset, 10)
        await file.read_at(offset + 10, 10)
        await file.read_at(offset, 20)
        calls, fetched = fetches.taken()
        assert calls == 1
        assert fetched <= CHUNK_BYTES_MAX


async def test_reading_on_fetches_more_at_once_and_nothing_twice(
    client: AsyncClient, logged: str, fetches: Fetches
) -> None:
    file = await client.open(logged, "big")
    data = b"".join([await file.read_at(at, 64_000) for at in range(0, len(BIG), 64_000)])
    calls, fetched = fetches.taken()
    assert data == BIG
    assert calls < 12
    assert fetched == len(BIG)


async def test_what_is_held_stays_within_its_bound(client: AsyncClient, logged: str) -> None:
    file = await client.open(logged, "big", read_ahead_bytes=MIB)
    for at in range(0, len(BIG), 100_000):
        await file.read_at(at, 100_000)
        assert file._window.held_bytes <= MIB + 2 * CHUNK_BYTES_MAX
    file.close()
    assert file._window.held_bytes == 0
    assert await file.read_at(7, 7) == BIG[7:14]


async def test_the_version_is_that_of_the_opening_wherever_the_alias_goes(
    client: AsyncClient, logged: str
) -> None:
    file = await client.open("calls", "small")
    async with client.draft("calls") as draft:
        await draft.add_bytes("small", b"other")
        await draft.commit()
    assert await file.read_at(0, 10) == b"small"
    assert file.version_ref == logged
    assert await (await client.open("calls", "small")).read_at(0, 10) == b"other"


async def test_a_version_and_a_file_that_are_known_are_not_asked_for(
    client: AsyncClient, logged: str
) -> None:
    version = await client.version(logged)
    file = next(file for file in await client.files(logged).to_list() if file.path == "small")
    assert await (await client.open(version, file)).read_at(0, 10) == b"small"


async def test_what_is_not_there_is_told_at_opening(client: AsyncClient, logged: str) -> None:
    with pytest.raises(FileNotFoundInVersionError):
        await client.open(logged, "smal")
    with pytest.raises(NotFoundError):
        await client.open("calls:v9", "small")
    with pytest.raises(InvalidArgumentError):
        await client.open(logged, "small", read_ahead_bytes=-1)
    file = await client.open(logged, "small")
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(InvalidArgumentError):
            await file.read_at(offset, length)


async def test_a_line_that_breaks_is_not_seen(
    line: Line, client_on_line: AsyncClient, logged: str
) -> None:
    file = await client_on_line.open(logged, "big")
    line.cut_after_received_bytes += [3 * MIB, 5 * MIB]
    assert await file.read_at(0, len(BIG)) == BIG
    assert line.cuts == 2


async def test_bytes_that_do_not_match_their_digest_are_never_returned(
    client: AsyncClient, logged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await client.open(logged, "big")
    last = await file.read_at(len(BIG) - 1, 1)
    wrong = await client.open(logged, "big")
    monkeypatch.setattr(wrong._whole, "_file", wrong._file._replace(content_digest=bytes(32)))
    with pytest.raises(ReceivedDataError):
        await wrong.read_at(0, len(BIG))
    assert last == BIG[-1:]
