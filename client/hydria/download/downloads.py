"""The whole of a download: list, check what is in place, fetch, put in place."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from hydria.download.fetching import Fetcher
from hydria.download.frames import Wanted
from hydria.download.listing import VersionListing
from hydria.download.materializing import Materializer
from hydria.download.reading import FileReader, resolve_range
from hydria.download.references import ReferenceDownload, read_reference, wanted_of
from hydria.download.targets import Targets
from hydria.errors import (
    InvalidArgumentError,
    ReceivedDataError,
    ServerUnavailableError,
    StreamStalledError,
)
from hydria.paths import check_path
from hydria.progress import ProgressCallback, ProgressMeter
from hydria.records import DownloadResult, Phase, Version
from hydria.references.words import Reference
from hydria.retry import Patience
from hydria.runtime import Runtime
from hydria.threads import Stop, run_in_thread


class Downloads:
    """Brings versions to this machine."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def download(
        self,
        version: Version,
        root: str | os.PathLike[str] | None,
        *,
        prefixes: Sequence[str],
        globs: Sequence[str],
        paths: Sequence[str],
        with_references: bool,
        progress: ProgressCallback | None,
    ) -> DownloadResult:
        """Put files of a version under `root`, and tell what was done.

        Raises:
            OSError: the disk refuses.
            TargetError: something is in the way.
            FileNotFoundInVersionError: one of `paths` is not in the version.
            InvalidArgumentError: one of `globs` is none.
            ReceivedDataError: the server sent something wrong. Nothing of it is in place.
            BrokenReferenceError: what a reference points at has changed, or cannot be had.
            HydriaError: what else the server or the transport says.
        """
        begun_at = time.monotonic()
        where = Path(root) if root is not None else default_root(version)
        meter = ProgressMeter(progress, phase=Phase.LIST)
        patience = Patience(self._runtime.options.retry_seconds)
        _check_choice(globs, paths)
        listing = VersionListing(self._runtime.connection, version, patience=patience)
        selection = await listing.select(prefixes=prefixes, globs=globs, paths=paths)
        references = {each.path: each for each in selection.references if with_references}
        files = [*selection.files, *map(wanted_of, references.values())]
        meter.set_totals(len(files), sum(file.size_bytes for file in files))
        meter.enter(Phase.CHECK)
        targets = await self._inspect(where, files)
        meter.add(
            files_done=len(targets.in_place),
            bytes_done=sum(file.size_bytes for file in targets.in_place),
        )
        meter.enter(Phase.DOWNLOAD)
        received_bytes = await self._fetch(version, targets, references, patience, meter)
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

    async def _inspect(self, root: Path, files: Sequence[Wanted]) -> Targets:
        chunker = (await self._runtime.server_info()).chunker
        stop = Stop()

        def inspect() -> Targets:
            targets = Targets(os.fspath(root))
            with self._runtime.open_cache(chunker) as cache:
                targets.inspect(files, cache=cache, stop=stop)
            return targets

        return await run_in_thread(self._runtime.executor, inspect, stop=stop.set)

    async def _fetch(
        self,
        version: Version,
        targets: Targets,
        references: Mapping[str, Reference],
        patience: Patience,
        meter: ProgressMeter,
    ) -> int:
        """Fetch what is not in place, and return how many bytes came."""
        if not targets.to_fetch:
            return 0
        is_all = len(targets.to_fetch) == version.file_count
        info = await self._runtime.server_info()
        fetcher = Fetcher(
            self._runtime.connection,
            version.ref,
            executor=self._runtime.executor,
            patience=patience,
            reads_max=info.limits.max_reads_per_download,
        )
        materializer = Materializer(targets)
        try:
            await self._in_thread(materializer.begin)
            # First, because what is broken out there shows before the rest is fetched.
            await self._fetch_references(materializer, targets, references, meter)
            await self._fetch_all(fetcher, materializer, patience, meter, is_all=is_all)
            await self._in_thread(lambda: materializer.flush(is_end=True))
        finally:
            await self._in_thread(materializer.discard)
        return materializer.received_bytes

    async def _fetch_references(
        self,
        materializer: Materializer,
        targets: Targets,
        references: Mapping[str, Reference],
        meter: ProgressMeter,
    ) -> None:
        def report(file: Wanted) -> None:
            size = file.size_bytes
            meter.add(files_done=1, bytes_done=size, received_bytes=size)

        download = ReferenceDownload(materializer, self._runtime.executor, on_file=report)
        await download.run(
            [file for file in targets.to_fetch if file.path in references], references
        )

    async def _fetch_all(
        self,
        fetcher: Fetcher,
        materializer: Materializer,
        patience: Patience,
        meter: ProgressMeter,
        *,
        is_all: bool,
    ) -> None:
        """Ask for what is left until nothing is, beginning again when the line breaks."""
        reported = materializer.counts()

        def report() -> None:
            now = materializer.counts()
            files, bytes_done, received = (b - a for a, b in zip(reported, now, strict=True))
            meter.add(files_done=files, bytes_done=bytes_done, received_bytes=received)
            reported[:] = now

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

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await run_in_thread(self._runtime.executor, work, stop=lambda: None)


def _check_choice(globs: Sequence[str], paths: Sequence[str]) -> None:
    """Refuse what no version can have.

    Raises:
        PathInvalidError: one of `paths` breaks the rules.
        InvalidArgumentError: one of `globs` is empty.
    """
    for path in paths:
        check_path(path)
    if "" in globs:
        raise InvalidArgumentError("a glob is empty; '**' stands for all files")


def default_root(version: Version) -> Path:
    """Return where a version goes when nobody says: `./artifacts/COLLECTION:vN`."""
    return Path("artifacts") / f"{version.collection}:{version.version}"
