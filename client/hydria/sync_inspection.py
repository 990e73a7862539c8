"""Whole versions looked at, without await."""

from __future__ import annotations

import os

from hydria.async_inspection import AsyncInspection
from hydria.inspection.comparison import TakeChange
from hydria.inspection.records import DiffResult, VerifyResult
from hydria.progress import ProgressCallback
from hydria.sync_catalog import SyncCatalog


class SyncInspection(SyncCatalog):
    """The methods of `Client` that check and compare: every one as that of `AsyncClient`."""

    _client: AsyncInspection

    def verify(
        self,
        ref: str,
        *,
        root: str | os.PathLike[str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> VerifyResult:
        return self._loop.run(self._client.verify(ref, root=root, progress=progress))

    def diff(
        self,
        from_ref: str,
        to_ref: str,
        *,
        take: TakeChange | None = None,
        progress: ProgressCallback | None = None,
    ) -> DiffResult:
        return self._loop.run(self._client.diff(from_ref, to_ref, take=take, progress=progress))
