"""The contract of the rows of deployments."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from hydria_server.domain.deployments import (
    DeploymentDraft,
    DeploymentKey,
    DeploymentRecord,
    DeploymentScope,
)
from hydria_server.domain.filters import Page, Query


class DeploymentRows(Protocol):
    """Who serves which version. What is read is as it stands at `now_us`."""

    async def find(self, key: DeploymentKey, *, now_us: int) -> DeploymentRecord | None:
        """Return the deployment that is known by the key."""
        ...

    async def put(self, draft: DeploymentDraft) -> None:
        """Make the deployment, or replace all that it said before. It has not ended."""
        ...

    async def end(self, deployment_id: int, *, now_us: int) -> None:
        """Note that a deployment ended, and with it its lease."""
        ...

    async def count(self, entity_id: int) -> int:
        """Return how many deployments of an entity are kept, those that ended among them."""
        ...

    async def served(self, version_ids: Collection[int], *, now_us: int) -> set[int]:
        """Return those of the versions that a LIVE deployment serves, by themselves or by links."""
        ...

    async def serving_versions(
        self, version_ids: Collection[int], *, now_us: int, limit: int
    ) -> list[tuple[int, DeploymentRecord]]:
        """Return LIVE deployments of versions or of links to them, by name.

        Each comes after the id of the version, for a link that of its source.
        """
        ...

    async def serving_collection(
        self, collection_id: int, *, now_us: int, limit: int
    ) -> list[DeploymentRecord]:
        """Return some LIVE deployments of versions of the collection, or of links to them."""
        ...

    async def forget_ended(self, entity_id: int, *, limit: int) -> int:
        """Forget those of an entity that ended the longest time ago; return how many."""
        ...

    async def forget_silent(self, before_us: int, *, limit: int) -> int:
        """Forget some that ended, or whose leases ended, before that time; return how many."""
        ...

    async def page(
        self, scope: DeploymentScope, query: Query, *, now_us: int
    ) -> Page[DeploymentRecord]:
        """List deployments, as `ListingRows` lists.

        Fields: name, host, state and current (as texts), version (a number), alias, label
        (`KEY=VALUE`), created_at, updated_at, expires_at.
        """
        ...
