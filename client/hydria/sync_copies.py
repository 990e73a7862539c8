"""Copies of whole versions, without await."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hydria.async_copies import AsyncCopies
from hydria.records import CopyResult
from hydria.sync_inspection import SyncInspection


class SyncCopies(SyncInspection):
    """The method of `Client` that copies versions, as that of `AsyncClient`."""

    _client: AsyncCopies

    def copy(
        self,
        ref: str,
        name: str,
        *,
        type: str = "",
        aliases: Sequence[str] = (),
        tags: Sequence[str] = (),
        description: str | None = None,
        metadata: Mapping[str, object] | str | None = None,
    ) -> CopyResult:
        return self._loop.run(
            self._client.copy(
                ref,
                name,
                type=type,
                aliases=aliases,
                tags=tags,
                description=description,
                metadata=metadata,
            )
        )
