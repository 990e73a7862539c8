"""What is served cannot be deleted: not by force, and not with what it is a part of."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.deployments import DeploymentRecord
from hydria_server.domain.errors import ResourceInUseError
from hydria_server.domain.records import CollectionRecord, VersionRecord
from hydria_server.storage.metadata.interface import Rows

_SHOWN = 20
_DETAIL_CHARACTERS = 1000


async def require_not_served(rows: Rows, version: VersionRecord, *, now_us: int) -> None:
    """Return when no live deployment serves a version or a link to it.

    Raises:
        ResourceInUseError: some do.
    """
    found = await rows.deployments.serving_versions([version.id], now_us=now_us, limit=_SHOWN)
    _require_none(version.ref, [deployment for _, deployment in found])


async def require_none_served(rows: Rows, collection: CollectionRecord, *, now_us: int) -> None:
    """Return when no live deployment serves a version of a collection, or a link to one.

    Raises:
        ResourceInUseError: some do.
    """
    found = await rows.deployments.serving_collection(collection.id, now_us=now_us, limit=_SHOWN)
    _require_none(collection.name, found)


def _require_none(name: str, deployments: Sequence[DeploymentRecord]) -> None:
    if deployments:
        listed = ", ".join(f"{each.name} on {each.host}" for each in deployments)
        first = deployments[0]
        raise ResourceInUseError(
            f"{name} is in use: {first.name} on {first.host} serves {first.version_ref}; end that"
            " deployment, or let it serve another version",
            details={"deployments": listed[:_DETAIL_CHARACTERS]},
        )
