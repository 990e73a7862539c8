"""Histories of entities, cut short by hand."""

from __future__ import annotations

from hydria_server.storage.metadata.interface import Rows
from tests.servers import Server


async def forget_all(server: Server, name: str) -> None:
    """Let the history of an entity begin anew."""

    async def forget(rows: Rows) -> None:
        entity = await rows.names.entity(name)
        assert entity
        last = (await rows.events.bounds(entity.id)).last
        await rows.event_queries.forget_before(entity.id, last + 1, limit=last)

    await server.metadata.write(forget)
