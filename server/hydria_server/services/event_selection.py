"""Which events somebody wants: Watch, ListEvents, webhooks."""

from __future__ import annotations

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventFilter, EventScope
from hydria_server.domain.names import canonical_project, require_name
from hydria_server.domain.records import EventRecord
from hydria_server.storage.metadata.interface import Rows

MAX_NAMES = 100


def checked_filter(filter_: EventFilter) -> EventFilter:
    """Return a filter whose names are as they are kept.

    Raises:
        FieldViolationError: there are collections without a project, or too many names.
        NameInvalidError: a name breaks the rules.
    """
    if filter_.collections and not filter_.project:
        raise FieldViolationError("filter.collections", "name the project that they are in, too")
    for field, names in (("collections", filter_.collections), ("aliases", filter_.aliases)):
        if len(names) > MAX_NAMES:
            raise FieldViolationError(f"filter.{field}", f"there are more than {MAX_NAMES}")
        for name in names:
            require_name(name, field=f"filter.{field}")
    if not filter_.project:
        return filter_
    project = canonical_project(require_name(filter_.project, field="filter.project"))
    return EventFilter(project, filter_.collections, filter_.aliases, filter_.types)


class Selection:
    """Tells which events of one entity a filter selects.

    What is selected stays so under a new name, and what gets a name of the filter is selected from
    then on: names may be those of things that are yet to be made.
    """

    def __init__(self, filter_: EventFilter, scope: EventScope) -> None:
        self._filter = filter_
        self._types = frozenset(filter_.types)
        self._aliases = frozenset(filter_.aliases)
        self._collections = frozenset(filter_.collections)
        self._project_ids = set(scope.project_ids or ())
        self._collection_ids = set(scope.collection_ids or ())

    @classmethod
    async def find(cls, rows: Rows, entity_id: int, filter_: EventFilter) -> Selection:
        """Return the selection by a checked filter."""
        return cls(filter_, await rows.event_queries.scope(entity_id, filter_))

    def wants(self, event: EventRecord) -> bool:
        """Tell whether an event is selected. Events are to be asked about in their order."""
        return (
            (not self._filter.project or self._is_in_project(event))
            and (not self._collections or self._is_of_collection(event))
            and (not self._types or event.type in self._types)
            and (not self._aliases or event.data.get("alias") in self._aliases)
        )

    def _is_in_project(self, event: EventRecord) -> bool:
        if event.project_id in self._project_ids:
            return True
        named = [event.data.get("project")]
        if event.type is EventType.REGISTRY_RENAMED:
            named.append(event.data.get("new_name"))
        if event.project_id is None or self._filter.project not in named:
            return False
        self._project_ids.add(event.project_id)
        return True

    def _is_of_collection(self, event: EventRecord) -> bool:
        if event.collection_id in self._collection_ids:
            return True
        named = {str(event.data.get("collection"))}
        if event.type is EventType.COLLECTION_RENAMED:
            named.add(str(event.data.get("new_name")))
        if event.collection_id is None or self._collections.isdisjoint(named):
            return False
        self._collection_ids.add(event.collection_id)
        return True
