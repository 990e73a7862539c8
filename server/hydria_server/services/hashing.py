"""BLAKE3 off the event loop: digests of chunks and of whole files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from blake3 import blake3

T = TypeVar("T")

# A thread hop costs about 60 us, as much as hashing 64 KiB costs twice over.
INLINE_BYTES = 64 * 1024
_FILE_HASHER_THREADS = 2


def digest_of(data: bytes | memoryview) -> bytes:
    """Return the 32-byte digest of `data`."""
    return blake3(data).digest()


def chunk_list_digest(chunk_digests: Iterable[bytes]) -> bytes:
    """Return the digest that names a chunk list, in the memory of verified files."""
    return blake3(b"".join(chunk_digests)).digest()


class Hashing:
    """Runs hashing, cutting and merging in a few threads of its own."""

    def __init__(self, *, thread_count: int = 2) -> None:
        self._threads = ThreadPoolExecutor(thread_count, thread_name_prefix="hydria-hash")

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, computed in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def digests(self, pieces: Sequence[bytes | memoryview]) -> list[bytes]:
        """Return the digest of each piece."""

        def work() -> list[bytes]:
            return [blake3(piece).digest() for piece in pieces]

        if sum(map(len, pieces)) <= INLINE_BYTES:
            return work()
        return await self.run(work)

    def close(self) -> None:
        """Let the threads go when they have finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class FileHasher:
    """The digest of a file's bytes, fed in order."""

    def __init__(self) -> None:
        self._hasher = blake3(max_threads=_FILE_HASHER_THREADS)
        self.size_bytes = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._hasher.update(data)
        self.size_bytes += len(data)

    def digest(self) -> bytes:
        """Return the digest of all bytes so far."""
        return self._hasher.digest()
