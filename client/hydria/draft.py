"""A version in the making, put together file by file."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from hydria import messages
from hydria.errors import HydriaError, InvalidArgumentError, SourceError, UploadNotOpenError
from hydria.paths import normalize_path
from hydria.progress import ProgressMeter
from hydria.records import Phase, UploadResult, Version, Words
from hydria.references.errors import CrossDomainError
from hydria.references.words import Reference
from hydria.refs import CollectionName
from hydria.upload.pieces import Copy, Entry
from hydria.upload.pipeline import Tally
from hydria.upload.session import UploadSession
from hydria.upload.sources import BytesFile, Source
from hydria.upload.staging import Stager
from hydria.upload.uploads import Uploads, abort_quietly, result_of
from hydria.walk import checked_prefix, walk

REFERENCES_MAX = 100_000
"""How many references one `add_reference` adds unless it is told otherwise."""

FileLocator = Callable[[str, str], Awaitable[Version]]
"""Returns the version that a ref names; raises when it has no such path."""


class Draft:
    """A version in the making. Nobody sees anything of it before `commit`.

    Use it as an async context manager, which gives the upload up unless it was committed. What is
    added is captured when the call returns: its bytes are durable at the server, and changing or
    removing the local file does no harm. A later file under the same path replaces the earlier
    one. Calls are done one after the other; a draft keeps about 300 bytes per file in memory, and
    500 per reference.
    """

    def __init__(
        self,
        uploads: Uploads,
        name: CollectionName,
        *,
        type: str,
        base_version: str,
        locate: FileLocator,
    ) -> None:
        self._uploads = uploads
        self._name = name
        self._type = type
        self._base_version = base_version
        self._locate = locate
        self._session: UploadSession | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._entries: dict[str, Entry | Reference | Copy] = {}
        self._removed_paths: dict[str, None] = {}
        self._removed_prefixes: dict[str, None] = {}
        self._tally = Tally()
        self._begun_at = time.monotonic()
        self._is_staged = False
        self._is_over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.abort()

    async def add_file(self, local: str | os.PathLike[str], path: str | None = None) -> None:
        """Capture one local file, under its own name or as `path`.

        Raises:
            OSError: it cannot be read.
            HydriaError: it is no regular file, kept changing, `path` breaks the rules, or the
                server refuses.
        """
        wanted = None if path is None else normalize_path(path)

        def sources() -> Iterable[Source]:
            if os.path.isdir(local):  # noqa: PTH112  # runs in a thread, on any path-like
                raise SourceError(f"{os.fspath(local)!r} is a directory: use add_dir")
            for file in walk([local]):
                yield file._replace(path=wanted or file.path)

        await self._capture(sources)

    async def add_dir(self, local: str | os.PathLike[str], prefix: str = "") -> None:
        """Capture all files of a directory, below `prefix` or at the root. Raises as `add_file`."""
        below = checked_prefix(prefix)
        await self._capture(lambda: walk([local], prefix=below))

    async def add_bytes(self, path: str, data: bytes) -> None:
        """Capture a file that is given by its bytes. Raises as `add_file`."""
        file = BytesFile(normalize_path(path), bytes(data))
        await self._capture(lambda: [file])

    async def add_paths(self, locals: Iterable[str | os.PathLike[str]]) -> None:
        """Capture files and directories, each placed as `log` places it. Raises as `log`."""
        sources = list(locals)
        await self._capture(lambda: walk(sources))

    async def add_reference(
        self,
        uri: str,
        name: str | None = None,
        *,
        checksum: bool = True,
        max_objects: int = REFERENCES_MAX,
    ) -> None:
        """Add what is at a URI without storing its bytes: an object, or all objects below it.

        Nothing is uploaded. A download fetches the bytes from there, with the credentials of who
        downloads, and refuses what has changed since.

        Args:
            uri: `file:///PATH` (a file or directory), `http(s)://HOST/PATH` (one object; it is
                read when it has no entity tag), or an object or a prefix: `s3://BUCKET/KEY`,
                `gs://BUCKET/OBJECT`, `az://CONTAINER/BLOB` (`pip install 'hydria[s3]'` and so on).
            name: the path of an object, by default its own name; or where the objects below a
                directory or prefix go, by default the root of the version.
            checksum: False keeps the URI alone, of any scheme and unlooked at. Such an entry
                cannot be verified, so no download fetches it.
            max_objects: more than so many are an error, and then none is added.

        Raises:
            ReferenceInvalidError: a version may not have this URI, or it needs a `name`.
            ReferenceLimitError: there are more than `max_objects` objects.
            BrokenReferenceError: nothing is there, it cannot be had, or no store knows the scheme.
            PathInvalidError, DuplicatePathError: the names of objects do not make paths.
        """
        self._check_open()
        await self._include(
            await self._uploads.references(uri, name, checksum=checksum, max_objects=max_objects)
        )

    async def copy_file(self, ref: str, path: str, to: str | None = None) -> None:
        """Add a file that a version of the same entity has, as `to` or under its own path.

        No bytes are sent. What `ref` means is settled now; that version has to be there until the
        commit. A reference is copied as the reference that it is.

        Raises:
            FileNotFoundInVersionError: the version has no such file.
            CrossDomainError: the version is of another entity.
            HydriaError: `to` breaks the rules for paths, or there is no such version.
        """
        source, target = normalize_path(path), normalize_path(path if to is None else to)
        self._check_open()
        version = await self._locate(ref, source)
        if version.entity != self._name.entity:
            raise CrossDomainError(
                f"{version.ref} belongs to {version.entity!r}: download {source!r} from there, and"
                " add the file"
            )
        await self._include({target: Copy(target, version.ref, source)})

    async def remove(self, path: str) -> None:
        """Leave `path` out: what was added as it, and what the base version has."""
        normal = normalize_path(path)
        async with self._lock:
            self._check_open()
            self._entries.pop(normal, None)
            self._removed_paths[normal] = None

    async def remove_prefix(self, prefix: str) -> None:
        """Leave out all paths that begin with `prefix` (`data/` for a directory)."""
        if not prefix:
            raise InvalidArgumentError("the prefix to remove is empty; begin without a base")
        async with self._lock:
            self._check_open()
            self._entries = {
                path: entry for path, entry in self._entries.items() if not path.startswith(prefix)
            }
            self._removed_prefixes[prefix] = None

    async def commit(
        self,
        *,
        description: str = "",
        metadata: Mapping[str, object] | str | None = None,
        tags: Sequence[str] = (),
        aliases: Sequence[str] = (),
        run: str = "",
    ) -> UploadResult:
        """Make the version. After an error the draft is still open.

        `run` is the full ref of the run that logs it, if one does.

        Raises:
            HydriaError: the server refuses the version, or the upload was lost.
        """
        words = Words(
            description=description,
            metadata_json=messages.metadata_text(metadata),
            tags=tuple(tags),
            aliases=tuple(aliases),
            run_ref=run,
        )
        turn = self._uploads.order.take(str(self._name))
        try:
            async with self._lock:
                self._check_open()
                session = await self._stage()
                await turn.wait()
                response = await session.commit(words)
                self._end()
                if self._session is not None and self._session is not session:
                    await abort_quietly(self._session)
        finally:
            turn.end()
        return result_of(response, self._tally, begun_at=self._begun_at)

    async def abort(self) -> None:
        """Give the draft up. After a commit, or a second time, it does nothing."""
        session = self._session
        if self._end() and session is not None:
            await abort_quietly(session)

    # --- inside ---------------------------------------------------------------------------------

    async def _capture(self, sources: Callable[[], Iterable[Source]]) -> None:
        async with self._lock:
            session = await self._opened()
            meter = ProgressMeter(None, phase=Phase.UPLOAD)
            pipeline = await self._uploads.pipeline(session, tally=self._tally, meter=meter)
            with self._uploads.operation():
                await pipeline.run(sources(), self._take)

    async def _take(self, entries: Sequence[Entry]) -> None:
        self._add({entry.path: entry for entry in entries})

    async def _include(self, entries: Mapping[str, Reference | Copy]) -> None:
        async with self._lock:
            self._check_open()
            self._add(entries)

    def _add(self, entries: Mapping[str, Entry | Reference | Copy]) -> None:
        self._entries.update(entries)
        for path in entries:
            self._removed_paths.pop(path, None)

    async def _opened(self) -> UploadSession:
        self._check_open()
        if self._session is None:
            self._session = await self._begin()
            self._renewing = asyncio.create_task(self._renew(self._session))
        return self._session

    async def _begin(self) -> UploadSession:
        return await self._uploads.begin(
            self._name, type=self._type, base_version=self._base_version
        )

    async def _renew(self, session: UploadSession) -> None:
        """Keep the lease while the draft is open. A lease that is lost shows in the next call."""
        with suppress(HydriaError):
            while True:
                await asyncio.sleep(session.limits.upload_lease_seconds / 3)
                await session.renew()

    async def _stage(self) -> UploadSession:
        """Stage everything, into an upload in which nothing was staged before."""
        first = await self._opened()
        session = await self._begin() if self._is_staged else first
        self._is_staged = True
        stager = Stager(session)
        await stager.remove(paths=self._removed_paths, prefixes=self._removed_prefixes)
        await stager.put(self._entries[path] for path in sorted(self._entries, key=str.encode))
        await stager.flush()
        return session

    def _check_open(self) -> None:
        if self._is_over:
            raise UploadNotOpenError("this draft was committed or aborted; begin another one")

    def _end(self) -> bool:
        """Close the draft, and tell whether it was open."""
        was_open, self._is_over = not self._is_over, True
        if self._renewing is not None:
            self._renewing.cancel()
        return was_open
