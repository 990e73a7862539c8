"""The client: explicit, typed, without global state."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Self

from hydria import messages
from hydria.address import find_address
from hydria.async_history import AsyncHistory
from hydria.async_search import AsyncSearch
from hydria.async_shared_uploads import AsyncSharedUploads
from hydria.connection import Connection
from hydria.deployments import AsyncDeployments
from hydria.download.downloads import Downloads
from hydria.draft import Draft
from hydria.lineage.graph import AsyncLineage
from hydria.lineage.runs import AsyncRuns
from hydria.options import MIB, TransferOptions
from hydria.progress import ProgressCallback
from hydria.reading.directories import list_directory
from hydria.reading.open_file import OpenFile, open_file
from hydria.records import Directory, DownloadResult, File, UploadResult, Version, Words
from hydria.refs import Defaults
from hydria.registry import AsyncRegistry
from hydria.runtime import Runtime
from hydria.scan_cache import default_directory
from hydria.upload.uploads import Uploads
from hydria.walk import walk
from hydria.webhooks import AsyncWebhooks

LocalPath = str | os.PathLike[str]


class AsyncClient(AsyncHistory, AsyncSharedUploads, AsyncSearch):
    """Speaks to one server, from one event loop.

    Nothing is opened before it is used. Names may leave out what has a default: a collection is
    `[[ENTITY/]PROJECT/]COLLECTION`, a ref is that with `:ALIAS`, `:vN`, `@blake3:<hex>` or nothing
    for `:latest`. Every method raises a `HydriaError`, or what else stands with it.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        entity: str | None = None,
        project: str | None = None,
        cache_dir: LocalPath | None = None,
        options: TransferOptions | None = None,
    ) -> None:
        """Make a client.

        Args:
            address: `HOST:PORT`, `grpc(s)://...`, `unix:///PATH`; by default `HYDRIA_BASE_URL`,
                then the server that runs on this user's data directory, then 127.0.0.1:50051.
            entity: fills in what names leave out; by default `HYDRIA_ENTITY`, then `local`.
            project: the same; by default `HYDRIA_PROJECT`, then none.
            cache_dir: where to remember what files were found to hold, and to keep some; by default
                `HYDRIA_CACHE_DIR`, then the user's cache directory.
            options: numbers for transfers.

        Raises:
            InvalidArgumentError: the address is none, or a variable has a wrong value.
        """
        self.address = find_address(address)
        self._runtime = Runtime(
            Connection(self.address),
            options=options or TransferOptions(),
            cache_directory=Path(cache_dir) if cache_dir is not None else default_directory(),
        )
        defaults = Defaults(
            entity=entity or os.environ.get("HYDRIA_ENTITY") or Defaults().entity,
            project=project or os.environ.get("HYDRIA_PROJECT") or "",
        )
        super().__init__(self._runtime.catalog, defaults)
        self.registry = AsyncRegistry(self._runtime.connection, defaults)
        self.webhooks = AsyncWebhooks(self._runtime.connection, defaults)
        self.deployments = AsyncDeployments(self._runtime.connection, defaults)
        self._history_connection = self._runtime.connection
        self.runs = AsyncRuns(self, self._runtime.connection, self._runtime.options)
        self.lineage = AsyncLineage(defaults, self._runtime.connection, self._runtime.options)
        self._uploads = Uploads(self._runtime)
        self._downloads = Downloads(self._runtime)

    async def __aenter__(self) -> Self:
        self._runtime.connection.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls in flight are cancelled. Closing twice is fine."""
        await self._runtime.close()

    # --- up -------------------------------------------------------------------------------------

    async def log(
        self,
        name: str,
        paths: LocalPath | Iterable[LocalPath],
        *,
        type: str = "",
        aliases: Sequence[str] = (),
        tags: Sequence[str] = (),
        description: str = "",
        metadata: Mapping[str, object] | str | None = None,
        base: str | None = None,
        run: str = "",
        progress: ProgressCallback | None = None,
    ) -> UploadResult:
        """Make a version of local files, or find the one that has the same content.

        The contents of a directory go to the root of the version, a file goes under its name;
        links are followed. Versions of one collection that are logged at the same time by one
        client are numbered in the order of the calls. A log that fails leaves nothing visible.

        Args:
            name: the collection; it is made if need be.
            paths: files and directories.
            type: needed for a new collection only.
            aliases: shall point to the version; `latest` does anyway.
            tags: for the version.
            description: what it is, in words.
            metadata: a mapping that JSON can write, or JSON text, which is kept to the letter.
            base: the ref of a version whose files stay unless they are overwritten.
            run: the run that logs it, `[[ENTITY/]PROJECT/runs/]ID` of the same entity.
            progress: is called with a `Progress` up to ten times a second and at the end.

        Raises:
            OSError: a local file cannot be read.
            SourceError: something is no regular file, or a link leads nowhere or in a circle.
            SourceChangedError: a file kept changing while it was read.
            PathInvalidError: the name of a file cannot be in a version.
            DuplicatePathError: two files would have the same path.
        """
        sources = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        words = Words(
            description=description,
            metadata_json=messages.metadata_text(metadata),
            tags=tuple(tags),
            aliases=tuple(aliases),
            run_ref=self.defaults.run(run) if run else "",
        )
        with self._runtime.operation():
            return await self._uploads.log(
                self.defaults.collection(name),
                lambda: walk(sources),
                type=type,
                base_version=self.defaults.ref(base) if base else "",
                words=words,
                progress=progress,
            )

    def draft(self, name: str, *, type: str = "", base: str | None = None) -> Draft:
        """Return a version in the making, empty or with the files of `base`, a ref."""
        return Draft(
            self._uploads,
            self.defaults.collection(name),
            type=type,
            base_version=self.defaults.ref(base) if base else "",
            locate=self._locate,
        )

    async def _locate(self, ref: str, path: str) -> Version:
        version = await self.version(ref)
        await self._downloads.require_entry(version, path)
        return version

    # --- down -----------------------------------------------------------------------------------

    async def download(
        self,
        ref: str,
        root: LocalPath | None = None,
        *,
        type: str = "",
        prefixes: Sequence[str] = (),
        globs: Sequence[str] = (),
        paths: Sequence[str] = (),
        references: bool = True,
        beside: Sequence[LocalPath] = (),
        link: bool = False,
        sync: bool = False,
        progress: ProgressCallback | None = None,
    ) -> DownloadResult:
        """Put the files of a version under `root`, verified; what is in place is not fetched.

        Of a file that has changed or was renamed only those chunks are fetched that no file under
        `root` has, e.g. of an older version. Files that are not in the version are left alone. A
        file appears in its place when it is whole and verified; one that replaces another does so
        after everything has come. References are fetched from where they point, as this user.

        Args:
            ref: the version.
            root: a directory, made if need be; by default `./artifacts/COLLECTION:vN`.
            type: the type it must have, if not empty.
            prefixes: only files whose paths begin with one of these.
            globs: only files of these globs, and those under `prefixes`; see `files`.
            paths: only these files, and those under `prefixes` and of `globs`.
            references: False leaves them out; who made the version chose what they ask for.
            beside: other directories to look for chunks in, e.g. with an older version.
            link: make files hard links to those in the local cache: writing to one changes all.
            sync: return only when the files would survive a power cut (`cp` does not, either).
            progress: is called with a `Progress` up to ten times a second and at the end.

        Raises:
            OSError: the disk refuses, or one of `beside` is no directory.
            TargetError: something is in the way, or a link leads out of `root`.
            FileNotFoundInVersionError: one of `paths` is not in the version.
            InvalidArgumentError: one of `globs` is none.
            ReceivedDataError: the server sent something else than it announced.
            BrokenReferenceError: what a reference points at has changed, or cannot be had.
        """
        version = await self.version(ref, type=type)
        with self._runtime.operation():
            return await self._downloads.download(
                version,
                root,
                prefixes=prefixes,
                globs=globs,
                paths=paths,
                with_references=references,
                beside=beside,
                link=link,
                sync=sync,
                progress=progress,
            )

    async def iter_bytes(
        self, ref: str, path: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of one file, or of a part of it, each piece verified.

        A reference is fetched whole into a temporary file, and verified, before the first piece.

        Args:
            ref: the version.
            path: the file.
            offset: where to begin, in bytes; negative counts from the end.
            length: how many bytes; None, or more than there are, means to the end.

        Raises:
            FileNotFoundInVersionError: the version has no such file.
            RangeOutOfBoundsError: `offset` is outside of the file.
            ReceivedDataError: the bytes do not match their digest.
            BrokenReferenceError: what a reference points at has changed, or cannot be had.
        """
        pieces = self._downloads.read(await self.version(ref), path, offset=offset, length=length)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def read(
        self, ref: str, path: str, *, offset: int = 0, length: int | None = None
    ) -> bytes:
        """Return the bytes of one file, or of a part. Arguments and errors as `iter_bytes`."""
        pieces = self.iter_bytes(ref, path, offset=offset, length=length)
        return b"".join([piece async for piece in pieces])

    async def list_directory(self, ref: str | Version, path: str = "") -> Directory:
        """Return what lies right below a directory of a version, without listing what is deeper.

        Args:
            ref: the version; as a `Version` it is not asked for again.
            path: the directory; empty for the root. One that is not there has nothing below it.
        """
        version = await self.version(ref) if isinstance(ref, str) else ref
        return await list_directory(self._runtime, version, path)

    async def open(
        self, ref: str | Version, path: str | File, *, read_ahead_bytes: int = 8 * MIB
    ) -> OpenFile:
        """Open a file of a version, to read any part of it without fetching the rest.

        Args:
            ref: the version; as a `Version` it is not asked for again.
            path: the file; as a `File` of that version it is not asked for again either.
            read_ahead_bytes: how far to read ahead at most, when the file is read on and on.

        Raises:
            FileNotFoundInVersionError: the version has no such file.
        """
        version = await self.version(ref) if isinstance(ref, str) else ref
        return await open_file(self._runtime, version, path, read_ahead_bytes=read_ahead_bytes)
