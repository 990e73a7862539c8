"""Nothing that a server sends is believed before it was checked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import xxhash
from blake3 import blake3

from hydria.download.frames import FrameChecker, Read, Segment, Wanted
from hydria.errors import ReceivedDataError
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types

ONE, TWO = b"a" * 1000, b"b" * 500
BIG = Wanted("big.bin", 1500, blake3(ONE + TWO).digest())
TINY = Wanted("tiny.txt", 5, blake3(b"hello").digest())
EMPTY = Wanted("empty", 0, blake3(b"").digest())
WANTED = {file.path: Read(file) for file in (BIG, TINY, EMPTY)}

Change = Callable[[pb.DownloadResponse], None]


def announced(index: int, file: Wanted, *, offset: int = 0) -> pb.DownloadedFile:
    return pb.DownloadedFile(
        index=index,
        path=file.path,
        size_bytes=file.size_bytes,
        content_digest=file.content_digest,
        offset=offset,
        length=file.size_bytes - offset,
    )


def frame_of(*segments: tuple[int, int, bytes]) -> pb.DownloadResponse:
    payload = b"".join(data for _, _, data in segments)
    return pb.DownloadResponse(
        file_indexes=[index for index, _, _ in segments],
        offsets=[offset for _, offset, _ in segments],
        sizes=[len(data) for _, _, data in segments],
        digests=b"".join(blake3(data).digest() for _, _, data in segments),
        payload=payload,
        payload_xxh3=xxhash.xxh3_64_intdigest(payload),
    )


def good_frame() -> pb.DownloadResponse:
    frame = frame_of((0, 0, ONE), (0, 1000, TWO), (2, 0, b"hello"))
    frame.files.extend([announced(0, BIG), announced(1, EMPTY), announced(2, TINY)])
    frame.finished_file_indexes.extend([0, 1, 2])
    return frame


def check(*frames: pb.DownloadResponse, wanted: dict[str, Read] = WANTED) -> list[Segment]:
    checker = FrameChecker(wanted.get)
    segments = [s for frame in frames for s in checker.check(frame.SerializeToString())]
    checker.end()
    return segments


def test_a_good_frame_yields_every_byte_in_its_place() -> None:
    found = [(s.read.file.path, s.offset, bytes(s.data), s.is_last) for s in check(good_frame())]

    assert found == [
        ("big.bin", 0, ONE, False),
        ("big.bin", 1000, TWO, True),
        ("tiny.txt", 0, b"hello", True),
        ("empty", 0, b"", True),
    ]


def test_a_file_may_span_frames() -> None:
    first = frame_of((0, 0, ONE))
    first.files.append(announced(0, BIG))
    last = frame_of((0, 1000, TWO))
    last.finished_file_indexes.append(0)

    assert [s.offset for s in check(first, last)] == [0, 1000]


def test_a_frame_without_bytes_needs_no_check_sum() -> None:
    assert check(pb.DownloadResponse(version_ref="a/b/c:v0")) == []


def flip_payload(frame: pb.DownloadResponse) -> None:
    frame.payload = b"x" + frame.payload[1:]


def flip_payload_and_check_sum(frame: pb.DownloadResponse) -> None:
    flip_payload(frame)
    frame.payload_xxh3 = xxhash.xxh3_64_intdigest(frame.payload)


def send_a_lie_under_its_own_digest(frame: pb.DownloadResponse) -> None:
    lie = frame_of((0, 0, ONE), (0, 1000, TWO), (2, 0, b"hallo"))
    for field in ("payload", "payload_xxh3", "digests"):
        setattr(frame, field, getattr(lie, field))


def set_first(column: str, value: int) -> Change:
    def change(frame: pb.DownloadResponse) -> None:
        getattr(frame, column)[0] = value

    return change


def drop_last(column: str) -> Change:
    def change(frame: pb.DownloadResponse) -> None:
        getattr(frame, column).pop()

    return change


def announce(**fields: object) -> Change:
    def change(frame: pb.DownloadResponse) -> None:
        for name, value in fields.items():
            setattr(frame.files[0], name, value)

    return change


def announce_twice(frame: pb.DownloadResponse) -> None:
    frame.files.append(announced(3, BIG))


def compress(frame: pb.DownloadResponse) -> None:
    frame.compression = types.COMPRESSION_ZSTD


def append_bytes(frame: pb.DownloadResponse) -> None:
    frame.MergeFrom(frame_of((2, 5, b"more")))
    frame.payload = ONE + TWO + b"hellomore"
    frame.payload_xxh3 = xxhash.xxh3_64_intdigest(frame.payload)


def shorten_digests(frame: pb.DownloadResponse) -> None:
    frame.digests = frame.digests[:-32]


@pytest.mark.parametrize(
    "change",
    [
        flip_payload,
        flip_payload_and_check_sum,
        send_a_lie_under_its_own_digest,
        set_first("file_indexes", 7),
        set_first("file_indexes", 2),
        set_first("offsets", 1),
        set_first("sizes", 999),
        set_first("finished_file_indexes", 9),
        drop_last("file_indexes"),
        drop_last("offsets"),
        drop_last("finished_file_indexes"),
        shorten_digests,
        append_bytes,
        announce(path="../../etc/passwd"),
        announce(path="other.bin"),
        announce(index=1),
        announce(size_bytes=1499),
        announce(content_digest=bytes(32)),
        announce(offset=1),
        announce(length=3),
        announce_twice,
        compress,
    ],
)
def test_a_frame_that_was_not_asked_for_or_does_not_match_is_refused(change: Change) -> None:
    frame = good_frame()
    change(frame)

    with pytest.raises(ReceivedDataError):
        check(frame)


def test_bytes_of_a_file_that_has_ended_are_refused() -> None:
    with pytest.raises(ReceivedDataError):
        check(good_frame(), frame_of((0, 0, ONE)))


def test_a_call_that_ends_in_a_file_is_refused() -> None:
    first = frame_of((0, 0, ONE))
    first.files.append(announced(0, BIG))

    with pytest.raises(ReceivedDataError, match=r"big\.bin"):
        check(first)


def test_a_file_that_is_finished_before_its_last_byte_is_refused() -> None:
    first = frame_of((0, 0, ONE))
    first.files.append(announced(0, BIG))
    first.finished_file_indexes.append(0)

    with pytest.raises(ReceivedDataError, match=r"big\.bin"):
        check(first)


def test_a_resumed_file_goes_on_where_it_was_asked_to() -> None:
    rest = frame_of((0, 1000, TWO))
    rest.files.append(announced(0, BIG, offset=1000))
    rest.finished_file_indexes.append(0)

    (segment,) = check(rest, wanted={BIG.path: Read(BIG, offset=1000)})

    assert (segment.offset, segment.is_last) == (1000, True)


def test_a_range_comes_with_the_whole_chunks_that_it_touches() -> None:
    frame = frame_of((0, 0, ONE), (0, 1000, TWO))
    frame.files.append(announced(0, BIG))
    frame.files[0].offset, frame.files[0].length = 900, 200
    frame.finished_file_indexes.append(0)

    found = check(frame, wanted={BIG.path: Read(BIG, offset=900, length=200)})

    assert [(s.offset, len(s.data), s.is_last) for s in found] == [
        (0, 1000, False),
        (1000, 500, True),
    ]


def test_frames_that_bring_nothing_are_refused_so_that_none_can_go_on_for_ever() -> None:
    with pytest.raises(ReceivedDataError):
        check(pb.DownloadResponse())
    first = frame_of((0, 0, ONE), (0, 1000, b""))
    first.files.append(announced(0, BIG))
    with pytest.raises(ReceivedDataError):
        check(first)
