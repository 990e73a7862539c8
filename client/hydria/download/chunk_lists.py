"""Of which chunks the files of a version consist, as the server says and as far as that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from hydria.connection import Connection
from hydria.digests import DIGEST_BYTES
from hydria.download.frames import Wanted
from hydria.errors import ReceivedDataError, ServerUnavailableError, StreamStalledError
from hydria.retry import Patience
from hydria.scanned_files import ScannedFile
from hydria.v1 import artifact_pb2 as pb

# What no file has more of; and what is held at once: about 100 bytes each, with what is made of it.
CHUNKS_PER_FILE_MAX = 524_288
CHUNKS_HELD_MAX = 1 << 20


@dataclass(slots=True)
class _Listed:
    """The chunks of a file, as far as they came."""

    file: Wanted
    digests: bytearray = field(default_factory=bytearray)
    sizes: list[int] = field(default_factory=list)
    size_bytes: int = 0

    def extend(self, part: pb.FileChunks) -> None:
        self.digests += part.digests
        self.sizes.extend(part.sizes)
        self.size_bytes += sum(part.sizes)
        if (
            not part.sizes
            or 0 in part.sizes
            or len(part.digests) != DIGEST_BYTES * len(part.sizes)
            or self.size_bytes > self.file.size_bytes
            or len(self.sizes) > CHUNKS_PER_FILE_MAX
        ):
            raise ReceivedDataError(f"the list of chunks of {self.file.path!r} does not fit it")

    def whole(self) -> ScannedFile:
        return ScannedFile(self.file.content_digest, bytes(self.digests), tuple(self.sizes))


class ChunkLists:
    """Asks for chunk lists, and begins again after the last whole one when the line breaks."""

    def __init__(self, connection: Connection, version_ref: str, *, patience: Patience) -> None:
        self._connection = connection
        self._version_ref = version_ref
        self._patience = patience

    async def read(self, files: Sequence[Wanted]) -> list[ScannedFile]:
        """Return the chunks of the first of these files: of all, unless there are very many.

        None of the files is empty.

        Whether the chunks make up the file shows when it has been put together.

        Raises:
            ReceivedDataError: what came is no list of chunks of such a file, or does not end.
            HydriaError: what else the server or the transport says.
        """
        lists: list[ScannedFile] = []
        is_over = not files
        while not is_over:
            begun_with = len(lists)
            try:
                await self._read(files[begun_with:], lists)
                is_over = True
            except (ServerUnavailableError, StreamStalledError) as error:
                has_moved = len(lists) > begun_with
                await self._patience.wait_after_stream(error, has_moved=has_moved)
        return lists

    async def _read(self, files: Sequence[Wanted], lists: list[ScannedFile]) -> None:
        """Append to `lists` as they become whole, until all are or there are too many chunks."""
        request = pb.ListChunksRequest(ref=self._version_ref, paths=[file.path for file in files])
        stream = self._connection.stream(
            self._connection.stub.ListChunks, request, stall_seconds=self._patience.limit_seconds
        )
        first, current = len(lists), _Listed(files[0])
        is_first = True
        async with aclosing(stream) as responses:
            async for response in responses:
                if not response.files and not is_first:
                    raise ReceivedDataError("the server sent a list of no chunks")
                is_first = False
                for part in response.files:
                    if part.path_index != len(lists) - first:
                        raise ReceivedDataError("the server sent lists of chunks out of order")
                    current.extend(part)
                    if current.size_bytes == current.file.size_bytes:
                        lists.append(current.whole())
                        if len(lists) - first == len(files):
                            return
                        current = _Listed(files[len(lists) - first])
                if _count(lists) + len(current.sizes) > CHUNKS_HELD_MAX:
                    return
        raise ReceivedDataError(f"the list of chunks of {current.file.path!r} was cut short")


def chunks_of(scanned: ScannedFile) -> Iterator[tuple[bytes, int]]:
    """Yield digest and size in bytes of each chunk of a file of several chunks."""
    for at, size_bytes in enumerate(scanned.chunk_sizes):
        yield scanned.chunk_digests[DIGEST_BYTES * at : DIGEST_BYTES * (at + 1)], size_bytes


def _count(lists: Sequence[ScannedFile]) -> int:
    return sum(len(scanned.chunk_sizes) for scanned in lists)
