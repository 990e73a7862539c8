"""The client for code without an event loop: `AsyncClient` on a loop in the background."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from hydria.address import Address
from hydria.client import AsyncClient, LocalPath
from hydria.following.follower import AsyncModelFollower
from hydria.following.records import FollowOptions, OnNotice, ServedVersion
from hydria.following.sync_follower import ModelFollower, in_thread
from hydria.lineage.sync import SyncRuns
from hydria.lineage.sync_graph import SyncLineage
from hydria.loop_thread import LoopThread
from hydria.options import MIB, TransferOptions
from hydria.progress import ProgressCallback
from hydria.reading.sync_open_file import SyncOpenFile
from hydria.records import Directory, DownloadResult, File, UploadResult, Version
from hydria.sync_copies import SyncCopies
from hydria.sync_deployments import SyncDeployments
from hydria.sync_draft import SyncDraft
from hydria.sync_history import SyncHistory
from hydria.sync_registry import SyncRegistry
from hydria.sync_search import SyncSearch
from hydria.sync_shared_uploads import SyncSharedUpload, SyncUploadWriter
from hydria.sync_webhooks import SyncWebhooks


class Client(SyncHistory, SyncCopies, SyncSearch):
    """Speaks to one server: every method as that of `AsyncClient`, without await.

    It may be used from several threads. It does not survive a fork: after one, the child gets a
    `ForkedProcessError`, and has to be started another way ('spawn').
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
        self._client: AsyncClient = AsyncClient(
            address, entity=entity, project=project, cache_dir=cache_dir, options=options
        )
        super().__init__(self._client, LoopThread())
        self._history = self._client
        self.deployments = SyncDeployments(self._client.deployments, self._loop)
        self.registry = SyncRegistry(self._client.registry, self._loop)
        self.webhooks = SyncWebhooks(self._client.webhooks, self._loop)
        self.runs = SyncRuns(self._client.runs, self._loop)
        self.lineage = SyncLineage(self._client.lineage, self._loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> Address:
        """Where the server is."""
        return self._client.address

    def close(self) -> None:
        """Close the connection and end the loop. Closing twice is fine."""
        if self._loop.is_running:
            self._loop.run(self._client.close())
        self._loop.close()

    def ping(self) -> float:
        return self._loop.run(self._client.ping())

    def log(
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
        return self._loop.run(
            self._client.log(
                name,
                paths,
                type=type,
                aliases=aliases,
                tags=tags,
                description=description,
                metadata=metadata,
                base=base,
                run=run,
                progress=progress,
            )
        )

    def draft(self, name: str, *, type: str = "", base: str | None = None) -> SyncDraft:
        return SyncDraft(self._client.draft(name, type=type, base=base), self._loop)

    def create_upload(
        self, name: str, *, type: str = "", base: str | None = None, request_id: str = ""
    ) -> SyncSharedUpload:
        begun = self._client.create_upload(name, type=type, base=base, request_id=request_id)
        return SyncSharedUpload(self._loop.run(begun), self._loop)

    def upload(self, upload_id: str) -> SyncSharedUpload:
        return SyncSharedUpload(self._loop.run(self._client.upload(upload_id)), self._loop)

    def join(self, upload_id: str, writer_id: str) -> SyncUploadWriter:
        return SyncUploadWriter(self._loop.run(self._client.join(upload_id, writer_id)), self._loop)

    def download(
        self,
        ref: str,
        root: str | os.PathLike[str] | None = None,
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
        return self._loop.run(
            self._client.download(
                ref,
                root,
                type=type,
                prefixes=prefixes,
                globs=globs,
                paths=paths,
                references=references,
                beside=beside,
                link=link,
                sync=sync,
                progress=progress,
            )
        )

    def follow(
        self,
        ref: str,
        root: LocalPath,
        *,
        on_swap: Callable[[ServedVersion], None] | None = None,
        on_notice: OnNotice | None = None,
        options: FollowOptions | None = None,
    ) -> ModelFollower:
        """Return what keeps `root` at the version of an alias, once it is started.

        Arguments and errors as `AsyncModelFollower`. `on_swap` is called in a thread of its own,
        and may call this client.
        """
        follower = AsyncModelFollower(
            self._client,
            ref,
            root,
            on_swap=in_thread(on_swap),
            on_notice=on_notice,
            options=options,
        )
        return ModelFollower(follower, self._loop)

    def iter_bytes(
        self, ref: str, path: str, *, offset: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        return self._loop.iterate(self._client.iter_bytes(ref, path, offset=offset, length=length))

    def read(self, ref: str, path: str, *, offset: int = 0, length: int | None = None) -> bytes:
        return self._loop.run(self._client.read(ref, path, offset=offset, length=length))

    def list_directory(self, ref: str | Version, path: str = "") -> Directory:
        return self._loop.run(self._client.list_directory(ref, path))

    def open(
        self, ref: str | Version, path: str | File, *, read_ahead_bytes: int = 8 * MIB
    ) -> SyncOpenFile:
        """Open a file of a version as a binary file. Arguments and errors as `AsyncClient`."""
        file = self._loop.run(self._client.open(ref, path, read_ahead_bytes=read_ahead_bytes))
        return SyncOpenFile(file, self._loop)
