"""What goes with a version or a collection that goes: links, aliases, `latest`."""

from __future__ import annotations

from collections.abc import Sequence

from hydria_server.domain.errors import ResourceInUseError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.records import LATEST, CollectionRecord, VersionRecord
from hydria_server.services.deployed import require_none_served, require_not_served
from hydria_server.services.etags import require_etag
from hydria_server.services.history import History
from hydria_server.services.protection import require_none_held, require_not_held
from hydria_server.storage.metadata.interface import Rows

_SHOWN = 20
_DETAIL_CHARACTERS = 1000


async def require_removable(
    rows: Rows, version: VersionRecord, *, delete_aliases: bool, force: bool
) -> None:
    """Return when a version or link may be removed.

    Raises:
        ResourceInUseError: it has aliases other than `latest` without `delete_aliases`, or links
            without `force`; or a protected alias points to it or to a link of it.
    """
    await require_not_held(rows, version)
    others = [alias for alias in version.aliases if alias != LATEST]
    if others and not delete_aliases:
        raise ResourceInUseError(
            f"{version.ref} has aliases; delete them with it or move them first",
            details={"aliases": _listed(others)},
        )
    if not force:
        await _require_none(rows, version.ref, await rows.links.ids_of_version(version.id))


async def require_unlinked(rows: Rows, collection: CollectionRecord) -> None:
    """Return when no version of the collection is linked.

    Raises:
        ResourceInUseError: some are.
    """
    await _require_none(rows, collection.name, await rows.links.ids_of_collection(collection.id))


async def _require_none(rows: Rows, name: str, link_ids: Sequence[int]) -> None:
    links = [(await rows.versions.by_id(link_id)).ref for link_id in link_ids[:_SHOWN]]
    if links:
        raise ResourceInUseError(
            f"{name} is linked as {links[0]} ({len(link_ids)} links in all); unlink it first, or"
            " use force",
            details={"links": _listed(links)},
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN])[:_DETAIL_CHARACTERS]


async def delete(
    rows: Rows,
    version: VersionRecord,
    *,
    delete_aliases: bool,
    force: bool,
    etag: str,
    actor: str,
    now_us: int,
) -> VersionRecord:
    """Take a version or a link away that somebody asked to; return what is left of it.

    Raises:
        EtagMismatchError: it was changed since `etag` was read.
        ResourceInUseError: as `require_removable` and `remove_version`.
    """
    require_etag(version.revision, etag)
    await require_removable(rows, version, delete_aliases=delete_aliases, force=force)
    history = History()
    await remove_version(rows, version, history, now_us=now_us)
    await history.record(rows, version.entity_id, actor=actor, now_us=now_us)
    return await rows.versions.by_id(version.id)


async def remove_version(
    rows: Rows, version: VersionRecord, history: History, *, now_us: int
) -> None:
    """Take a version out of sight, with its links; or a link, whose source stays.

    Its aliases go, but for `latest`, which is handed on to the highest that remains.

    Raises:
        ResourceInUseError: a live deployment serves it, or a link to it.
    """
    await require_not_served(rows, version, now_us=now_us)
    for link_id in await rows.links.ids_of_version(version.id):
        await _remove(rows, await rows.versions.by_id(link_id), history, now_us)
    await _remove(rows, version, history, now_us)


async def _remove(rows: Rows, version: VersionRecord, history: History, now_us: int) -> None:
    await rows.versions.mark_deleted([version.id], now_us=now_us)
    heir = await rows.versions.highest(version.collection_id)
    for alias in version.aliases:
        if alias == LATEST and heir is not None:
            await history.point_alias(rows, heir, LATEST, now_us=now_us)
        else:
            await history.remove_alias(rows, version.collection_id, alias)
    history.add_version(_gone(version), version)


async def remove_collection(
    rows: Rows, collection: CollectionRecord, history: History, *, now_us: int
) -> int:
    """Take a collection out of sight, with its versions, their links and all aliases.

    Return how many versions went with it. Of a registered model the sources stay.

    Raises:
        ResourceInUseError: a protected alias points into it or to a link of its versions, or a
            live deployment serves something of it.
    """
    await require_none_held(rows, collection)
    await require_none_served(rows, collection, now_us=now_us)
    for link_id in await rows.links.ids_of_collection(collection.id):
        await _remove(rows, await rows.versions.by_id(link_id), history, now_us)
    for alias in await rows.aliases.of_collection(collection.id):
        await history.remove_alias(rows, collection.id, alias)
    version_ids = await rows.versions.live_ids(collection.id)
    for version_id in version_ids:
        version = await rows.versions.by_id(version_id)
        history.add_version(_gone(version), version)
    await rows.versions.mark_deleted(version_ids, now_us=now_us)
    await rows.names.delete_collection(collection.id, now_us=now_us)
    history.add_collection(EventType.COLLECTION_DELETED, collection)
    return len(version_ids)


def _gone(version: VersionRecord) -> EventType:
    return EventType.VERSION_UNLINKED if version.source else EventType.VERSION_DELETED
