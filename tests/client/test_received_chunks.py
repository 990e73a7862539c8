"""Chunks, and lists of them, are not believed before they were checked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import xxhash
from blake3 import blake3

from hydria.address import parse_address
from hydria.connection import Connection
from hydria.download import chunk_lists
from hydria.download.chunk_fetching import ChunkChecker
from hydria.download.chunk_lists import ChunkLists
from hydria.download.frames import Wanted
from hydria.errors import ReceivedDataError
from hydria.retry import Patience
from hydria.scanned_files import ScannedFile
from hydria.v1 import artifact_pb2 as pb

ONE, TWO, THREE = b"1" * 1000, b"2" * 500, b"3"
CHUNKS = [(blake3(data).digest(), len(data)) for data in (ONE, TWO, THREE)]
FILES = [
    Wanted("a", 1500, blake3(ONE + TWO).digest()),
    Wanted("b", 1, blake3(THREE).digest()),
]


def frame_of(*chunks: bytes) -> pb.FetchChunksResponse:
    payload = b"".join(chunks)
    return pb.FetchChunksResponse(
        sizes=[len(data) for data in chunks],
        digests=b"".join(blake3(data).digest() for data in chunks),
        payload=payload,
        payload_xxh3=xxhash.xxh3_64_intdigest(payload),
    )


def check(*frames: pb.FetchChunksResponse) -> list[bytes]:
    taken: list[bytes] = []
    checker = ChunkChecker(CHUNKS)
    for frame in frames:
        checker.check(frame.SerializeToString(), lambda digest, data: taken.append(bytes(data)))
    checker.end()
    return taken


def test_good_frames_yield_every_chunk_once() -> None:
    assert check(frame_of(ONE), frame_of(TWO, THREE)) == [ONE, TWO, THREE]


def with_payload(payload: bytes) -> Callable[[pb.FetchChunksResponse], None]:
    def change(frame: pb.FetchChunksResponse) -> None:
        frame.payload = payload
        frame.payload_xxh3 = xxhash.xxh3_64_intdigest(payload)

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: setattr(frame, "payload_xxh3", 1),
        lambda frame: setattr(frame, "compression", 2),
        lambda frame: frame.sizes.append(1),
        lambda frame: frame.sizes.reverse(),
        lambda frame: setattr(frame, "digests", frame.digests[:-1]),
        lambda frame: setattr(frame, "digests", frame.digests[32:] + frame.digests[:32]),
        with_payload(ONE + TWO),
        with_payload(ONE + TWO + THREE + b"!"),
        with_payload(ONE + TWO + b"!"),
        lambda frame: frame.Clear(),
    ],
)
def test_anything_else_is_refused(change: Callable[[pb.FetchChunksResponse], object]) -> None:
    frame = frame_of(ONE, TWO, THREE)
    change(frame)
    with pytest.raises(ReceivedDataError):
        check(frame)


@pytest.mark.parametrize(
    "frames",
    [
        (frame_of(ONE, TWO),),
        (frame_of(ONE, TWO, THREE), frame_of(THREE)),
        (frame_of(ONE, TWO, THREE), frame_of()),
        (frame_of(TWO, ONE, THREE),),
        (),
    ],
)
def test_more_or_less_than_was_asked_for_is_refused(
    frames: tuple[pb.FetchChunksResponse, ...],
) -> None:
    with pytest.raises(ReceivedDataError):
        check(*frames)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ReceivedDataError):
        ChunkChecker(CHUNKS).check(b"\xff\xff", lambda digest, data: None)


# --- lists ------------------------------------------------------------------------------------


def list_of(*parts: tuple[int, Sequence[int]], digests: int | None = None) -> pb.ListChunksResponse:
    return pb.ListChunksResponse(
        files=[
            pb.FileChunks(
                path_index=index,
                sizes=sizes,
                digests=bytes(32 * (len(sizes) if digests is None else digests)),
            )
            for index, sizes in parts
        ]
    )


async def read(
    monkeypatch: pytest.MonkeyPatch, *responses: pb.ListChunksResponse
) -> list[ScannedFile]:
    async def stream(
        self: object, method: object, request: object, **_: object
    ) -> AsyncIterator[pb.ListChunksResponse]:
        yield pb.ListChunksResponse(version_ref="e/p/c:v0")
        for response in responses:
            yield response

    monkeypatch.setattr(Connection, "stream", stream)
    connection = Connection(parse_address("127.0.0.1:1"))
    try:
        return await ChunkLists(connection, "e/p/c:v0", patience=Patience(1)).read(FILES)
    finally:
        await connection.close()


async def test_lists_may_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = await read(monkeypatch, list_of((0, [1000])), list_of((0, [400, 100]), (1, [1])))
    assert [listed.chunk_sizes for listed in lists] == [(1000, 400, 100), (1,)]
    assert [listed.content_digest for listed in lists] == [file.content_digest for file in FILES]


@pytest.mark.parametrize(
    "responses",
    [
        [list_of((0, [1000, 501]))],
        [list_of((0, [1000, 0, 500]), (1, [1]))],
        [list_of((0, [1000, 500]), (1, [1]), digests=1)],
        [list_of((1, [1]), (0, [1000, 500]))],
        [list_of((0, [1000, 500]), (0, [1]))],
        [list_of((0, [1000, 500]))],
        [list_of((0, [1000]))],
        [list_of(), list_of()],
        [list_of((0, []), (0, [1000, 500]), (1, [1]))],
        [],
    ],
)
async def test_a_list_that_cannot_be_right_is_refused(
    monkeypatch: pytest.MonkeyPatch, responses: list[pb.ListChunksResponse]
) -> None:
    with pytest.raises(ReceivedDataError):
        await read(monkeypatch, *responses)


async def test_more_chunks_than_fit_into_memory_are_left_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunk_lists, "CHUNKS_HELD_MAX", 2)
    assert len(await read(monkeypatch, list_of((0, [1000, 500]), (1, [1])))) == 2
    assert len(await read(monkeypatch, list_of((0, [1000, 500])), list_of((1, [1])))) == 2
    assert len(await read(monkeypatch, list_of((0, [1000, 400, 50])))) == 0
