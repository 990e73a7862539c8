"""Versions: resolve, describe, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydria_server.domain.documents import require_description, require_json_object
from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.names import require_name, require_tags
from hydria_server.domain.records import VersionRecord
from hydria_server.services.changed_words import changed_names, changed_text
from hydria_server.services.deletions import delete
from hydria_server.services.etags import require_etag
from hydria_server.services.history import History
from hydria_server.services.resolving import look_up, require_type, resolve
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class VersionChange:
    """New words about a version; None leaves what is there."""

    description: str | None = None
    metadata_json: str | None = None
    tags: Sequence[str] | None = None


class Versions:
    """Reads versions and changes the words about them; content never changes."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def get(self, ref: str, *, type_: str = "", field: str = "ref") -> VersionRecord:
        """Return the version that a full ref names; `field` is where the request has it.

        Raises:
            FieldViolationError, NameInvalidError: the ref is malformed.
            NotFoundError, AliasNotFoundError, VersionDeletedError: it names nothing.
            TypeMismatchError: the version has another type than `type_`.
        """
        if type_:
            require_name(type_, field="type")
        return require_type(await look_up(self._metadata, ref, field=field), type_)

    async def update(
        self, ref: str, change: VersionChange, *, etag: str, actor: str
    ) -> VersionRecord:
        """Change words; return the version as it is then. Through a link those of its source.

        Raises:
            EtagMismatchError: it was changed since `etag` was read.
            FieldViolationError, NameInvalidError: the change is malformed. And as `get`.
        """
        tags = None if change.tags is None else require_tags(change.tags, field="tags")
        if change.description is not None:
            require_description(change.description, field="description")
        metadata_json = change.metadata_json
        if metadata_json is not None:
            metadata_json = require_json_object(metadata_json, field="metadata_json")

        async def apply(rows: Rows) -> VersionRecord:
            version = await resolve(rows, ref)
            require_etag(version.revision, etag)
            now = self._clock()
            await rows.versions.update(
                version.content_id,
                description=change.description,
                metadata_json=metadata_json,
                tags=tags,
                now_us=now,
            )
            history = History()
            await _note_update(rows, version, change, history)
            await history.record(rows, version.entity_id, actor=actor, now_us=now)
            return await rows.versions.by_id(version.id)

        return await self._metadata.write(apply)

    async def delete(
        self, ref: str, *, delete_aliases: bool, force: bool, etag: str, actor: str
    ) -> VersionRecord:
        """Delete a version with its links, or only a link; return it as it is remembered.

        `latest` moves to the highest version that remains, in the same transaction.

        Raises:
            ResourceInUseError: it has other aliases, and `delete_aliases` is not set; or it is
                linked, and `force` is not set; or a protected alias points there.
            EtagMismatchError: it was changed since `etag` was read. And as `get`.
        """

        async def apply(rows: Rows) -> VersionRecord:
            version = await resolve(rows, ref)
            return await delete(
                rows,
                version,
                delete_aliases=delete_aliases,
                force=force,
                etag=etag,
                actor=actor,
                now_us=self._clock(),
            )

        return await self._metadata.write(apply)


async def _note_update(
    rows: Rows, before: VersionRecord, change: VersionChange, history: History
) -> None:
    """Note that the words of a version are others now."""
    words: dict[str, Json] = {
        "fields": list(_fields(change)),
        **changed_text("description", before.description, change.description),
        **changed_text("metadata_json", before.metadata_json, change.metadata_json),
        **changed_names("tags", before.tags, change.tags),
    }
    await note_update(rows, before.content_id, words, history)


async def note_update(
    rows: Rows, version_id: int, words: Mapping[str, Json], history: History
) -> None:
    """Note that the words of a version are others now, there and where it is linked."""
    for changed_id in (version_id, *await rows.links.ids_of_version(version_id)):
        changed = await rows.versions.by_id(changed_id)
        history.add_version(EventType.VERSION_UPDATED, changed, words)


def _fields(change: VersionChange) -> list[str]:
    named = {
        "description": change.description,
        "metadata_json": change.metadata_json,
        "tags": change.tags,
    }
    return [name for name, value in named.items() if value is not None]
