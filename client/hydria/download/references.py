"""The references of a download: fetched from where they point, put in place like other files."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hydria.copying import write_all
from hydria.download.frames import Wanted
from hydria.download.materializing import Materializer
from hydria.groups import first_error
from hydria.references.fetching import fetch
from hydria.references.stores import PIECE_BYTES, Stores
from hydria.references.words import Reference
from hydria.threads import Stop, run_in_thread

# Enough to hide the latency of an object store, few enough for the threads of a client.
_AT_ONCE = 4
_CONTENT = "blake3:"


def wanted_of(reference: Reference) -> Wanted:
    """Return a reference as a file to be in place.

    Without the digest of its content, what is in place cannot be told from something else.
    """
    digest = b""
    for part in reference.checksum.split(" "):
        if part.startswith(_CONTENT) and len(part) == len(_CONTENT) + 64:
            digest = _from_hex(part.removeprefix(_CONTENT))
    return Wanted(reference.path, reference.size_bytes, digest)


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


class ReferenceDownload:
    """Fetches references for one materializer."""

    def __init__(
        self,
        materializer: Materializer,
        executor: ThreadPoolExecutor,
        *,
        on_file: Callable[[Wanted], None],
    ) -> None:
        self._materializer = materializer
        self._executor = executor
        self._on_file = on_file
        self._turn = asyncio.Lock()  # the materializer is for one at a time

    async def run(self, wanted: Sequence[Wanted], references: Mapping[str, Reference]) -> None:
        """Fetch those of `references` that are wanted.

        Raises:
            BrokenReferenceError: the bytes of one cannot be had, or are not what was meant.
            OSError: the disk refuses.
        """
        left = iter(wanted)
        with Stores() as stores:
            try:
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(min(_AT_ONCE, len(wanted))):
                        tasks.create_task(self._work(left, references, stores))
            except BaseExceptionGroup as group:
                raise first_error(group) from group

    async def _work(
        self, left: Iterator[Wanted], references: Mapping[str, Reference], stores: Stores
    ) -> None:
        for file in left:
            temporary = self._materializer.new_name()
            await self._fetch(references[file.path], temporary, stores)
            async with self._turn:
                self._materializer.take_file(temporary, file)
                await self._in_thread(self._materializer.flush, Stop())
            self._on_file(file)

    async def _fetch(self, reference: Reference, temporary: str, stores: Stores) -> None:
        stop = Stop()

        def work() -> None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            fd = os.open(temporary, flags, 0o666)
            try:
                fetch(reference, stores, write=lambda piece: write_all(fd, piece), stop=stop)
            finally:
                os.close(fd)

        await self._in_thread(work, stop)

    async def _in_thread(self, work: Callable[[], None], stop: Stop) -> None:
        await run_in_thread(self._executor, work, stop=stop.set)


async def read_reference(
    reference: Reference, start: int, end: int, *, executor: ThreadPoolExecutor
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes from `start` to `end` of a reference, after all of it was verified.

    Raises:
        BrokenReferenceError: they cannot be had, or are not what was meant.
        OSError: there is no room for a temporary file.
    """
    stop = Stop()
    # Made here, where nobody can be cancelled between making it and holding it.
    with tempfile.TemporaryFile(prefix="hydria-", buffering=0) as spooled:
        fd = spooled.fileno()

        def spool() -> None:
            with Stores() as stores:
                fetch(reference, stores, write=lambda piece: write_all(fd, piece), stop=stop)

        await run_in_thread(executor, spool, stop=stop.set)
        for at in range(start, end, PIECE_BYTES):
            size_bytes = min(PIECE_BYTES, end - at)
            yield await run_in_thread(
                executor, partial(os.pread, fd, size_bytes, at), stop=stop.set
            )
