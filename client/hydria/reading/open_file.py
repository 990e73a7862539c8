"""A file of a version that is read at any place, without a copy on the disk."""

from __future__ import annotations

from contextlib import aclosing

from hydria.digests import format_digest
from hydria.download.frames import Wanted
from hydria.download.listing import VersionListing
from hydria.download.reading import FileReader, WholeFileCheck
from hydria.errors import FileNotFoundInVersionError, InvalidArgumentError
from hydria.reading.ahead import ChunkWindow
from hydria.records import File, Version
from hydria.references.words import Reference
from hydria.retry import Patience
from hydria.runtime import Runtime


class OpenFile:
    """A file of one version, whatever its alias does meanwhile. `AsyncClient.open` makes it.

    Every byte is verified by the digest of its chunk before it is returned; a file that is read
    from its first byte to its last also by its own. What is held is bounded by the read-ahead and
    4 MiB. Nothing has to be closed; `close` lets go of what is held.
    """

    def __init__(
        self, runtime: Runtime, version_ref: str, file: Wanted, *, read_ahead_bytes: int
    ) -> None:
        self.version_ref = version_ref
        """The full ref of the version, `ENTITY/PROJECT/COLLECTION:vN`."""
        self.read_ahead_bytes = read_ahead_bytes
        self._runtime = runtime
        self._file = file
        self._window = ChunkWindow(file.size_bytes, read_ahead_bytes=read_ahead_bytes)
        self._whole = WholeFileCheck(file)

    @property
    def path(self) -> str:
        """The path in the version."""
        return self._file.path

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self._file.size_bytes

    @property
    def digest(self) -> str:
        """`blake3:<hex>` of the content."""
        return format_digest(self._file.content_digest)

    async def read_at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on, or those that there are before the end.

        Args:
            offset: where to begin, in bytes.
            length: how many bytes.

        Raises:
            InvalidArgumentError: one of them is negative.
            ReceivedDataError: the bytes do not match their digest.
            HydriaError: what else the server or the transport says.
        """
        if offset < 0 or length < 0:
            raise InvalidArgumentError(f"there are no {length} bytes at {offset}")
        end = min(offset + length, self.size_bytes)
        pieces: list[memoryview] = []
        self._window.begin_read(offset)
        at = offset
        while at < end:
            held = self._window.find(at)
            if held is not None:
                pieces.append(held[: end - at])
                at += len(pieces[-1])
                continue
            fetched = await self._fetch(at, end)
            pieces += fetched
            at += sum(map(len, fetched))
        self._window.end_read(at)
        return b"".join(pieces)

    async def read_some(self, offset: int, length: int) -> bytes:
        """Return some bytes from `offset` on: those of one chunk at most, none at the end only.

        For who fills a buffer without a need for all of it. Arguments and errors as `read_at`.
        """
        data = await self.read_at(offset, min(length, 1))
        held = self._window.find(offset)
        if held is not None:
            data = bytes(held[:length])
            self._window.end_read(offset + len(data))
        return data

    def close(self) -> None:
        """Let go of what is held. The file may still be read."""
        self._window.clear()

    async def _fetch(self, start: int, end: int) -> list[memoryview]:
        """Fetch the bytes between `start` and `end` and what is read ahead; return the former."""
        reader = FileReader(
            self._runtime.connection,
            self.version_ref,
            self._file,
            executor=self._runtime.executor,
            patience=Patience(self._runtime.options.retry_seconds),
        )
        until = self._window.fetch_until(start, end)
        is_large = end - start > self.read_ahead_bytes
        pieces: list[memoryview] = []
        with self._runtime.operation():
            async with aclosing(reader.chunks(start, until)) as chunks:
                async for chunk in chunks:
                    self._whole.take(chunk)
                    piece = chunk.data[max(start - chunk.offset, 0) : max(end - chunk.offset, 0)]
                    if piece:
                        pieces.append(piece)
                    if not is_large:
                        self._window.keep(chunk.offset, chunk.data)
        return pieces


async def open_file(
    runtime: Runtime, version: Version, file: str | File, *, read_ahead_bytes: int
) -> OpenFile:
    """Return a file of a version, by its path or as the version's list has it.

    Raises:
        FileNotFoundInVersionError: the version has no such file, or it is a reference.
        InvalidArgumentError: `read_ahead_bytes` is negative.
    """
    if read_ahead_bytes < 0:
        raise InvalidArgumentError(f"read_ahead_bytes is {read_ahead_bytes}, which is negative")
    if isinstance(file, str):
        patience = Patience(runtime.options.retry_seconds)
        found = await VersionListing(runtime.connection, version, patience=patience).find(file)
        if isinstance(found, Reference):
            raise _elsewhere(file)
        wanted = found
    elif file.ref_uri:
        raise _elsewhere(file.path)
    else:
        digest = bytes.fromhex(file.digest.removeprefix("blake3:"))
        wanted = Wanted(file.path, file.size_bytes, digest)
    return OpenFile(runtime, version.ref, wanted, read_ahead_bytes=read_ahead_bytes)


def _elsewhere(path: str) -> FileNotFoundInVersionError:
    return FileNotFoundInVersionError(
        f"{path!r} is a reference, stored elsewhere: read it whole with `read` or `iter_bytes`"
    )
