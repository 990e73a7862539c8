"""Links: a version in a registry, under a number and aliases of its own. Nothing is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.errors import FieldViolationError, TypeMismatchError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.links import NewLink
from hydria_server.domain.names import require_aliases
from hydria_server.domain.records import LATEST, CollectionRecord, VersionRecord
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.roles import Role
from hydria_server.services.deletions import delete
from hydria_server.services.history import History
from hydria_server.services.protection import require_movable
from hydria_server.services.registered_models import (
    find_model,
    make_model,
    require_model_name,
    require_registry,
)
from hydria_server.services.resolving import content_of, resolve
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class Linked:
    """What linking answers."""

    version: VersionRecord
    created: bool


class Links:
    """Links versions and takes links away."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def link(
        self,
        source_ref: str,
        name: CollectionName,
        *,
        aliases: Sequence[str],
        actor: str,
        role: Role,
    ) -> Linked:
        """Link a version, or find the live link that the registered model has to it.

        Raises:
            FieldViolationError, NameInvalidError, NameReservedError: the request is malformed.
            NotFoundError, AliasNotFoundError, VersionDeletedError: there is no such source, or no
                such registry.
            TypeMismatchError: the model has another type, or the registry does not allow it.
            AliasProtectedError: an alias is protected, and the role is not ADMIN.
        """
        name = require_model_name(name)
        wanted = require_aliases(aliases, field="aliases")

        async def apply(rows: Rows) -> Linked:
            # The source stays what it is until this transaction ends, and it is live now.
            source = await content_of(rows, await resolve(rows, source_ref, field="source_ref"))
            now, history = self._clock(), History()
            model = await _model(rows, name, source, history, now)
            require_movable(model, wanted, role)
            link = await rows.links.live(model.id, source.id)
            created = link is None
            if link is None:
                link = await _insert(rows, model, source, history, now)
            for alias in (*wanted, LATEST):
                await history.point_alias(rows, link, alias, now_us=now)
            await history.record(rows, model.entity_id, actor=actor, now_us=now)
            return Linked(await rows.versions.by_id(link.id), created)

        return await self._metadata.write(apply)

    async def source(self, ref: str) -> VersionRecord:
        """Return the version that a ref names, or the source of the link that it names.

        Raises:
            FieldViolationError, NameInvalidError: the ref is malformed.
            NotFoundError, AliasNotFoundError, VersionDeletedError: it names nothing.
        """

        async def look(rows: Rows) -> VersionRecord:
            return await content_of(rows, await resolve(rows, ref))

        return await self._metadata.read(look)

    async def unlink(
        self, ref: str, *, delete_aliases: bool, etag: str, actor: str
    ) -> VersionRecord:
        """Take a link away; return it as it is remembered.

        Raises:
            FieldViolationError: the ref is malformed, or names a version that is no link.
            NotFoundError, AliasNotFoundError, VersionDeletedError: it names nothing.
            ResourceInUseError: it has other aliases, and `delete_aliases` is not set; or a
                protected one.
            EtagMismatchError: its source was changed since `etag` was read.
        """

        async def apply(rows: Rows) -> VersionRecord:
            link = await resolve(rows, ref)
            if link.source is None:
                raise FieldViolationError("ref", f"{link.ref} is no link; delete it instead")
            return await delete(
                rows,
                link,
                delete_aliases=delete_aliases,
                force=True,
                etag=etag,
                actor=actor,
                now_us=self._clock(),
            )

        return await self._metadata.write(apply)


async def _model(
    rows: Rows, name: CollectionName, source: VersionRecord, history: History, now_us: int
) -> CollectionRecord:
    """Return the registered model, made if need be."""
    await rows.names.ensure_entity(name.entity, now_us=now_us)
    registry = await require_registry(rows, name.entity, name.project)
    model = await find_model(rows, registry, name.collection)
    if model is None:
        return await make_model(
            rows, registry, name.collection, source.type, history, now_us=now_us
        )
    if model.type != source.type:
        raise TypeMismatchError(
            f"{name.collection!r} holds {model.type!r}, and {source.ref} is {source.type!r}",
            details={"actual": model.type},
        )
    return model


async def _insert(
    rows: Rows, model: CollectionRecord, source: VersionRecord, history: History, now_us: int
) -> VersionRecord:
    number = await rows.names.take_version_number(model.id)
    link = await rows.links.insert(NewLink(model.id, number, source.id, now_us))
    history.add_version(EventType.VERSION_LINKED, link)
    return link
