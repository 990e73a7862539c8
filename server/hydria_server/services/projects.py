"""Projects, made where they are used first."""

from __future__ import annotations

from hydria_server.domain.event_types import EventType
from hydria_server.services.history import History
from hydria_server.storage.metadata.interface import Rows


async def ensure_project(
    rows: Rows, history: History, entity: str, project: str, *, now_us: int
) -> int:
    """Return the id of a project of an entity that exists; make the project if need be."""
    found = await rows.names.project(entity, project)
    if found is not None:
        return found.id
    owner = await rows.names.ensure_entity(entity, now_us=now_us)
    project_id = await rows.names.create_project(owner.id, project, now_us=now_us)
    history.add(EventType.PROJECT_CREATED, project_id=project_id, project=project)
    return project_id
