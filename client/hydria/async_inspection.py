"""Whole versions looked at: verified, and compared with each other or with a directory."""

from __future__ import annotations

import os
import time
from contextlib import aclosing
from functools import partial
from pathlib import Path

from hydria.async_catalog import AsyncCatalog
from hydria.download.listing import VersionListing
from hydria.inspection.comparison import TakeChange, compare
from hydria.inspection.directory import DirectoryCheck
from hydria.inspection.records import DiffResult, VerifyResult
from hydria.inspection.stored import StoredBytes
from hydria.progress import ProgressCallback, ProgressMeter
from hydria.records import Phase, Version
from hydria.references.words import Reference
from hydria.retry import Patience
from hydria.runtime import Runtime
from hydria.threads import Stop, run_in_thread


class AsyncInspection(AsyncCatalog):
    """The methods of `AsyncClient` that check and compare, and move no content."""

    _runtime: Runtime

    async def verify(
        self,
        ref: str,
        *,
        root: str | os.PathLike[str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> VerifyResult:
        """Check a version: the stored bytes at the server, or a directory against it.

        What is damaged or differs is no error, but in the result. What is damaged at the server
        counts as missing from then on: logging the same content again repairs it.

        Args:
            ref: the version.
            root: a directory to compare; nothing but the list of files is fetched. None has the
                server read all of the version again.
            progress: is called with a `Progress` up to ten times a second and at the end.

        Raises:
            OSError: something in `root` cannot be read.
            SourceError: something in `root` is no regular file, or a link leads nowhere.
            PathInvalidError: the name of a file in `root` cannot be in a version.
            DuplicatePathError: two files in `root` would have the same path.
            ReceivedDataError: the server contradicts itself.
        """
        version = await self.version(ref)
        if root is not None:
            with self._runtime.operation():
                return await self._verify_directory(version, Path(root), progress)
        retry_seconds = self._runtime.options.retry_seconds
        stored = StoredBytes(self._runtime.connection, retry_seconds=retry_seconds)
        return await stored.verify(version, progress)

    async def diff(
        self,
        from_ref: str,
        to_ref: str,
        *,
        take: TakeChange | None = None,
        progress: ProgressCallback | None = None,
    ) -> DiffResult:
        """Return what differs between two versions, of whatever collections.

        Args:
            from_ref: the version to start from.
            to_ref: the version to compare with it.
            take: is called with each difference, by path and as it comes. The result has the totals
                only then: a million differences take no memory.
            progress: is called with a `Progress` up to ten times a second and at the end; it counts
                the files of both versions.

        Raises:
            ReceivedDataError: the server contradicts itself.
        """
        return await compare(
            self._runtime.connection,
            self.defaults.ref(from_ref),
            self.defaults.ref(to_ref),
            take=take,
            meter=ProgressMeter(progress, phase=Phase.COMPARE),
            retry_seconds=self._runtime.options.retry_seconds,
        )

    async def _verify_directory(
        self, version: Version, root: Path, progress: ProgressCallback | None
    ) -> VerifyResult:
        begun_at = time.monotonic()
        meter = ProgressMeter(progress, phase=Phase.VERIFY)
        meter.set_totals(version.file_count, version.size_bytes)
        patience = Patience(self._runtime.options.retry_seconds)
        listing = VersionListing(self._runtime.connection, version, patience=patience)
        stop = Stop()
        check = DirectoryCheck(os.fspath(root), stop=stop)
        reference_count = 0
        async with aclosing(listing.entries()) as parts:
            async for entries in parts:
                reference_count += sum(isinstance(entry, Reference) for entry in entries)
                steps = check.check(entries)
                while step := await run_in_thread(
                    self._runtime.executor, partial(next, steps, None), stop=stop.set
                ):
                    meter.add(files_done=step.file_count, bytes_done=step.size_bytes)
        await run_in_thread(self._runtime.executor, check.end, stop=stop.set)
        meter.enter(Phase.DONE)
        return VerifyResult(
            ref=version.ref,
            root=root,
            file_count=meter.progress.files_done,
            size_bytes=meter.progress.bytes_done,
            reference_count=reference_count,
            missing=tuple(check.missing),
            changed=tuple(check.changed),
            extra=tuple(check.extra),
            seconds=time.monotonic() - begun_at,
        )
