"""Deployments: who serves which version, and until when that is believed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import (
    ColumnElement,
    Integer,
    RowMapping,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.deployments import (
    DeploymentDraft,
    DeploymentKey,
    DeploymentRecord,
    DeploymentScope,
    DeploymentState,
)
from hydria_server.domain.filters import Page, Query
from hydria_server.storage.metadata.deployment_tables import (
    DEPLOYMENT,
    DEPLOYMENT_LABEL,
    IS_UNENDED,
)
from hydria_server.storage.metadata.dialect import batches, gathered, insert
from hydria_server.storage.metadata.filtering import NamesField, NumberField, TextField
from hydria_server.storage.metadata.paging import Listing, Pager
from hydria_server.storage.metadata.tables import (
    ALIAS,
    COLLECTION,
    ENTITY,
    PROJECT,
    VERSION,
)

_HOLDER = VERSION.alias("holder")
_SOURCE = VERSION.alias("source")
_IS_CURRENT = or_(DEPLOYMENT.c.alias == "", ALIAS.c.version_id == DEPLOYMENT.c.version_id)
_SERVED = DEPLOYMENT.join(VERSION, VERSION.c.id == DEPLOYMENT.c.version_id)
_CONTENT_ID = func.coalesce(VERSION.c.source_version_id, VERSION.c.id)  # of what is served
_FOLLOWED = _SERVED.outerjoin(
    ALIAS,
    and_(ALIAS.c.collection_id == DEPLOYMENT.c.collection_id, ALIAS.c.name == DEPLOYMENT.c.alias),
)
_RECORDS = select(
    DEPLOYMENT.c.id,
    DEPLOYMENT.c.entity_id,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name.label("project"),
    COLLECTION.c.name.label("collection"),
    DEPLOYMENT.c.version_id,
    VERSION.c.number,
    DEPLOYMENT.c.name,
    DEPLOYMENT.c.host,
    gathered(
        DEPLOYMENT_LABEL.c.label, where=DEPLOYMENT_LABEL.c.deployment_id, equals=DEPLOYMENT.c.id
    ).label("labels"),
    DEPLOYMENT.c.alias,
    _HOLDER.c.number.label("alias_number"),
    func.coalesce(_IS_CURRENT, literal_column("false")).label("is_current"),
    DEPLOYMENT.c.state,
    DEPLOYMENT.c.created_at_us,
    DEPLOYMENT.c.serving_since_us,
    DEPLOYMENT.c.updated_at_us,
    DEPLOYMENT.c.expires_at_us,
).select_from(
    _FOLLOWED.join(COLLECTION, COLLECTION.c.id == DEPLOYMENT.c.collection_id)
    .join(PROJECT, PROJECT.c.id == COLLECTION.c.project_id)
    .join(ENTITY, ENTITY.c.id == PROJECT.c.entity_id)
    .outerjoin(_HOLDER, _HOLDER.c.id == ALIAS.c.version_id)
)
_BY_KEY = _RECORDS.where(
    DEPLOYMENT.c.entity_id == bindparam("of_entity"),
    DEPLOYMENT.c.name == bindparam("of_name"),
    DEPLOYMENT.c.host == bindparam("of_host"),
)
_BY_NAME = (DEPLOYMENT.c.name, DEPLOYMENT.c.host, DEPLOYMENT.c.id)


class SqlDeployments:
    """Rows of deployments, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, key: DeploymentKey, *, now_us: int) -> DeploymentRecord | None:
        found = await self._connection.execute(
            _BY_KEY, {"of_entity": key.entity_id, "of_name": key.name, "of_host": key.host}
        )
        row = found.mappings().first()
        return _record_at(now_us)(row) if row else None

    async def put(self, draft: DeploymentDraft) -> None:
        said = {
            "collection_id": draft.collection_id,
            "version_id": draft.version_id,
            "alias": draft.alias,
            "state": DeploymentState.LIVE.value,
            "serving_since_us": draft.serving_since_us,
            "updated_at_us": draft.now_us,
            "expires_at_us": draft.expires_at_us,
        }
        statement = insert(self._connection.dialect.name, DEPLOYMENT).values(
            entity_id=draft.key.entity_id,
            name=draft.key.name,
            host=draft.key.host,
            created_at_us=draft.now_us,
            **said,
        )
        key = (DEPLOYMENT.c.entity_id, DEPLOYMENT.c.name, DEPLOYMENT.c.host)
        made = await self._connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=said).returning(
                DEPLOYMENT.c.id
            )
        )
        await self._label(made.scalar_one(), draft.labels)

    async def _label(self, deployment_id: int, labels: Sequence[str]) -> None:
        """Replace the labels, if they are others: most reports only renew."""
        mine = DEPLOYMENT_LABEL.c.deployment_id == deployment_id
        found = await self._connection.execute(select(DEPLOYMENT_LABEL.c.label).where(mine))
        if set(found.scalars()) == set(labels):
            return
        await self._connection.execute(delete(DEPLOYMENT_LABEL).where(mine))
        if labels:
            await self._connection.execute(
                plain_insert(DEPLOYMENT_LABEL),
                [{"deployment_id": deployment_id, "label": label} for label in labels],
            )

    async def end(self, deployment_id: int, *, now_us: int) -> None:
        await self._connection.execute(
            update(DEPLOYMENT)
            .where(DEPLOYMENT.c.id == deployment_id)
            .values(state=DeploymentState.ENDED.value, updated_at_us=now_us, expires_at_us=now_us)
        )

    async def count(self, entity_id: int) -> int:
        counted = await self._connection.execute(
            select(func.count()).where(DEPLOYMENT.c.entity_id == entity_id)
        )
        return counted.scalar_one()

    async def served(self, version_ids: Collection[int], *, now_us: int) -> set[int]:
        found: set[int] = set()
        for some in batches(version_ids):
            served = select(_CONTENT_ID).distinct().select_from(_SERVED)
            rows = await self._connection.execute(
                served.where(_serves_any(some), *_is_live(now_us)),
            )
            found.update(rows.scalars())
        return found

    async def serving_versions(
        self, version_ids: Collection[int], *, now_us: int, limit: int
    ) -> list[tuple[int, DeploymentRecord]]:
        found: list[tuple[int, DeploymentRecord]] = []
        for some in batches(version_ids):
            found += await self._serving(_serves_any(some), now_us, limit)
        return sorted(found, key=lambda each: (each[1].name, each[1].host, each[1].id))[:limit]

    async def serving_collection(
        self, collection_id: int, *, now_us: int, limit: int
    ) -> list[DeploymentRecord]:
        linked = (
            select(VERSION.c.id)
            .join(_SOURCE, _SOURCE.c.id == VERSION.c.source_version_id)
            .where(_SOURCE.c.collection_id == collection_id)
        )
        within = or_(
            DEPLOYMENT.c.collection_id == collection_id, DEPLOYMENT.c.version_id.in_(linked)
        )
        found = await self._serving(within, now_us, limit)
        return [deployment for _, deployment in found]

    async def _serving(
        self, condition: ColumnElement[bool], now_us: int, limit: int
    ) -> list[tuple[int, DeploymentRecord]]:
        rows = await self._connection.execute(
            _RECORDS.add_columns(_CONTENT_ID.label("content_id"))
            .where(condition, *_is_live(now_us))
            .order_by(*_BY_NAME)
            .limit(limit)
        )
        record_of = _record_at(now_us)
        return [(row["content_id"], record_of(row)) for row in rows.mappings()]

    async def forget_ended(self, entity_id: int, *, limit: int) -> int:
        ended = (
            DEPLOYMENT.c.entity_id == entity_id,
            DEPLOYMENT.c.state == DeploymentState.ENDED.value,
        )
        return await self._forget(*ended, limit=limit)

    async def forget_silent(self, before_us: int, *, limit: int) -> int:
        return await self._forget(DEPLOYMENT.c.expires_at_us < before_us, limit=limit)

    async def _forget(self, *conditions: ColumnElement[bool], limit: int) -> int:
        found = await self._connection.execute(
            select(DEPLOYMENT.c.id)
            .where(*conditions)
            .order_by(DEPLOYMENT.c.expires_at_us)
            .limit(limit)
        )
        ids = list(found.scalars())
        await self._connection.execute(
            delete(DEPLOYMENT_LABEL).where(DEPLOYMENT_LABEL.c.deployment_id.in_(ids))
        )
        await self._connection.execute(delete(DEPLOYMENT).where(DEPLOYMENT.c.id.in_(ids)))
        return len(ids)

    async def page(
        self, scope: DeploymentScope, query: Query, *, now_us: int
    ) -> Page[DeploymentRecord]:
        return await Pager(self._connection).page(_listing(scope, now_us), query)


def _listing(scope: DeploymentScope, now_us: int) -> Listing[DeploymentRecord]:
    within = DEPLOYMENT.c.entity_id == scope.entity_id
    if scope.collection_id is not None:
        within = DEPLOYMENT.c.collection_id == scope.collection_id
    elif scope.project_id is not None:
        within = DEPLOYMENT.c.collection_id.in_(
            select(COLLECTION.c.id).where(COLLECTION.c.project_id == scope.project_id)
        )
    state = case(
        (DEPLOYMENT.c.state == DeploymentState.ENDED.value, DeploymentState.ENDED.name),
        (DEPLOYMENT.c.expires_at_us > now_us, DeploymentState.LIVE.name),
        else_=DeploymentState.LOST.name,
    )
    labelled = select(DEPLOYMENT_LABEL.c.deployment_id)
    return Listing(
        rows=select(DEPLOYMENT.c.id).select_from(_FOLLOWED).where(within),
        row_id=DEPLOYMENT.c.id,
        text_bytes=literal_column("0", Integer),
        fields={
            "name": TextField(DEPLOYMENT.c.name),
            "host": TextField(DEPLOYMENT.c.host),
            "state": TextField(state),
            "current": TextField(case((_IS_CURRENT, "true"), else_="false")),
            "version": NumberField(VERSION.c.number),
            "alias": TextField(DEPLOYMENT.c.alias),
            "label": NamesField(DEPLOYMENT.c.id, labelled, DEPLOYMENT_LABEL.c.label),
            "created_at": NumberField(DEPLOYMENT.c.created_at_us),
            "updated_at": NumberField(DEPLOYMENT.c.updated_at_us),
            "expires_at": NumberField(DEPLOYMENT.c.expires_at_us),
        },
        records=_RECORDS,
        record_of=_record_at(now_us),
    )


def _record_at(now_us: int) -> Callable[[RowMapping], DeploymentRecord]:
    def record_of(row: RowMapping) -> DeploymentRecord:
        state = DeploymentState(row["state"])
        if state is DeploymentState.LIVE and row["expires_at_us"] <= now_us:
            state = DeploymentState.LOST
        fields = {name: row[name] for name in DeploymentRecord.__slots__}
        return DeploymentRecord(**{**fields, "state": state, "is_current": bool(row["is_current"])})

    return record_of


def _is_live(now_us: int) -> tuple[ColumnElement[bool], ...]:
    return IS_UNENDED, DEPLOYMENT.c.expires_at_us > now_us


def _serves_any(version_ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition for deployments of some versions, or of links to them."""
    links = select(VERSION.c.id).where(VERSION.c.source_version_id.in_(version_ids))
    return DEPLOYMENT.c.version_id.in_(
        union_all(select(VERSION.c.id).where(VERSION.c.id.in_(version_ids)), links)
    )
