"""The client for code without an event loop: `AsyncClient` on a loop in the background."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from hydria.address import Address
from hydria.client import AsyncClient, LocalPath
from hydria.loop_thread import LoopThread
from hydria.options import TransferOptions
from hydria.progress import ProgressCallback
from hydria.records import DownloadResult, UploadResult
from hydria.sync_catalog import SyncCatalog
from hydria.sync_draft import SyncDraft


class Client(SyncCatalog):
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
        self._client = AsyncClient(
            address, entity=entity, project=project, cache_dir=cache_dir, options=options
        )
        super().__init__(self._client, LoopThread())

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
                progress=progress,
            )
        )

    def draft(self, name: str, *, type: str = "", base: str | None = None) -> SyncDraft:
        return SyncDraft(self._client.draft(name, type=type, base=base), self._loop)

    def download(
        self,
        ref: str,
        root: str | os.PathLike[str] | None = None,
        *,
        type: str = "",
        prefixes: Sequence[str] = (),
        paths: Sequence[str] = (),
        beside: Sequence[LocalPath] = (),
        link: bool = False,
        progress: ProgressCallback | None = None,
    ) -> DownloadResult:
        return self._loop.run(
            self._client.download(
                ref,
                root,
                type=type,
                prefixes=prefixes,
                paths=paths,
                beside=beside,
                link=link,
                progress=progress,
            )
        )

    def stream(
        self, ref: str, path: str, *, offset: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        return self._loop.iterate(self._client.stream(ref, path, offset=offset, length=length))

    def read(self, ref: str, path: str, *, offset: int = 0, length: int | None = None) -> bytes:
        return self._loop.run(self._client.read(ref, path, offset=offset, length=length))
