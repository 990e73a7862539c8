"""Checks what the server sends against what was asked for, byte by byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import xxhash
from blake3 import blake3

from hydria.digests import DIGEST_BYTES, EMPTY_CONTENT_DIGEST
from hydria.download.wire import decode_frame
from hydria.errors import ReceivedDataError
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types


class Wanted(NamedTuple):
    """A stored file of a version, as the version's list describes it."""

    path: str
    size_bytes: int
    content_digest: bytes


class Read(NamedTuple):
    """A file, or the part of it that was asked for."""

    file: Wanted
    offset: int = 0
    length: int | None = None
    """In bytes; None to the end."""

    @property
    def end(self) -> int:
        """Where the part ends, in bytes from the beginning of the file."""
        size_bytes = self.file.size_bytes
        return size_bytes if self.length is None else min(self.offset + self.length, size_bytes)


class Segment(NamedTuple):
    """A verified chunk of a file. Segments of a file come without gaps, the last one marked."""

    read: Read
    offset: int
    data: memoryview
    is_last: bool
    digest: bytes
    """The chunk's."""


@dataclass(slots=True)
class _Incoming:
    """A file that the server has begun to send."""

    read: Read
    next_offset: int | None = None  # None until its first chunk said where it begins
    is_finished: bool = False


class FrameChecker:
    """Takes the frames of one Download call with `whole_chunks`, and yields what is in them.

    `find` returns what was asked for under a path, or None. Every chunk is checked by its BLAKE3,
    every frame by its XXH3, and a file of one chunk by its own digest; a file of several chunks
    is left to the caller, who sees all of its bytes.
    """

    def __init__(self, find: Callable[[str], Read | None]) -> None:
        self._find = find
        self._incoming: list[_Incoming] = []
        self._paths: set[str] = set()

    def check(self, raw: bytes) -> Iterator[Segment]:
        """Yield the verified segments of a frame.

        Raises:
            ReceivedDataError: the frame has anything that was not asked for, or not announced, or
                does not match its digest.
        """
        frame, payload = decode_frame(raw)
        if frame.compression not in (types.COMPRESSION_UNSPECIFIED, types.COMPRESSION_IDENTITY):
            raise ReceivedDataError("the server sent a compressed frame, which was not asked for")
        # A frame without bytes needs no check sum.
        if len(payload) != sum(frame.sizes) or (
            payload and frame.payload_xxh3 != xxhash.xxh3_64_intdigest(payload)
        ):
            raise ReceivedDataError("a frame was damaged on its way")
        for announced in frame.files:
            self._announce(announced)
        finished = set(frame.finished_file_indexes)
        yield from self._segments(frame, payload)
        for index in finished:
            yield from self._finish(index)

    def end(self) -> None:
        """Check that the call may end here.

        Raises:
            ReceivedDataError: a file that was begun is not finished.
        """
        for incoming in self._incoming:
            if not incoming.is_finished:
                raise ReceivedDataError(f"{incoming.read.file.path!r} was cut short")

    def _announce(self, announced: pb.DownloadedFile) -> None:
        path = announced.path
        read = self._find(path)
        if read is None or path in self._paths or announced.index != len(self._incoming):
            raise ReceivedDataError(f"the server sent {path!r}, which was not asked for")
        if (announced.size_bytes, announced.content_digest) != read.file[1:]:
            raise ReceivedDataError(f"{path!r} is not the file that the version's list has")
        if (announced.offset, announced.offset + announced.length) != (read.offset, read.end):
            raise ReceivedDataError(f"the server sent another part of {path!r} than asked for")
        self._paths.add(path)
        self._incoming.append(_Incoming(read))

    def _segments(self, frame: pb.DownloadResponse, payload: memoryview) -> Iterator[Segment]:
        count = len(frame.sizes)
        columns = (len(frame.file_indexes), len(frame.offsets), len(frame.digests) // DIGEST_BYTES)
        if columns != (count, count, count):
            raise ReceivedDataError("the columns of a frame are not equally long")
        digests, at = frame.digests, 0
        for place, (index, offset, size) in enumerate(
            zip(frame.file_indexes, frame.offsets, frame.sizes, strict=True)
        ):
            data = payload[at : at + size]
            at += size
            digest = digests[DIGEST_BYTES * place : DIGEST_BYTES * (place + 1)]
            yield self._segment(index, offset, data, digest)

    def _segment(self, index: int, offset: int, data: memoryview, digest: bytes) -> Segment:
        incoming = self._incoming_at(index)
        read, end = incoming.read, offset + len(data)
        file = read.file
        if incoming.next_offset is None:
            in_place = offset <= read.offset < end
        else:
            in_place = offset == incoming.next_offset
        if not in_place or end > file.size_bytes or (end - len(data) >= read.end):
            raise ReceivedDataError(f"the server sent bytes of {file.path!r} out of place")
        if blake3(data).digest() != digest or (
            len(data) == file.size_bytes and digest != file.content_digest
        ):
            raise ReceivedDataError(f"bytes of {file.path!r} do not match their digest")
        incoming.next_offset = end
        return Segment(read, offset, data, is_last=end >= read.end, digest=digest)

    def _finish(self, index: int) -> Iterator[Segment]:
        """Note the end of a file; one without bytes has not been yielded yet."""
        incoming = self._incoming_at(index)
        read = incoming.read
        incoming.is_finished = True
        if incoming.next_offset is None and read.offset == read.end:
            yield Segment(read, read.offset, memoryview(b""), True, EMPTY_CONTENT_DIGEST)
        elif incoming.next_offset is None or incoming.next_offset < read.end:
            raise ReceivedDataError(f"{read.file.path!r} was cut short")

    def _incoming_at(self, index: int) -> _Incoming:
        if index >= len(self._incoming) or self._incoming[index].is_finished:
            raise ReceivedDataError("the server sent bytes of a file that it did not announce")
        return self._incoming[index]
