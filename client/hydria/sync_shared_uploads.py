"""`SharedUpload` and `UploadWriter` without await."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from hydria.loop_thread import LoopThread
from hydria.progress import ProgressCallback
from hydria.records import UploadResult
from hydria.shared_uploads import SharedUpload, UploadWriter
from hydria.upload_status import UploadStatus


class SyncSharedUpload:
    """An upload that several processes fill: every method as the one of `SharedUpload`."""

    def __init__(self, upload: SharedUpload, loop: LoopThread) -> None:
        self._upload = upload
        self._loop = loop

    @property
    def upload_id(self) -> str:
        return self._upload.upload_id

    def status(self) -> UploadStatus:
        return self._loop.run(self._upload.status())

    def commit(
        self,
        *,
        writers: Sequence[str] = (),
        description: str = "",
        metadata: Mapping[str, object] | str | None = None,
        tags: Sequence[str] = (),
        aliases: Sequence[str] = (),
    ) -> UploadResult:
        return self._loop.run(
            self._upload.commit(
                writers=writers,
                description=description,
                metadata=metadata,
                tags=tags,
                aliases=aliases,
            )
        )

    def abort(self) -> None:
        self._loop.run(self._upload.abort())


class SyncUploadWriter:
    """One of the writers of an upload: every method as the one of `UploadWriter`."""

    def __init__(self, writer: UploadWriter, loop: LoopThread) -> None:
        self._writer = writer
        self._loop = loop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop.is_running:
            self._loop.run(self._writer.__aexit__(kind, error, trace))

    @property
    def writer_id(self) -> str:
        return self._writer.writer_id

    @property
    def sent_bytes(self) -> int:
        return self._writer.sent_bytes

    def add_file(self, local: str | os.PathLike[str], path: str | None = None) -> None:
        self._loop.run(self._writer.add_file(local, path))

    def add_dir(
        self,
        local: str | os.PathLike[str],
        prefix: str = "",
        *,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._loop.run(self._writer.add_dir(local, prefix, progress=progress))

    def add_bytes(self, path: str, data: bytes) -> None:
        self._loop.run(self._writer.add_bytes(path, data))

    def remove(self, path: str) -> None:
        self._loop.run(self._writer.remove(path))

    def remove_prefix(self, prefix: str) -> None:
        self._loop.run(self._writer.remove_prefix(prefix))

    def flush(self) -> None:
        self._loop.run(self._writer.flush())

    def finish(self) -> None:
        self._loop.run(self._writer.finish())
