"""ReuseVersion: what a commit would answer, for content that the collection has already."""

from __future__ import annotations

from dataclasses import dataclass

from hydria_server.domain.digest import format_digest, require_digest
from hydria_server.domain.errors import NotFoundError, TypeMismatchError
from hydria_server.domain.names import require_name, require_project_name
from hydria_server.domain.records import LATEST, CollectionRecord, VersionRecord
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.roles import Role
from hydria_server.services.commit import Commitment, CommitRequest, checked_words
from hydria_server.services.history import History
from hydria_server.services.lineage_recording import record_logged
from hydria_server.services.protection import require_movable
from hydria_server.services.publication import Words, origin_of, reuse
from hydria_server.services.run_access import require_own_run
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class KnownContent:
    """Content by its version digest, and the collection that may have it."""

    name: CollectionName
    type: str
    digest: bytes


class Reuse:
    """Finds equal versions. Whoever names a digest learns no more than GetVersion tells (I10)."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def reuse(
        self, content: KnownContent, request: CommitRequest, *, actor: str, role: Role
    ) -> Commitment:
        """Point the aliases to the live version with that digest, and add the tags.

        Raises:
            NotFoundError: no live version of the collection has it.
            TypeMismatchError: the collection has another type.
            AliasProtectedError: an alias is protected, and the role is not ADMIN.
            FieldViolationError, NameInvalidError, NameReservedError: the request is malformed.
        """
        _check(content)
        words = checked_words(request)
        return await self._metadata.write(
            lambda rows: self._reuse(rows, content, words, actor, role)
        )

    async def _reuse(
        self, rows: Rows, content: KnownContent, words: Words, actor: str, role: Role
    ) -> Commitment:
        run = await require_own_run(rows, words.run, content.name.entity)
        collection, version = await _equal(rows, content)
        require_movable(collection, words.aliases, role)
        now_us, history = self._clock(), History()
        ignored = await reuse(rows, history, version, words, now_us=now_us, origin=origin_of(words))
        if run is not None:
            await record_logged(rows, run, version, now_us=now_us)
        await history.point_aliases(rows, version, (*words.aliases, LATEST), now_us=now_us)
        await history.record(rows, version.entity_id, actor=actor, now_us=now_us)
        return Commitment(await rows.versions.by_id(version.id), False, ignored)


async def _equal(rows: Rows, content: KnownContent) -> tuple[CollectionRecord, VersionRecord]:
    """Return the collection, and its live version with that content. Raises as `Reuse.reuse`."""
    name = content.name
    # As in a commit: a name given up by a rename is free again.
    collection = await rows.names.collection(
        name.entity, name.project, name.collection, follow=False
    )
    found = await rows.versions.by_digest(collection.id, content.digest) if collection else None
    if collection is None or found is None:
        raise NotFoundError(
            f"{str(name)!r} has no version {format_digest(content.digest)}; upload it"
        )
    if content.type and content.type != found.type:
        raise TypeMismatchError(
            f"{name.collection!r} has type {found.type!r}, not {content.type!r}",
            details={"actual": found.type},
        )
    return collection, found


def _check(content: KnownContent) -> None:
    require_name(content.name.entity, field="entity")
    require_project_name(content.name.project, field="project")
    require_name(content.name.collection, field="collection")
    if content.type:
        require_name(content.type, field="type")
    require_digest(content.digest, field="digest")
