"""The whole of a download: list, check what is in place, fetch, put in place."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from hydria.download.fetching import Fetcher
from hydria.download.frames import Wanted
from hydria.download.leaving import Leaving
from hydria.download.listing import VersionListing
from hydria.download.materializing import Materializer, Remember
from hydria.download.reading import FileReader, resolve_range
from hydria.download.references import ReferenceDownload, read_reference, wanted_of
from hydria.download.reuse import Reuse
from hydria.download.targets import Targets
from hydria.errors import (
    ReceivedDataError,
    ServerUnavailableError,
    StreamStalledError,
)
from hydria.local_cache import LocalCache
from hydria.progress import ProgressCallback, ProgressMeter
from hydria.records import ChunkerParameters, DownloadResult, Phase, Version
from hydria.references.words import Reference
from hydria.retry import Patience
from hydria.runtime import Runtime
from hydria.scanned_files import FileKey, ScannedFile
from hydria.threads import Stop, run_in_thread


@dataclass(frozen=True, slots=True)
class _Fetching:
    """What is to be fetched for a download, where it goes, and what is at hand for it."""

    version: Version
    targets: Targets
    neighbours: Sequence[str]
    cache: LocalCache
    patience: Patience
    meter: ProgressMeter
    syncs: bool


class Downloads:
    """Brings versions to this machine."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._leaving = Leaving()

    async def download(
        self,
        version: Version,
        root: str | os.PathLike[str] | None,
        *,
        prefixes: Sequence[str],
        globs: Sequence[str],
        paths: Sequence[str],
        with_references: bool,
        beside: Sequence[str | os.PathLike[str]],
        link: bool,
        sync: bool,
        progress: ProgressCallback | None,
    ) -> DownloadResult:
        """Put files of a version under `root`, and tell what was done.

        What is in `root`, `beside` and the cache is looked through for what need not be fetched.

        Raises:
            OSError: the disk refuses.
            TargetError: something is in the way.
            FileNotFoundInVersionError: one of `paths` is not in the version.
            InvalidArgumentError: one of `globs` is none.
            ReceivedDataError: the server sent something wrong. Nothing of it is in place.
            BrokenReferenceError: what a reference points at has changed, or cannot be had.
            HydriaError: what else the server or the transport says.
        """
        begun_at, neighbours = time.monotonic(), [_directory(path) for path in beside]
        where = Path(root) if root is not None else default_root(version)
        meter = ProgressMeter(progress, phase=Phase.LIST)
        patience = Patience(self._runtime.options.retry_seconds)
        listing = VersionListing(self._runtime.connection, version, patience=patience)
        selection = await listing.select(prefixes=prefixes, globs=globs, paths=paths)
        references = {each.path: each for each in selection.references if with_references}
        files = [*selection.files, *map(wanted_of, references.values())]
        targets = await self._inspect(where, files, meter)
        meter.enter(Phase.DOWNLOAD)
        received_bytes = 0
        if targets.to_fetch:
            with self._runtime.open_local_cache(link=link) as cache:
                fetching = _Fetching(version, targets, neighbours, cache, patience, meter, sync)
                received_bytes = await self._fetch(fetching, references)
        meter.enter(Phase.DONE)
        return DownloadResult(
            ref=version.ref,
            version=version.version,
            root=where,
            file_count=len(files),
            size_bytes=sum(file.size_bytes for file in files),
            received_bytes=received_bytes,
            seconds=time.monotonic() - begun_at,
            skipped_reference_count=len(selection.references) - len(references),
        )

    async def require_entry(self, version: Version, path: str) -> None:
        """Return when a version has an entry under `path`.

        Raises:
            FileNotFoundInVersionError: it has not.
        """
        patience = Patience(self._runtime.options.retry_seconds)
        await VersionListing(self._runtime.connection, version, patience=patience).find(path)

    async def read(
        self, version: Version, path: str, *, offset: int, length: int | None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file of a version, or of a part of it.

        Raises:
            FileNotFoundInVersionError: the version has no such file.
            RangeOutOfBoundsError: `offset` is outside of the file.
            ReceivedDataError: the bytes do not match their digest.
            BrokenReferenceError: what a reference points at has changed, or cannot be had.
        """
        patience = Patience(self._runtime.options.retry_seconds)
        connection = self._runtime.connection
        listing = VersionListing(connection, version, patience=patience)
        file = await listing.find(path)
        start, end = resolve_range(file, offset, length)
        executor = self._runtime.executor
        if isinstance(file, Reference):
            reading = read_reference(file, start, end, executor=executor)
        else:
            reader = FileReader(connection, version.ref, file, executor=executor, patience=patience)
            reading = reader.read(start, end)
        async with aclosing(reading) as pieces:
            async for piece in pieces:
                yield piece

    async def _inspect(self, root: Path, files: Sequence[Wanted], meter: ProgressMeter) -> Targets:
        """Find out what is in place."""
        meter.set_totals(len(files), sum(file.size_bytes for file in files))
        meter.enter(Phase.CHECK)
        chunker = (await self._runtime.server_info()).chunker
        stop = Stop()

        def inspect() -> Targets:
            targets = Targets(os.fspath(root))
            with self._runtime.open_cache(chunker) as cache:
                targets.inspect(files, cache=cache, stop=stop)
            return targets

        targets = await run_in_thread(self._runtime.executor, inspect, stop=stop.set)
        meter.add(
            files_done=len(targets.in_place),
            bytes_done=sum(file.size_bytes for file in targets.in_place),
        )
        return targets

    async def _fetch(self, work: _Fetching, references: Mapping[str, Reference]) -> int:
        """Fetch what is neither in place nor elsewhere here, and return how many bytes came."""
        info = await self._runtime.server_info()
        materializer = Materializer(
            work.targets,
            cache=work.cache,
            remember=self._remember_for(info.chunker),
            leaving=self._leaving,
            syncs=work.syncs,
        )
        report = _reporter(materializer, work.meter)
        reuse = Reuse(
            self._runtime,
            work.version.ref,
            materializer,
            cache=work.cache,
            info=info,
            patience=work.patience,
            report=report,
        )
        fetcher = Fetcher(
            self._runtime.connection,
            work.version.ref,
            executor=self._runtime.executor,
            patience=work.patience,
            reads_max=info.limits.max_reads_per_download,
        )
        try:
            await self._in_thread(materializer.begin)
            # First, because what is broken out there shows before the rest is fetched.
            await self._fetch_references(materializer, work.targets, references, report)
            if work.neighbours or not work.targets.was_empty or work.cache.is_in_use:
                await reuse.run([work.targets.root, *work.neighbours])
            is_all = len(materializer.left) == work.version.file_count
            await self._fetch_all(fetcher, materializer, work.patience, report, is_all=is_all)
            await self._in_thread(lambda: materializer.flush(is_end=True))
            await self._in_thread(work.cache.close)
        finally:
            await self._in_thread(materializer.discard)
        return materializer.received_bytes

    async def _fetch_references(
        self,
        materializer: Materializer,
        targets: Targets,
        references: Mapping[str, Reference],
        report: Callable[[], None],
    ) -> None:
        download = ReferenceDownload(
            materializer, self._runtime.executor, on_file=lambda _file: report()
        )
        await download.run(
            [file for file in targets.to_fetch if file.path in references], references
        )

    async def _fetch_all(
        self,
        fetcher: Fetcher,
        materializer: Materializer,
        patience: Patience,
        report: Callable[[], None],
        *,
        is_all: bool,
    ) -> None:
        """Ask for what is left until nothing is, beginning again when the line breaks."""
        while materializer.left:
            begun_with = materializer.counts()
            reads = [materializer.wanted(path) for path in materializer.left]
            requests = fetcher.requests(read for read in reads if read is not None)
            try:
                for request in [fetcher.request_for_all()] if is_all else requests:
                    await fetcher.fetch(
                        request,
                        find=materializer.wanted,
                        take=materializer.take,
                        after_frame=materializer.flush,
                        on_frame=report,
                    )
                if materializer.left:
                    missing = next(iter(materializer.left))
                    raise ReceivedDataError(f"the server did not send {missing!r}")
            except (ServerUnavailableError, StreamStalledError) as error:
                has_moved = materializer.counts() != begun_with
                await patience.wait_after_stream(error, has_moved=has_moved)
            is_all = False
            report()

    def _remember_for(self, chunker: ChunkerParameters) -> Remember:
        def remember(found: list[tuple[FileKey, ScannedFile]]) -> None:
            with self._runtime.open_cache(chunker) as cache:
                cache.remember(found, is_certain=False)

        return remember

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await run_in_thread(self._runtime.executor, work, stop=lambda: None)


def _reporter(materializer: Materializer, meter: ProgressMeter) -> Callable[[], None]:
    """Return what adds to `meter` what was done since it was called last."""
    reported = [0, 0, 0]

    def report() -> None:
        now = materializer.counts()
        files, bytes_done, received = (b - a for a, b in zip(reported, now, strict=True))
        meter.add(files_done=files, bytes_done=bytes_done, received_bytes=received)
        reported[:] = now

    return report


def _directory(path: str | os.PathLike[str]) -> str:
    """Return the real path of a directory to look in.

    Raises:
        OSError: there is none.
    """
    os.scandir(path).close()
    return os.path.realpath(path)


def default_root(version: Version) -> Path:
    """Return where a version goes when nobody says: `./artifacts/COLLECTION:vN`."""
    return Path("artifacts") / f"{version.collection}:{version.version}"
