"""Collects what a transaction did, and writes it as events and alias intervals at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hydria_server.domain.digest import format_digest
from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.records import (
    AliasMove,
    CollectionRecord,
    EventDraft,
    VersionRecord,
)
from hydria_server.domain.registries import RegistryRecord
from hydria_server.storage.metadata.interface import Rows

NOTHING: Mapping[str, Json] = MappingProxyType({})


class History:
    """The events of one transaction: ids, with the names and values as they were then.

    One instance per transaction. I8: `record` comes last, for there the sequence is taken. What is
    noted of another entity's collections and versions becomes that entity's history.
    """

    def __init__(self) -> None:
        self._noted: dict[int | None, _Noted] = {}

    def _of(self, entity_id: int | None) -> _Noted:
        return self._noted.setdefault(entity_id, _Noted())

    def add(self, type_: EventType, *, project_id: int, project: str) -> None:
        """Note something about a project of the entity that `record` is told."""
        self._of(None).drafts.append(
            EventDraft(type_, project_id=project_id, data={"project": project})
        )

    def add_registry(
        self, event: EventType, registry: RegistryRecord, data: Mapping[str, Json] = NOTHING
    ) -> None:
        """Note something about a registry."""
        self._of(registry.entity_id).drafts.append(
            EventDraft(event, project_id=registry.id, data={"project": registry.name, **data})
        )

    def add_collection(
        self, event: EventType, collection: CollectionRecord, data: Mapping[str, Json] = NOTHING
    ) -> None:
        """Note something about a collection."""
        self._of(collection.entity_id).drafts.append(
            EventDraft(
                event,
                project_id=collection.project_id,
                collection_id=collection.id,
                data={"project": collection.project, "collection": collection.name, **data},
            )
        )

    def add_version(
        self, event: EventType, version: VersionRecord, data: Mapping[str, Json] = NOTHING
    ) -> None:
        """Note something about a version."""
        names: dict[str, Json] = {
            "project": version.project,
            "collection": version.collection,
            "version": f"v{version.number}",
            "digest": format_digest(version.digest),
        }
        if version.source:
            names["source"] = version.source.ref
        self._of(version.entity_id).drafts.append(
            EventDraft(
                event,
                project_id=version.project_id,
                collection_id=version.collection_id,
                version_id=version.id,
                data={**names, **data},
            )
        )

    async def point_alias(
        self, rows: Rows, version: VersionRecord, alias: str, *, now_us: int
    ) -> int | None:
        """Point an alias to a version (I7); return the id of the version it pointed to."""
        before = await rows.aliases.point(version.collection_id, alias, version.id, now_us=now_us)
        if before != version.id:
            move = AliasMove(version.collection_id, alias, before, version.id)
            self._of(version.entity_id).moves.append(move)
            old = await rows.versions.by_id(before) if before is not None else None
            self.add_version(
                EventType.ALIAS_SET, version, {"alias": alias, "from_version": _number(old)}
            )
        return before

    async def remove_alias(self, rows: Rows, collection_id: int, alias: str) -> int | None:
        """Remove an alias, if it is there; return the id of the version it pointed to."""
        before = await rows.aliases.remove(collection_id, alias)
        if before is not None:
            old = await rows.versions.by_id(before)
            self._of(old.entity_id).moves.append(AliasMove(collection_id, alias, before, None))
            self.add_version(EventType.ALIAS_REMOVED, old, {"alias": alias})
        return before

    async def record(self, rows: Rows, entity_id: int, *, actor: str, now_us: int) -> None:
        """Write everything noted. The last step of the transaction.

        `entity_id` is where projects belong. Entities are locked in the order of their ids, so that
        no two transactions wait for each other.
        """
        unplaced = self._noted.pop(None, _Noted())
        self._of(entity_id).take(unplaced)
        for each in sorted(entity for entity in self._noted if entity is not None):
            drafts, moves = self._noted[each].drafts, self._noted[each].moves
            if drafts or moves:
                await rows.events.record(each, drafts, moves, actor=actor, now_us=now_us)


@dataclass(slots=True)
class _Noted:
    """What is to be written of one entity."""

    drafts: list[EventDraft] = field(default_factory=list)
    moves: list[AliasMove] = field(default_factory=list)

    def take(self, other: _Noted) -> None:
        """Put what another holds before the own: it was there first."""
        self.drafts[:0] = other.drafts
        self.moves[:0] = other.moves


def _number(version: VersionRecord | None) -> str | None:
    return f"v{version.number}" if version else None
