"""Deployments: who says that it serves what, and who is believed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from hydria_server.domain.deployments import (
    MAX_DEPLOYMENTS,
    DeploymentDraft,
    DeploymentKey,
    DeploymentRecord,
    DeploymentState,
    TooManyDeploymentsError,
    require_host,
    require_labels,
    require_lease,
)
from hydria_server.domain.errors import NotFoundError
from hydria_server.domain.names import require_name
from hydria_server.domain.records import VersionRecord
from hydria_server.services.resolving import resolve
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

BATCH_ROWS = 500
"""How many one transaction forgets, so that other writers wait for milliseconds."""

_MICROSECONDS = 1_000_000
_log = logging.getLogger("hydria.deployments")


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """What somebody says who serves a version."""

    version_ref: str
    name: str
    host: str
    labels: Mapping[str, str]
    alias: str
    lease_seconds: int  # 0: the usual one


class Deployments:
    """Keeps deployments. Those that ended or were lost are forgotten after a while."""

    def __init__(self, metadata: MetadataStore, clock: Clock, *, keep_seconds: int) -> None:
        self._metadata = metadata
        self._clock = clock
        self._keep_seconds = keep_seconds

    async def report(self, report: DeploymentReport) -> DeploymentRecord:
        """Make, move or renew a deployment.

        Raises:
            FieldViolationError, NameInvalidError: the report is malformed.
            NotFoundError, AliasNotFoundError, VersionDeletedError: there is no such version.
            TooManyDeploymentsError: the entity has as many as it may have.
        """
        require_name(report.name, field="name")
        require_host(report.host)
        if report.alias:
            require_name(report.alias, field="alias")
        labels = require_labels(report.labels)
        lease_us = require_lease(report.lease_seconds) * _MICROSECONDS

        async def apply(rows: Rows) -> DeploymentRecord:
            version = await resolve(rows, report.version_ref, field="version_ref")
            now = self._clock()
            key = DeploymentKey(version.entity_id, report.name, report.host)
            known = await rows.deployments.find(key, now_us=now)
            if known is None:
                await _require_room(rows, version)
            await rows.deployments.put(
                DeploymentDraft(
                    key=key,
                    collection_id=version.collection_id,
                    version_id=version.id,
                    alias=report.alias,
                    labels=labels,
                    serving_since_us=_serving_since(known, version) or now,
                    now_us=now,
                    expires_at_us=now + lease_us,
                )
            )
            return await _require_known(rows, key, now)

        return await self._metadata.write(apply)

    async def end(self, entity: str, name: str, host: str) -> DeploymentRecord:
        """Note that a deployment ended. Ending twice changes nothing.

        Raises:
            FieldViolationError, NameInvalidError: the request is malformed.
            NotFoundError: there is no such deployment.
        """
        require_name(entity, field="entity")
        require_name(name, field="name")
        require_host(host)

        async def apply(rows: Rows) -> DeploymentRecord:
            owner = await rows.names.entity(entity)
            now = self._clock()
            key = DeploymentKey(owner.id if owner else 0, name, host)
            known = await _require_known(rows, key, now)
            if known.state is not DeploymentState.ENDED:
                await rows.deployments.end(known.id, now_us=now)
            return await _require_known(rows, key, now)

        return await self._metadata.write(apply)

    async def forget_old(self) -> int:
        """Forget what was silent for too long; return how many that were."""
        before_us = self._clock() - self._keep_seconds * _MICROSECONDS
        total = 0

        async def batch(rows: Rows) -> int:
            return await rows.deployments.forget_silent(before_us, limit=BATCH_ROWS)

        while forgotten := await self._metadata.write(batch):
            total += forgotten
        if total:
            _log.info("forgot old deployments", extra={"fields": {"deployments": total}})
        return total


async def _require_known(rows: Rows, key: DeploymentKey, now_us: int) -> DeploymentRecord:
    found = await rows.deployments.find(key, now_us=now_us)
    if found is None:
        raise NotFoundError(f"there is no deployment {key.name!r} on {key.host!r}")
    return found


async def _require_room(rows: Rows, version: VersionRecord) -> None:
    """Make room for one more, where it takes the place of one that ended.

    Raises:
        TooManyDeploymentsError: none of them ended.
    """
    if await rows.deployments.count(version.entity_id) < MAX_DEPLOYMENTS:
        return
    if not await rows.deployments.forget_ended(version.entity_id, limit=1):
        raise TooManyDeploymentsError(
            f"{version.entity} has {MAX_DEPLOYMENTS} deployments; end some that are over",
            details={"limit": str(MAX_DEPLOYMENTS)},
        )


def _serving_since(known: DeploymentRecord | None, version: VersionRecord) -> int | None:
    """Return since when it serves that version, if it did before: one that was lost may have."""
    if known and known.version_id == version.id and known.state is not DeploymentState.ENDED:
        return known.serving_since_us
    return None
