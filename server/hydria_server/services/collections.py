"""Collections: read, describe, rename, retype, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.documents import require_description
from hydria_server.domain.errors import ResourceInUseError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.names import require_name, require_tags
from hydria_server.domain.records import CollectionRecord
from hydria_server.domain.refs import CollectionName
from hydria_server.services.changed_words import changed_names, changed_text
from hydria_server.services.deletions import remove_collection, require_unlinked
from hydria_server.services.etags import require_etag
from hydria_server.services.history import History
from hydria_server.services.registered_models import require_allowed
from hydria_server.services.resolving import require_collection
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class CollectionChange:
    """A new name, type or words; None leaves what is there."""

    name: str | None = None
    description: str | None = None
    tags: Sequence[str] | None = None
    type: str | None = None


class Collections:
    """Reads and changes collections. A rename keeps the id, the versions and the history."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def get(self, name: CollectionName) -> CollectionRecord:
        """Return the collection of that name, now or once.

        Raises:
            NotFoundError: there is none.
        """
        return await self._metadata.read(lambda rows: require_collection(rows, name))

    async def update(
        self, name: CollectionName, change: CollectionChange, *, etag: str, actor: str
    ) -> CollectionRecord:
        """Rename, retype or describe a collection; return it as it is then.

        Raises:
            NotFoundError: there is none.
            NameInvalidError: the new name, the type or a tag breaks the rules.
            AlreadyExistsError: the new name is taken.
            ResourceInUseError: the type is that of links, too.
            TypeMismatchError: the registry does not allow the new type.
            EtagMismatchError: it was changed since `etag` was read.
        """
        tags = None if change.tags is None else require_tags(change.tags, field="tags")
        if change.description is not None:
            require_description(change.description, field="description")
        if change.name is not None:
            require_name(change.name, field="name")
        if change.type is not None:
            require_name(change.type, field="type")

        async def apply(rows: Rows) -> CollectionRecord:
            collection = await require_collection(rows, name)
            require_etag(collection.revision, etag)
            now = self._clock()
            history = History()
            if change.name not in (None, collection.name):
                await self._rename(rows, collection, change.name or "", history, now)
            if change.type not in (None, collection.type):
                await self._retype(rows, collection, change.type or "", history, now)
            if change.description is not None or tags is not None:
                await rows.names.update_collection(
                    collection.id, description=change.description, tags=tags, now_us=now
                )
                words = {
                    **changed_text("description", collection.description, change.description),
                    **changed_names("tags", collection.tags, tags),
                }
                history.add_collection(EventType.COLLECTION_UPDATED, collection, words)
            await history.record(rows, collection.entity_id, actor=actor, now_us=now)
            return await rows.names.collection_by_id(collection.id)

        return await self._metadata.write(apply)

    async def _rename(
        self, rows: Rows, collection: CollectionRecord, name: str, history: History, now_us: int
    ) -> None:
        await rows.names.rename_collection(collection.id, name, now_us=now_us)
        history.add_collection(EventType.COLLECTION_RENAMED, collection, {"new_name": name})

    async def _retype(
        self, rows: Rows, collection: CollectionRecord, type_: str, history: History, now_us: int
    ) -> None:
        await _require_retypable(rows, collection, type_)
        await rows.names.retype_collection(collection.id, type_, now_us=now_us)
        history.add_collection(
            EventType.COLLECTION_RETYPED,
            collection,
            {"type": collection.type, "new_type": type_},
        )

    async def delete(self, name: CollectionName, *, force: bool, etag: str, actor: str) -> int:
        """Delete a collection with its versions and aliases; return how many versions went.

        Raises:
            NotFoundError: there is none.
            ResourceInUseError: versions of it are linked, and `force` is not set; or a protected
                alias points there.
            EtagMismatchError: it was changed since `etag` was read.
        """

        async def apply(rows: Rows) -> int:
            collection = await require_collection(rows, name)
            require_etag(collection.revision, etag)
            if not force:
                await require_unlinked(rows, collection)
            now = self._clock()
            history = History()
            count = await remove_collection(rows, collection, history, now_us=now)
            await history.record(rows, collection.entity_id, actor=actor, now_us=now)
            return count

        return await self._metadata.write(apply)


async def _require_retypable(rows: Rows, collection: CollectionRecord, type_: str) -> None:
    """Return when a collection may get another type: a link and its source have the same one."""
    await require_unlinked(rows, collection)
    if collection.kind is CollectionKind.PORTFOLIO:
        if collection.version_count:
            raise ResourceInUseError(
                f"{collection.name!r} has links to versions of type {collection.type!r}"
            )
        require_allowed(await rows.registries.by_id(collection.project_id), type_)
