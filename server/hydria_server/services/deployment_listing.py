"""Lists of deployments: who runs what, since when, and who is behind the alias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hydria_server.domain.deployments import DeploymentRecord, DeploymentScope, DeploymentState
from hydria_server.domain.errors import FieldViolationError, FilterInvalidError, NotFoundError
from hydria_server.domain.filters import (
    And,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    OrderTerm,
    Page,
    Query,
)
from hydria_server.domain.names import canonical_project, require_name
from hydria_server.domain.refs import CollectionName
from hydria_server.services.filter_parsing import Fields, Kind, mentions
from hydria_server.services.listings import Listed, Listings, ListRequest
from hydria_server.services.resolving import require_collection
from hydria_server.services.sessions import Clock
from hydria_server.storage.metadata.interface import MetadataStore, Rows

DEPLOYMENT_FIELDS: Fields = {
    "name": Kind.TEXT,
    "host": Kind.TEXT,
    "state": Kind.TEXT,
    "version": Kind.NUMBER,
    "alias": Kind.TEXT,
    "label": Kind.SET,
    "current": Kind.TEXT,
    "created_at": Kind.TIME,
    "updated_at": Kind.TIME,
    "expires_at": Kind.TIME,
}
_NEWEST_FIRST = OrderTerm("updated_at", descending=True)
_VALUES: Mapping[str, tuple[str, ...]] = {
    "state": tuple(DeploymentState.__members__),
    "current": ("true", "false"),
}
_UNENDED = Comparison("state", Operator.NE, DeploymentState.ENDED.name)


class DeploymentListing(Listings):
    """Answers ListDeployments, as all list calls are answered."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        super().__init__(metadata)
        self._clock = clock

    async def list(
        self, entity: str, project: str, collection: str, request: ListRequest
    ) -> Listed[DeploymentRecord]:
        """List deployments of a collection, a project, or an entity, by what is not empty.

        Those that ended are left out unless the filter names `state`.

        Raises:
            FieldViolationError, NameInvalidError: a name is malformed or missing.
            FilterInvalidError, PageTokenInvalidError.
            NotFoundError: there is no such project or collection.
        """
        _require_names(entity, project, collection)
        scope = f"deployments {entity}/{project}/{collection}"
        now = self._clock()

        async def page(rows: Rows, query: Query) -> Page[DeploymentRecord]:
            _require_known_values(query.filter)
            found = await _scope(rows, entity, project, collection)
            if found is None:
                return Page((), None)
            return await rows.deployments.page(found, _only_unended(query), now_us=now)

        return await self.page(scope, request, DEPLOYMENT_FIELDS, _NEWEST_FIRST, page)


def _only_unended(query: Query) -> Query:
    """Return the query for what has not ended, unless the filter names the state."""
    if mentions(query.filter, "state"):
        return query
    return replace(query, filter=And((_UNENDED, query.filter)) if query.filter else _UNENDED)


def _require_names(entity: str, project: str, collection: str) -> None:
    require_name(entity, field="entity")
    if project:
        require_name(project, field="project")
    if collection:
        require_name(collection, field="collection")
        if not project:
            raise FieldViolationError("project", "it is empty; name where the collection is")


async def _scope(rows: Rows, entity: str, project: str, collection: str) -> DeploymentScope | None:
    """Return what to list; an entity that nobody used yet has no deployments."""
    owner = await rows.names.entity(entity)
    if not project:
        return DeploymentScope(owner.id) if owner else None
    kept = canonical_project(project)
    found = await rows.names.project(entity, kept)
    if found is None:
        raise NotFoundError(f"there is no project or registry {entity}/{project}")
    if not collection:
        return DeploymentScope(found.entity_id, found.id)
    name = CollectionName(entity, kept, collection)
    model = await require_collection(rows, name)
    return DeploymentScope(model.entity_id, model.project_id, model.id)


def _require_known_values(filter_: Filter | None) -> None:
    """Return when what is compared with `state` and `current` is one of their values.

    Raises:
        FilterInvalidError: it is not.
    """
    match filter_:
        case And(terms) | Or(terms):
            for term in terms:
                _require_known_values(term)
        case Not(term):
            _require_known_values(term)
        case Comparison(field, _, value) if field in _VALUES and value not in _VALUES[field]:
            known = " or ".join(_VALUES[field])
            raise FilterInvalidError(f"filter: {field} is {known}, not {str(value)[:80]!r}")
