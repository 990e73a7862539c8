"""`Draft` without await."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from hydria.draft import REFERENCES_MAX, Draft
from hydria.loop_thread import LoopThread
from hydria.records import UploadResult


class SyncDraft:
    """A version in the making: every method as the one of `Draft`, without await."""

    def __init__(self, draft: Draft, loop: LoopThread) -> None:
        self._draft = draft
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
            self.abort()

    def add_file(self, local: str | os.PathLike[str], path: str | None = None) -> None:
        self._loop.run(self._draft.add_file(local, path))

    def add_dir(self, local: str | os.PathLike[str], prefix: str = "") -> None:
        self._loop.run(self._draft.add_dir(local, prefix))

    def add_bytes(self, path: str, data: bytes) -> None:
        self._loop.run(self._draft.add_bytes(path, data))

    def add_paths(self, locals: Iterable[str | os.PathLike[str]]) -> None:
        self._loop.run(self._draft.add_paths(locals))

    def add_reference(
        self,
        uri: str,
        name: str | None = None,
        *,
        checksum: bool = True,
        max_objects: int = REFERENCES_MAX,
    ) -> None:
        self._loop.run(
            self._draft.add_reference(uri, name, checksum=checksum, max_objects=max_objects)
        )

    def copy_file(self, ref: str, path: str, to: str | None = None) -> None:
        self._loop.run(self._draft.copy_file(ref, path, to))

    def remove(self, path: str) -> None:
        self._loop.run(self._draft.remove(path))

    def remove_prefix(self, prefix: str) -> None:
        self._loop.run(self._draft.remove_prefix(prefix))

    def commit(
        self,
        *,
        description: str = "",
        metadata: Mapping[str, object] | str | None = None,
        tags: Sequence[str] = (),
        aliases: Sequence[str] = (),
        run: str = "",
    ) -> UploadResult:
        return self._loop.run(
            self._draft.commit(
                description=description, metadata=metadata, tags=tags, aliases=aliases, run=run
            )
        )

    def abort(self) -> None:
        self._loop.run(self._draft.abort())
