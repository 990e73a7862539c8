"""One version by several processes: an upload that all of them know by its id, and its writers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from hydria import messages
from hydria.errors import HydriaError, InvalidArgumentError, SourceError, UploadNotOpenError
from hydria.paths import normalize_path
from hydria.progress import ProgressCallback, ProgressMeter
from hydria.records import Phase, UploadResult, Words
from hydria.upload.pieces import Entry
from hydria.upload.pipeline import Tally
from hydria.upload.session import UploadSession
from hydria.upload.sources import BytesFile, Source
from hydria.upload.staging import Stager
from hydria.upload.uploads import Uploads, result_of
from hydria.upload_status import UploadStatus, status_of
from hydria.walk import checked_prefix, walk

_KEPT_BACK_MAX = 5000


class SharedUpload:
    """An upload that several processes fill, each through a writer, and one of them commits.

    Every process that knows `upload_id` can get it by `client.upload(upload_id)`.
    """

    def __init__(self, uploads: Uploads, session: UploadSession) -> None:
        self._uploads = uploads
        self._session = session
        self._begun_at = time.monotonic()

    @property
    def upload_id(self) -> str:
        """What the other processes have to be told."""
        return self._session.upload_id

    async def status(self) -> UploadStatus:
        """Return where it stands, also after its end."""
        return status_of(await self._session.look())

    async def commit(
        self,
        *,
        writers: Sequence[str] = (),
        description: str = "",
        metadata: Mapping[str, object] | str | None = None,
        tags: Sequence[str] = (),
        aliases: Sequence[str] = (),
    ) -> UploadResult:
        """Make the version of all that was staged. After an error the upload is still open.

        What the result says of bytes that were sent is 0: the writers sent them.

        Args:
            writers: ids of writers that must have finished.
            description: what the version is, in words.
            metadata: a mapping that JSON can write, or JSON text.
            tags: for the version.
            aliases: shall point to the version; `latest` does anyway.

        Raises:
            WritersUnfinishedError: one of `writers` has not finished.
            DuplicatePathError: two writers put one path with different content.
            HydriaError: the server refuses the version, or the upload is over.
        """
        words = Words(
            description=description,
            metadata_json=messages.metadata_text(metadata),
            tags=tuple(tags),
            aliases=tuple(aliases),
        )
        response = await self._session.commit(words, finished_writers=writers)
        return result_of(response, Tally(), begun_at=self._begun_at)

    async def abort(self) -> None:
        """Give the upload up, for all writers. Aborting twice is fine.

        Raises:
            UploadNotOpenError: it was committed.
        """
        await self._session.give_up()


class UploadWriter:
    """One of the writers of an upload. Use it as an async context manager, which ends its work.

    What is added is durable at the server when the call returns. Its paths are staged at `flush`,
    at `finish`, at the end of the block, and whenever some thousands have come together; a later
    file under the same path replaces the earlier one. A process that died is followed by another
    one that joins under the same id and adds its files again: what is there is not sent again.
    Two processes at once need two ids.
    """

    def __init__(self, uploads: Uploads, session: UploadSession) -> None:
        self._uploads = uploads
        self._session = session
        self._lock = asyncio.Lock()
        self._entries: dict[str, Entry] = {}
        self._tally = Tally()
        self._renewing: asyncio.Task[None] | None = asyncio.create_task(self._renew())

    @property
    def writer_id(self) -> str:
        """The id that it joined under."""
        return self._session.writer_id

    @property
    def sent_bytes(self) -> int:
        """Bytes of chunks that went over the wire, repetitions included."""
        return self._tally.sent_bytes

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._renewing is not None:
                await self.flush()
        finally:
            self._end()

    async def add_file(self, local: str | os.PathLike[str], path: str | None = None) -> None:
        """Put one local file, under its own name or as `path`.

        Raises:
            OSError: it cannot be read.
            WriterConflictError: another process works under the same writer id.
            HydriaError: it is no regular file, kept changing, `path` breaks the rules, or the
                server refuses.
        """
        wanted = None if path is None else normalize_path(path)

        def sources() -> Iterable[Source]:
            if os.path.isdir(local):  # noqa: PTH112  # runs in a thread, on any path-like
                raise SourceError(f"{os.fspath(local)!r} is a directory: use add_dir")
            for file in walk([local]):
                yield file._replace(path=wanted or file.path)

        await self._put(sources, None)

    async def add_dir(
        self,
        local: str | os.PathLike[str],
        prefix: str = "",
        *,
        progress: ProgressCallback | None = None,
    ) -> None:
        """Put all files of a directory, or one file, below `prefix`. Raises as `add_file`."""
        below = checked_prefix(prefix)
        await self._put(lambda: walk([local], prefix=below), progress)

    async def add_bytes(self, path: str, data: bytes) -> None:
        """Put a file that is given by its bytes. Raises as `add_file`."""
        file = BytesFile(normalize_path(path), bytes(data))
        await self._put(lambda: [file], None)

    async def remove(self, path: str) -> None:
        """Leave `path` of the base version out. What writers put stays. Raises as `add_file`."""
        async with self._lock:
            await self._remove(paths=[normalize_path(path)], prefixes=[])

    async def remove_prefix(self, prefix: str) -> None:
        """Leave out all paths of the base that begin with `prefix`. Raises as `add_file`."""
        if not prefix:
            raise InvalidArgumentError("the prefix to remove is empty; begin without a base")
        async with self._lock:
            await self._remove(paths=[], prefixes=[prefix])

    async def flush(self) -> None:
        """Stage what was added: from then on a commit takes it in. Raises as `add_file`."""
        async with self._lock:
            self._check_open()
            await self._flush()

    async def finish(self) -> None:
        """Stage what was added, and say that this writer is done. Raises as `add_file`."""
        async with self._lock:
            self._check_open()
            await self._flush()
            await self._session.stage_end()
            self._end()

    # --- inside ---------------------------------------------------------------------------------

    async def _put(
        self, sources: Callable[[], Iterable[Source]], progress: ProgressCallback | None
    ) -> None:
        async with self._lock:
            self._check_open()
            meter = ProgressMeter(progress, phase=Phase.UPLOAD)
            pipeline = await self._uploads.pipeline(self._session, tally=self._tally, meter=meter)
            with self._uploads.operation():
                await pipeline.run(sources(), self._take)
            meter.enter(Phase.DONE)

    async def _take(self, entries: Sequence[Entry]) -> None:
        self._entries.update((entry.path, entry) for entry in entries)
        if len(self._entries) >= _KEPT_BACK_MAX:
            await self._flush()

    async def _flush(self) -> None:
        stager = Stager(self._session)
        await stager.put(self._entries[path] for path in sorted(self._entries, key=str.encode))
        await stager.flush()
        self._entries.clear()

    async def _remove(self, *, paths: Sequence[str], prefixes: Sequence[str]) -> None:
        self._check_open()
        stager = Stager(self._session)
        await stager.remove(paths=paths, prefixes=prefixes)
        await stager.flush()

    async def _renew(self) -> None:
        """Keep the lease while the writer works. A lease that is lost shows in the next call."""
        with suppress(HydriaError):
            while True:
                await asyncio.sleep(self._session.limits.upload_lease_seconds / 3)
                await self._session.renew()

    def _check_open(self) -> None:
        if self._renewing is None:
            raise UploadNotOpenError("this writer has finished; join again to add more")

    def _end(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None
