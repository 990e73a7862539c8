"""Brings in what is on this machine already, so that a download fetches only the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from hydria.copying import copy_verified
from hydria.download.assembling import Assembly
from hydria.download.chunk_fetching import ChunkFetcher
from hydria.download.chunk_lists import ChunkLists
from hydria.download.cutting import Cutter
from hydria.download.frames import Wanted
from hydria.download.materializing import Materializer
from hydria.download.plans import ChunkIndex, Plan, plan_of
from hydria.download.sources import Sources
from hydria.errors import ReceivedDataError
from hydria.local_cache import LocalCache
from hydria.records import ServerInfo
from hydria.retry import Patience
from hydria.runtime import Runtime
from hydria.scan_cache import ScanCache
from hydria.scanned_files import ScannedFile
from hydria.threads import Stop, run_in_thread

# Files that are put together at the same time: their missing chunks come with one call.
_ASSEMBLIES_MAX = 64

_Result = TypeVar("_Result")


class Reuse:
    """One download's search for what need not be fetched."""

    def __init__(
        self,
        runtime: Runtime,
        version_ref: str,
        materializer: Materializer,
        *,
        cache: LocalCache,
        info: ServerInfo,
        patience: Patience,
        report: Callable[[], None],
    ) -> None:
        self._runtime = runtime
        self._materializer = materializer
        self._cache = cache
        self._info = info
        self._report = report
        self._large_bytes = info.chunker.max_bytes
        self._lists = ChunkLists(runtime.connection, version_ref, patience=patience)
        self._fetcher = ChunkFetcher(
            runtime.connection,
            version_ref,
            executor=runtime.executor,
            patience=patience,
            digests_max=info.limits.max_digests_per_request,
        )

    async def run(self, roots: Sequence[str]) -> None:
        """Make what can be made of the files below `roots` and some chunks; the rest is left.

        Raises:
            OSError: the disk refuses.
            ReceivedDataError: the server sent something wrong.
            HydriaError: what else the server or the transport says.
        """
        wanted = list(self._materializer.left.values())
        sources = Sources(roots, wanted, large_bytes=self._large_bytes)
        await self._in_thread(lambda stop: self._look(sources, stop))
        self._report()
        if not sources.has_chunks:
            return
        left = self._materializer.left.values()
        large = [file for file in left if file.size_bytes > self._large_bytes]
        while large:
            upcoming = large[: self._info.limits.max_reads_per_download]
            listed = await self._lists.read(upcoming)
            if not listed:
                return
            await self._make(upcoming, listed, sources)
            large = large[len(listed) :]

    def _look(self, sources: Sources, stop: Stop) -> None:
        """Find what may help, and copy the files that are there as they are wanted."""
        is_cached = self._cache.is_in_use
        with self._memory() as memory:
            sources.find(memory, self._cache.files() if is_cached else (), stop)
        for file in list(self._materializer.left.values()):
            stop.check()
            source = sources.whole.get(file.content_digest)
            scanned = (source and source.scanned) or ScannedFile(file.content_digest)
            if (is_cached and self._take_cached(file, scanned, stop)) or (
                source and self._copy(file, source.local, scanned, stop)
            ):
                self._materializer.flush()

    def _take_cached(self, file: Wanted, scanned: ScannedFile, stop: Stop) -> bool:
        """Take a file from the cache, and tell whether it was there."""
        temporary = self._materializer.new_name()
        is_there = self._cache.get(file.content_digest, file.size_bytes, temporary, stop)
        if is_there:
            self._materializer.adopt(file, temporary, scanned)
        return is_there

    def _copy(self, file: Wanted, local: str, scanned: ScannedFile, stop: Stop) -> bool:
        """Copy a file that is said to have the right content, and tell whether it had."""
        temporary = self._materializer.new_name()
        is_right = copy_verified(local, temporary, file.content_digest, file.size_bytes, stop)
        if is_right:
            self._materializer.adopt(file, temporary, scanned)
        return is_right

    async def _make(
        self, files: Sequence[Wanted], listed: Sequence[ScannedFile], sources: Sources
    ) -> None:
        plans = iter(await self._in_thread(lambda stop: self._plans(files, listed, sources, stop)))
        while group := list(islice(plans, _ASSEMBLIES_MAX)):
            await self._put_together(group)
            self._report()

    def _plans(
        self,
        files: Sequence[Wanted],
        listed: Sequence[ScannedFile],
        sources: Sources,
        stop: Stop,
    ) -> list[Plan]:
        """Return how to make those files of which any chunk is here."""
        index = ChunkIndex(listed)
        for source in sources.chunked:
            index.add(source)
        cutter = Cutter(
            self._info.chunker, chunks_per_entry_max=self._info.limits.max_chunks_per_entry
        )
        plans = []
        with self._memory() as memory:
            for file, chunks in zip(files, listed, strict=False):
                plan = plan_of(file, chunks, index)
                cut = sources.cut_for(plan, lambda local: cutter.cut(local, memory, stop))
                if cut is not None:
                    index.add(cut)
                    plan = plan_of(file, chunks, index)
                if plan.missing_bytes < file.size_bytes:
                    plans.append(plan)
        return plans

    async def _put_together(self, plans: Sequence[Plan]) -> None:
        """Fetch what these files lack, with one call, and complete them."""
        assemblies: list[Assembly] = []

        def begin(_: Stop) -> None:
            assemblies.extend(map(self._begin, plans))

        def take(digest: bytes, data: memoryview) -> None:
            self._materializer.received_bytes += len(data)
            for assembly in assemblies:
                assembly.put(digest, data)

        def finish(stop: Stop) -> None:
            for assembly in assemblies:
                self._finish(assembly, stop)

        def close(_: Stop) -> None:
            for assembly in assemblies:
                assembly.close()

        try:
            await self._in_thread(begin)
            paths = [plan.file.path for plan in plans if plan.missing]
            await self._fetcher.fetch(_missing_of(plans), paths, take=take, on_frame=self._report)
            await self._in_thread(finish)
        finally:
            await self._in_thread(close)

    def _begin(self, plan: Plan) -> Assembly:
        into = self._materializer
        place = into.place_of(plan.file.path)
        return Assembly(plan, into.new_name(), place=place, syncs=into.syncs)

    def _finish(self, assembly: Assembly, stop: Stop) -> None:
        """Complete one file. When local files were not what they seemed, it stays to be fetched."""
        if assembly.finish(stop):
            assembly.close()
            plan = assembly.plan
            self._materializer.adopt(plan.file, assembly.temporary, plan.listed)
            self._materializer.flush()
        else:
            assembly.discard()
            for local in {run.source.local for run in assembly.plan.runs if run.source}:
                self._cache.check(local, stop)

    def _memory(self) -> ScanCache:
        return self._runtime.open_cache(self._info.chunker)

    async def _in_thread(self, work: Callable[[Stop], _Result]) -> _Result:
        stop = Stop()
        return await run_in_thread(self._runtime.executor, lambda: work(stop), stop=stop.set)


def _missing_of(plans: Sequence[Plan]) -> list[tuple[bytes, int]]:
    """Return all chunks to fetch, each once.

    Raises:
        ReceivedDataError: the lists give two sizes to one chunk.
    """
    missing: dict[bytes, int] = {}
    for plan in plans:
        for digest, size_bytes in plan.missing.items():
            if missing.setdefault(digest, size_bytes) != size_bytes:
                raise ReceivedDataError(f"{plan.file.path!r} has a chunk with two sizes")
    return list(missing.items())
