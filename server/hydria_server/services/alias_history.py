"""Where aliases pointed: lists, answers as of a time, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria_server.domain.alias_errors import NoPreviousVersionError
from hydria_server.domain.alias_records import AliasHistoryQuery, AliasHolding
from hydria_server.domain.errors import (
    AliasNotFoundError,
    FieldViolationError,
    PageTokenInvalidError,
)
from hydria_server.domain.filters import Cursor
from hydria_server.domain.names import require_alias, require_name
from hydria_server.domain.records import CollectionRecord, VersionRecord
from hydria_server.domain.refs import ByAlias, CollectionName, parse_ref
from hydria_server.domain.roles import Role
from hydria_server.services.aliases import (
    AliasChange,
    AliasOperation,
    AnyVersion,
    require_expected,
)
from hydria_server.services.history import History
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.protection import require_movable
from hydria_server.services.resolving import require_collection, require_type
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Which intervals of a collection's aliases."""

    name: CollectionName
    alias: str = ""  # all of them
    as_of_us: int | None = None  # at any time
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of intervals, and the collection that they are of, by its present names."""

    collection: CollectionRecord
    holdings: Sequence[AliasHolding]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback did."""

    change: AliasChange
    version: VersionRecord


class AliasHistory:
    """Reads the intervals that every move of an alias leaves, and moves aliases back by them."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    async def list(self, request: HistoryRequest) -> HistoryPage:
        """List intervals, the latest beginning first.

        Raises:
            NameInvalidError, FieldViolationError, PageTokenInvalidError: the request is malformed.
            NotFoundError: there is no such collection.
        """
        if request.alias:
            require_name(request.alias, field="alias")
        bound_to = f"alias history {request.name}\0{request.alias}\0{request.as_of_us}"
        after = _place_of(decode_token(request.page_token, bound_to=bound_to))
        limit = page_limit(request.page_size)

        async def look(rows: Rows) -> tuple[CollectionRecord, list[AliasHolding]]:
            collection = await require_collection(rows, request.name)
            query = AliasHistoryQuery(
                collection.id, request.alias or None, request.as_of_us, after, limit + 1
            )
            return collection, await rows.alias_history.page(query)

        collection, found = await self._metadata.read(look)
        kept = found[:limit]
        last = kept[-1].interval if len(found) > limit else None
        cursor = (last.from_time_us, last.alias) if last else None
        return HistoryPage(collection, kept, encode_token(cursor, bound_to=bound_to))

    async def version_at(self, ref: str, as_of_us: int, *, type_: str = "") -> VersionRecord:
        """Return the version that the alias of a ref pointed to at a time, deleted since or not.

        The collection is the one that the name means now.

        Raises:
            FieldViolationError, NameInvalidError: the ref is malformed, or names no alias.
            NotFoundError: there is no such collection.
            AliasNotFoundError: the alias pointed nowhere then.
            TypeMismatchError: the version has another type than `type_`.
        """
        if type_:
            require_name(type_, field="type")
        parsed = parse_ref(ref, field="ref")
        if not isinstance(parsed.selector, ByAlias):
            raise FieldViolationError("as_of", "only an alias pointed elsewhere at another time")
        name, alias = parsed.name, parsed.selector.alias

        async def look(rows: Rows) -> VersionRecord:
            collection = await require_collection(rows, name)
            version_id = await rows.alias_history.holder_at(collection.id, alias, as_of_us)
            if version_id is None:
                raise AliasNotFoundError(
                    f"{name}:{alias} pointed nowhere at that time", details={"alias": alias}
                )
            return await rows.versions.by_id(version_id)

        return require_type(await self._metadata.read(look), type_)

    async def roll_back(
        self,
        name: CollectionName,
        alias: str,
        *,
        expected: int | AnyVersion | None,
        actor: str,
        role: Role,
    ) -> RolledBack:
        """Point an alias to the version that held it before the present one, if that is `expected`.

        Versions that were deleted since are passed over.

        Raises:
            NameInvalidError, NameReservedError: the alias is none, or `latest`.
            NotFoundError: there is no such collection.
            AliasNotFoundError: the alias never pointed anywhere.
            AliasProtectedError: it is protected, and the role is not ADMIN.
            AliasConflictError: it is not where it was expected.
            NoPreviousVersionError: no version that held it before is still there.
        """
        require_alias(alias, field="alias", latest_allowed=False)

        async def apply(rows: Rows) -> RolledBack:
            collection = await require_collection(rows, name)
            require_movable(collection, (alias,), role)
            holder = await rows.versions.by_alias(collection.id, alias)
            number = holder.number if holder else None
            require_expected(AliasOperation(alias, None, expected), number)
            version = await _previous(rows, collection, alias, holder)
            now, history = self._clock(), History()
            await history.point_alias(rows, version, alias, now_us=now)
            await history.record(rows, collection.entity_id, actor=actor, now_us=now)
            change = AliasChange(alias, version.number, number)
            return RolledBack(change, await rows.versions.by_id(version.id))

        return await self._metadata.write(apply)


async def _previous(
    rows: Rows, collection: CollectionRecord, alias: str, holder: VersionRecord | None
) -> VersionRecord:
    """Return the live version that held the alias last, the present holder aside."""
    present = holder.id if holder else None
    place = collection.id, alias
    found = await rows.alias_history.last_holder(*place, other_than=present, live=True)
    if found is not None:
        return await rows.versions.by_id(found.interval.version_id)
    deleted = await rows.alias_history.last_holder(*place, other_than=present, live=False)
    if deleted is not None:
        raise NoPreviousVersionError(
            f"v{deleted.number}, where {alias!r} pointed before, was deleted, and nothing that held"
            " it before that is left",
            details={"alias": alias, "deleted": f"v{deleted.number}"},
        )
    if holder is None:
        raise AliasNotFoundError(
            f"{collection.name!r} never had an alias {alias!r}", details={"alias": alias}
        )
    raise NoPreviousVersionError(
        f"{alias!r} never pointed to another version than {holder.ref}", details={"alias": alias}
    )


def _place_of(cursor: Cursor | None) -> tuple[int, str] | None:
    """Return the begin and the alias in a page token.

    Raises:
        PageTokenInvalidError: it has something else.
    """
    match cursor:
        case None:
            return None
        case (int(time_us), str(alias)) if abs(time_us) < 1 << 63:
            return time_us, alias
    raise PageTokenInvalidError("the page token is garbled")
