"""Where aliases pointed, and when."""

from __future__ import annotations

from sqlalchemy import RowMapping, bindparam, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.alias_records import AliasHistoryQuery, AliasHolding
from hydria_server.domain.records import AliasInterval, VersionState
from hydria_server.storage.metadata.tables import ALIAS_INTERVAL, IS_COMMITTED, VERSION

_HOLDINGS = select(
    ALIAS_INTERVAL.c.collection_id,
    ALIAS_INTERVAL.c.alias,
    ALIAS_INTERVAL.c.version_id,
    ALIAS_INTERVAL.c.from_time_us,
    ALIAS_INTERVAL.c.to_time_us,
    ALIAS_INTERVAL.c.actor,
    VERSION.c.number,
    VERSION.c.state,
).join(VERSION, VERSION.c.id == ALIAS_INTERVAL.c.version_id)
_OF_ALIAS = (
    ALIAS_INTERVAL.c.collection_id == bindparam("in_collection"),
    ALIAS_INTERVAL.c.alias == bindparam("of_alias"),
)
# The latest that had begun: when that one had ended, the alias pointed nowhere.
_BEGUN = (
    select(ALIAS_INTERVAL.c.version_id, ALIAS_INTERVAL.c.to_time_us)
    .where(*_OF_ALIAS, ALIAS_INTERVAL.c.from_time_us <= bindparam("time_us"))
    .order_by(ALIAS_INTERVAL.c.from_time_us.desc())
    .limit(1)
)
_LAST = (
    _HOLDINGS.where(*_OF_ALIAS, ALIAS_INTERVAL.c.version_id != bindparam("other_than"))
    .order_by(ALIAS_INTERVAL.c.from_time_us.desc())
    .limit(1)
)
_LAST_LIVE = _LAST.where(IS_COMMITTED)
_NO_VERSION = 0  # no version has this id


class SqlAliasHistory:
    """Rows of alias intervals, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def page(self, query: AliasHistoryQuery) -> list[AliasHolding]:
        begin, alias = ALIAS_INTERVAL.c.from_time_us, ALIAS_INTERVAL.c.alias
        statement = _HOLDINGS.where(ALIAS_INTERVAL.c.collection_id == query.collection_id)
        if query.alias is not None:
            statement = statement.where(alias == query.alias)
        if query.as_of_us is not None:
            end = ALIAS_INTERVAL.c.to_time_us
            statement = statement.where(
                begin <= query.as_of_us, or_(end.is_(None), end > query.as_of_us)
            )
        if query.after is not None:
            statement = statement.where(tuple_(begin, alias) < tuple_(*query.after))
        statement = statement.order_by(begin.desc(), alias.desc()).limit(query.limit)
        rows = await self._connection.execute(statement)
        return [_holding_of(row) for row in rows.mappings()]

    async def holder_at(self, collection_id: int, alias: str, time_us: int) -> int | None:
        found = await self._connection.execute(
            _BEGUN, {"in_collection": collection_id, "of_alias": alias, "time_us": time_us}
        )
        row = found.first()
        if row is None or (row.to_time_us is not None and row.to_time_us <= time_us):
            return None
        version_id: int = row.version_id
        return version_id

    async def last_holder(
        self, collection_id: int, alias: str, *, other_than: int | None, live: bool
    ) -> AliasHolding | None:
        found = await self._connection.execute(
            _LAST_LIVE if live else _LAST,
            {
                "in_collection": collection_id,
                "of_alias": alias,
                "other_than": other_than or _NO_VERSION,
            },
        )
        row = found.mappings().first()
        return _holding_of(row) if row else None


def _holding_of(row: RowMapping) -> AliasHolding:
    columns = dict(row)
    number, state = columns.pop("number"), VersionState(columns.pop("state"))
    return AliasHolding(AliasInterval(**columns), number, state)
