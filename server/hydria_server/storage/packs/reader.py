"""Reads records: neighbours together, each checked by itself."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hydria_server.domain.chunks import StoredChunk
from hydria_server.domain.errors import ChunkCorruptError, StorageUnavailableError
from hydria_server.storage.packs.disk_calls import DiskCalls
from hydria_server.storage.packs.layout import PackLayout
from hydria_server.storage.packs.pack_files import PackFiles
from hydria_server.storage.packs.record import (
    RecordDamagedError,
    RecordTooNewError,
    payload_of,
    record_bytes,
)

RUN_BYTES = 4 * 1024 * 1024

# What the process or the machine lacks just now: it says nothing about the chunk, and to call a
# healthy chunk corrupt would take it out of every version that has it.
_NOT_THE_CHUNK = {
    errno.EACCES, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPERM,
    errno.ESTALE, errno.ETIMEDOUT,
}  # fmt: skip


@dataclass(slots=True)
class _Run:
    """Records that lie side by side in one pack, read by one system call."""

    pack_id: str
    offset: int
    end: int
    members: list[int]  # positions in the request


class PackReader:
    """Reads the chunks of one request after the other. Blocks, and belongs to one thread."""

    def __init__(self, layout: PackLayout, *, calls: DiskCalls) -> None:
        self._layout = layout
        self._calls = calls
        self._files = PackFiles(layout)

    def read(self, domain: bytes, chunks: Sequence[StoredChunk]) -> list[memoryview]:
        """As `PackStore.read`."""
        payloads: dict[int, memoryview] = {}
        for run in _runs(chunks):
            self._read_run(run, domain, chunks, payloads)
        for position, chunk in enumerate(chunks):
            if position not in payloads:
                raise ChunkCorruptError(chunk.digest)
        return [payloads[position] for position in range(len(chunks))]

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def _read_run(
        self,
        run: _Run,
        domain: bytes,
        chunks: Sequence[StoredChunk],
        payloads: dict[int, memoryview],
    ) -> None:
        """Add the payloads of those records of `run` that are intact."""
        try:
            data = memoryview(self._bytes_of(run))
        except OSError as error:
            self._require_damage(error)
            if len(run.members) > 1:  # one bad sector must not condemn its neighbours
                for position in run.members:
                    self._read_run(_run_of(position, chunks[position]), domain, chunks, payloads)
            return
        for position in run.members:
            chunk = chunks[position]
            start = chunk.location.offset - run.offset
            record = data[start : start + record_bytes(chunk.location.stored_bytes)]
            try:
                payloads[position] = payload_of(record, domain, chunk)
            except RecordDamagedError:
                continue
            except RecordTooNewError as error:
                raise StorageUnavailableError(
                    "a newer server wrote this chunk; this one cannot read it"
                ) from error

    def _bytes_of(self, run: _Run) -> bytes:
        """Return the bytes of `run`, fewer where the pack is too short."""
        descriptor = self._files.descriptor(run.pack_id)
        size = run.end - run.offset
        data = self._calls.pread(descriptor, size, run.offset)
        while len(data) < size:  # a signal, or the end of the file
            more = self._calls.pread(descriptor, size - len(data), run.offset + len(data))
            if not more:
                break
            data += more
        return data

    def _require_damage(self, error: OSError) -> None:
        """Return if `error` means that bytes are lost.

        Raises:
            StorageUnavailableError: it means that they cannot be read just now.
        """
        root_is_gone = error.errno == errno.ENOENT and not self._layout.sealed.is_dir()
        if root_is_gone or error.errno in _NOT_THE_CHUNK:
            raise StorageUnavailableError("stored chunks cannot be read just now") from error


def _runs(chunks: Sequence[StoredChunk]) -> Iterable[_Run]:
    """Yield runs of at most 4 MiB (or one record), in the order in which they lie on the disk."""
    order = sorted(range(len(chunks)), key=lambda position: _place(chunks[position]))
    run: _Run | None = None
    for position in order:
        following = _run_of(position, chunks[position])
        if run and _continues(run, following):
            run.members.append(position)
            run.end = max(run.end, following.end)
            continue
        if run:
            yield run
        run = following
    if run:
        yield run


def _place(chunk: StoredChunk) -> tuple[str, int]:
    return chunk.location.pack_id, chunk.location.offset


def _run_of(position: int, chunk: StoredChunk) -> _Run:
    location = chunk.location
    end = location.offset + record_bytes(location.stored_bytes)
    return _Run(location.pack_id, location.offset, end, [position])


def _continues(run: _Run, following: _Run) -> bool:
    """Tell whether the two touch, or are the same record twice, and are small enough together."""
    return (
        following.pack_id == run.pack_id
        and following.offset <= run.end
        and following.end - run.offset <= RUN_BYTES
    )
