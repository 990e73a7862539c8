"""From windows of bytes to frames of about 1 MiB."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import xxhash

from hydria.v1 import artifact_pb2
from hydria_server.domain.chunks import ChunkRef
from hydria_server.rpc.hot_messages import DownloadFrame
from hydria_server.services.downloads import FileStart, Segment, Window

FRAME_BYTES = 1024 * 1024
# Bounds the columns and the paths beside the payload: the message stays under 4 MiB.
FRAME_ITEMS = 500


def download_frames(window: Window, *, whole_chunks: bool) -> Iterator[DownloadFrame]:
    """Yield the frames of one window: files begin where their first segment is, or stand alone."""
    starts, finished = deque(window.starts), deque(window.finished)
    begin = 0
    for end in _ends([segment.size_bytes for segment in window.segments]):
        frame = _frame(window.segments[begin:end], window.payloads[begin:end], whole_chunks)
        last = end == len(window.segments)
        begin = end
        reached = window.segments[end - 1].file_index if end else 0
        while starts and (last or starts[0].index <= reached):
            frame.message.files.append(_file(starts.popleft()))
        # A file whose segments reach into the next frame has not ended yet.
        continues = not last and window.segments[end].file_index == reached
        while finished and (last or finished[0] < reached + (not continues)):
            frame.message.finished_file_indexes.append(finished.popleft())
        yield frame


def _ends(sizes: Sequence[int]) -> Iterator[int]:
    """Yield where frames end, as places in a list of segments; at least one frame."""
    size = count = 0
    for index, segment_size in enumerate(sizes):
        if count and (size + segment_size > FRAME_BYTES or count >= FRAME_ITEMS):
            yield index
            size = count = 0
        size += segment_size
        count += 1
    yield len(sizes)


def _frame(
    segments: Sequence[Segment], payloads: Sequence[memoryview], whole_chunks: bool
) -> DownloadFrame:
    message = artifact_pb2.DownloadResponse(
        file_indexes=[segment.file_index for segment in segments],
        offsets=[segment.offset for segment in segments],
        sizes=[segment.size_bytes for segment in segments],
        digests=b"".join(segment.chunk.digest for segment in segments) if whole_chunks else b"",
        payload_xxh3=_xxh3(payloads),
    )
    return DownloadFrame(message, payloads)


def _xxh3(payloads: Sequence[memoryview]) -> int:
    """Return the XXH3 of all payloads, one after the other."""
    checksum = xxhash.xxh3_64()
    for payload in payloads:
        checksum.update(payload)
    return checksum.intdigest()


def _file(start: FileStart) -> artifact_pb2.DownloadedFile:
    return artifact_pb2.DownloadedFile(
        index=start.index,
        path=start.entry.path,
        size_bytes=start.entry.size_bytes,
        content_digest=start.entry.content_digest,
        offset=start.offset,
        length=start.length,
    )


def chunk_frame(
    refs: Sequence[ChunkRef], payloads: Sequence[memoryview]
) -> Iterator[artifact_pb2.FetchChunksResponse]:
    """Yield the frames of a window of single chunks."""
    begin = 0
    for end in _ends([ref.size_bytes for ref in refs]):
        payload = b"".join(payloads[begin:end])
        yield artifact_pb2.FetchChunksResponse(
            sizes=[ref.size_bytes for ref in refs[begin:end]],
            digests=b"".join(ref.digest for ref in refs[begin:end]),
            payload=payload,
            payload_xxh3=xxhash.xxh3_64_intdigest(payload),
        )
        begin = end
