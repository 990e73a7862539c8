"""What all uploads of one client share, and the whole of one: begin, capture, stage, commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from hydria import messages
from hydria.chunking import Chunker
from hydria.errors import (
    ChunksMissingError,
    HydriaError,
    NotFoundError,
    PathInvalidError,
    ServerUnavailableError,
    SourceError,
    UnsupportedDigestFunctionError,
    UploadExpiredError,
    UploadNotFoundError,
)
from hydria.options import MIB
from hydria.progress import ProgressCallback, ProgressMeter
from hydria.records import Phase, UploadResult, Words
from hydria.references.listing import bare_reference, list_references
from hydria.references.words import Reference
from hydria.refs import CollectionName
from hydria.retry import Patience
from hydria.runtime import Runtime
from hydria.scan_cache import ScanCache
from hydria.threads import Stop, run_in_thread
from hydria.upload.buffers import BufferPool
from hydria.upload.keeping import Keeper
from hydria.upload.known import KnownVersion, known_version
from hydria.upload.order import CommitOrder, Turn
from hydria.upload.pipeline import Pipeline, PipelineSettings, Tally
from hydria.upload.scanner import ScanSettings
from hydria.upload.session import UploadSession
from hydria.upload.sources import Source
from hydria.upload.staging import Stager
from hydria.v1 import artifact_pb2 as pb

_BUFFER_BYTES = 8 * MIB
_BUFFERS_BEING_FILLED = 3
_REMEMBERED_WINDOWS = 4
# A new upload cures these: the old one is gone, or what it had was.
_WORTH_ANOTHER_UPLOAD = (ChunksMissingError, UploadExpiredError, UploadNotFoundError)

SourceLister = Callable[[], Iterable[Source]]


class Uploads:
    """Makes versions. Memory, threads and the order of commits are those of one client."""

    def __init__(self, runtime: Runtime) -> None:
        self.order = CommitOrder()
        self.operation = runtime.operation
        self._runtime = runtime
        count = runtime.options.unacked_bytes_max // _BUFFER_BYTES + _BUFFERS_BEING_FILLED
        self._pool = BufferPool(buffer_bytes=_BUFFER_BYTES, count=count)

    async def log(
        self,
        name: CollectionName,
        list_sources: SourceLister,
        *,
        type: str,
        base_version: str,
        words: Words,
        progress: ProgressCallback | None,
    ) -> UploadResult:
        """Make a version of all sources; begin once more when the upload itself was lost.

        Raises:
            OSError: a local file cannot be read.
            HydriaError: a file cannot be logged, or the server refuses.
        """
        begun_at = time.monotonic()
        turn = self.order.take(str(name))
        try:
            if not base_version and turn.has_come:
                meter = ProgressMeter(progress, phase=Phase.UPLOAD)
                reused = await self._reuse(name, list_sources, type, words, meter)
                if reused is not None:
                    return replace(reused, seconds=time.monotonic() - begun_at)
            for is_last in (False, True):
                meter = ProgressMeter(progress, phase=Phase.UPLOAD)
                if progress is not None:
                    await self._count(list_sources, meter)
                session = await self.begin(name, type=type, base_version=base_version)
                try:
                    return await self._log_once(
                        session, list_sources, words, meter, turn=turn, begun_at=begun_at
                    )
                except _WORTH_ANOTHER_UPLOAD:
                    if is_last:
                        raise
            raise AssertionError("unreachable")
        finally:
            turn.end()

    async def _reuse(
        self,
        name: CollectionName,
        list_sources: SourceLister,
        type: str,
        words: Words,
        meter: ProgressMeter,
    ) -> UploadResult | None:
        """Return the version that has just these files already, if none of them must be read.

        Whatever stands in the way is left to the upload, which is tried again or says what it is.
        """
        stop = Stop()
        info = await self._runtime.server_info()

        def look() -> KnownVersion | None:
            open_cache, open_keeper = self._runtime.open_cache, self._open_keeper
            with open_cache(info.chunker) as cache, open_keeper(cache, stop) as keeper:
                return known_version(list_sources(), cache, keeper, stop)

        try:
            known = await run_in_thread(self._runtime.executor, look, stop=stop.set)
            if known is None:
                return None
            version, ignored = await self._runtime.catalog.reuse_version(
                name, known.digest, type=type, words=words
            )
        except (OSError, SourceError, PathInvalidError, NotFoundError, ServerUnavailableError):
            return None
        meter.set_totals(known.file_count, known.size_bytes)
        meter.add(files_done=known.file_count, bytes_done=known.size_bytes)
        meter.enter(Phase.DONE)
        return UploadResult(
            version=version,
            created=False,
            file_count=known.file_count,
            size_bytes=known.size_bytes,
            new_bytes=0,
            duplicate_bytes=known.size_bytes,
            sent_bytes=0,
            seconds=0.0,
            ignored_fields=ignored,
        )

    async def references(
        self, uri: str, name: str | None, *, checksum: bool, max_objects: int
    ) -> dict[str, Reference]:
        """Return what is at a URI as references, by paths; without `checksum` the URI alone.

        Raises:
            HydriaError: as `list_references`.
        """
        if not checksum:
            bare = bare_reference(uri, name)
            return {bare.path: bare}
        stop = Stop()

        def find() -> dict[str, Reference]:
            return list_references(uri, name, max_objects=max_objects, stop=stop)

        with self.operation():
            return await run_in_thread(self._runtime.executor, find, stop=stop.set)

    async def begin(
        self, name: CollectionName, *, type: str, base_version: str, request_id: str = ""
    ) -> UploadSession:
        """Begin an upload, or find the one of that request. Raises as `UploadSession.create`."""
        info = await self._runtime.server_info()
        return await UploadSession.create(
            self._runtime.connection,
            name,
            type=type,
            base_version=base_version,
            limits=info.limits,
            patience=Patience(self._runtime.options.retry_seconds),
            request_id=request_id,
        )

    async def session(self, upload_id: str, *, writer_id: str = "") -> UploadSession:
        """Return an upload that was begun elsewhere. Nothing is asked of the upload yet.

        Raises:
            HydriaError: the server cannot be asked about itself.
        """
        info = await self._runtime.server_info()
        return UploadSession(
            self._runtime.connection,
            upload_id,
            limits=info.limits,
            patience=Patience(self._runtime.options.retry_seconds),
            writer_id=writer_id,
        )

    async def pipeline(
        self, session: UploadSession, *, tally: Tally, meter: ProgressMeter
    ) -> Pipeline:
        """Return a pipeline into `session`.

        Raises:
            UnsupportedDigestFunctionError: the store names content by something else than BLAKE3.
            HydriaError: the server cannot be asked about itself.
        """
        info = await self._runtime.server_info()
        if info.digest_function != "DIGEST_FUNCTION_BLAKE3_256":
            raise UnsupportedDigestFunctionError(
                f"the store uses {info.digest_function}, this client knows BLAKE3_256 only"
            )
        settings = PipelineSettings(
            executor=self._runtime.executor,
            scan=ScanSettings(
                pool=self._pool,
                remembered_pool=BufferPool(buffer_bytes=0, count=_REMEMBERED_WINDOWS),
                chunker=Chunker(info.chunker),
                chunks_per_entry_max=info.limits.max_chunks_per_entry,
                trust_cache=True,
            ),
            open_cache=lambda: self._runtime.open_cache(info.chunker),
            open_keeper=self._open_keeper,
            stream_count=self._runtime.options.stream_count,
            unacked_bytes_max=self._runtime.options.unacked_bytes_max,
        )
        return Pipeline(session, settings, tally=tally, meter=meter)

    def _open_keeper(self, memory: ScanCache, stop: Stop) -> Keeper:
        return Keeper(self._runtime.open_upload_cache(), memory, stop)

    async def _log_once(
        self,
        session: UploadSession,
        list_sources: SourceLister,
        words: Words,
        meter: ProgressMeter,
        *,
        turn: Turn,
        begun_at: float,
    ) -> UploadResult:
        tally = Tally()
        try:
            stager = Stager(session)
            pipeline = await self.pipeline(session, tally=tally, meter=meter)
            await pipeline.run(list_sources(), stager.put)
            await stager.flush()
            await turn.wait()
            meter.enter(Phase.COMMIT)
            response = await session.commit(words)
        except BaseException:
            await abort_quietly(session)
            raise
        meter.enter(Phase.DONE)
        return result_of(response, tally, begun_at=begun_at)

    async def _count(self, list_sources: SourceLister, meter: ProgressMeter) -> None:
        """Find out how much there is to do; what is wrong with it, the scan will tell."""
        stop = Stop()

        def count() -> tuple[int, int]:
            files = size_bytes = 0
            for source in list_sources():
                stop.check()
                files += 1
                size_bytes += source.size_bytes
            return files, size_bytes

        try:
            files, size_bytes = await run_in_thread(self._runtime.executor, count, stop=stop.set)
        except (OSError, HydriaError):
            return
        meter.set_totals(files, size_bytes)


async def abort_quietly(session: UploadSession) -> None:
    """Give an upload up, on the way out with an error that matters more."""
    try:
        await session.abort()
    except asyncio.CancelledError:
        return


def result_of(response: pb.CommitUploadResponse, tally: Tally, *, begun_at: float) -> UploadResult:
    """Return what a commit came to; `begun_at` is on the monotonic clock, in seconds."""
    version = messages.version_of(response.version)
    return UploadResult(
        version=version,
        created=response.created,
        file_count=version.file_count,
        size_bytes=version.size_bytes,
        new_bytes=min(tally.new_bytes, version.size_bytes),
        duplicate_bytes=max(version.size_bytes - tally.new_bytes, 0),
        sent_bytes=tally.sent_bytes,
        seconds=time.monotonic() - begun_at,
        ignored_fields=tuple(response.ignored_fields),
    )
