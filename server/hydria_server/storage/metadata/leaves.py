"""The index of metadata: the leaves of versions, and of links, which have those of their source."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hydria_server.domain.leaves import leaves_of
from hydria_server.storage.metadata.dialect import insert
from hydria_server.storage.metadata.search_tables import LEAF_PATH, VERSION_LEAF
from hydria_server.storage.metadata.tables import PROJECT, VERSION

_PATH_ID = select(LEAF_PATH.c.id).where(LEAF_PATH.c.path == bindparam("path")).scalar_subquery()
_COLUMNS = ("version_id", "path_id", "key", "collection_id", "entity_id")
_INSERT = plain_insert(VERSION_LEAF).from_select(
    _COLUMNS,
    select(
        VERSION.c.id,
        _PATH_ID,
        bindparam("key", type_=VERSION_LEAF.c.key.type),
        VERSION.c.collection_id,
        PROJECT.c.entity_id,
    )
    .select_from(VERSION.join(PROJECT, PROJECT.c.id == VERSION.c.project_id))
    .where(VERSION.c.id == bindparam("version_id")),
)
_OF_SOURCE = VERSION_LEAF.alias("of_source")
_COPIES = (
    select(
        VERSION.c.id,
        _OF_SOURCE.c.path_id,
        _OF_SOURCE.c.key,
        VERSION.c.collection_id,
        PROJECT.c.entity_id,
    )
    .select_from(VERSION.join(PROJECT, PROJECT.c.id == VERSION.c.project_id))
    .join(_OF_SOURCE, _OF_SOURCE.c.version_id == VERSION.c.source_version_id)
)
_COPY_TO_LINKS = plain_insert(VERSION_LEAF).from_select(
    _COLUMNS, _COPIES.where(VERSION.c.source_version_id == bindparam("source_id"))
)
_COPY_TO_LINK = plain_insert(VERSION_LEAF).from_select(
    _COLUMNS, _COPIES.where(VERSION.c.id == bindparam("link_id"))
)
_WITH_LINKS = select(VERSION.c.id).where(
    or_(
        VERSION.c.id == bindparam("version_id"),
        VERSION.c.source_version_id == bindparam("version_id"),
    )
)
_DELETE = delete(VERSION_LEAF).where(VERSION_LEAF.c.version_id.in_(_WITH_LINKS))


class SqlLeaves:
    """Rows of leaves, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert(self, version_id: int, metadata_json: str) -> None:
        """Add the leaves of a version that has none yet, nor any links."""
        leaves = leaves_of(metadata_json)
        if not leaves:
            return
        add_path = insert(self._connection.dialect.name, LEAF_PATH).values(path=bindparam("path"))
        paths = [{"path": path} for path in dict.fromkeys(leaf.path for leaf in leaves)]
        await self._connection.execute(add_path.on_conflict_do_nothing(), paths)
        await self._connection.execute(
            _INSERT,
            [{"version_id": version_id, "path": leaf.path, "key": leaf.key} for leaf in leaves],
        )

    async def replace(self, version_id: int, metadata_json: str) -> None:
        """Replace the leaves of a version, and with them those of its links."""
        await self._connection.execute(_DELETE, {"version_id": version_id})
        await self.insert(version_id, metadata_json)
        await self._connection.execute(_COPY_TO_LINKS, {"source_id": version_id})

    async def copy_to_link(self, link_id: int) -> None:
        """Add the leaves of its source to a link that has none yet."""
        await self._connection.execute(_COPY_TO_LINK, {"link_id": link_id})
