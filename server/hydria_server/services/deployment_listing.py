"""Lists of deployments: who runs what, since when, and who is behind the alias."""

from __future__ import annotations

from collections.abc import Mapping

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
from hydria_server.services.filter_parsing import Fields, Kind, mentions, parse_filter, parse_order
from hydria_server.services.listings import Listed, ListRequest
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
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


class DeploymentListing:
    """Answers ListDeployments."""

    def __init__(self, metadata: MetadataStore, clock: Clock) -> None:
        self._metadata = metadata
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
        bound_to = f"{scope}\0{request.filter}\0{request.order_by}"
        wanted = parse_filter(request.filter, DEPLOYMENT_FIELDS)
        _require_known_values(wanted)
        if not mentions(wanted, "state"):
            wanted = _UNENDED if wanted is None else And((_UNENDED, wanted))
        query = Query(
            filter=wanted,
            order=parse_order(request.order_by, DEPLOYMENT_FIELDS, _NEWEST_FIRST),
            after=decode_token(request.page_token, bound_to=bound_to),
            limit=page_limit(request.page_size),
        )
        now = self._clock()

        async def page(rows: Rows) -> Page[DeploymentRecord]:
            found = await _scope(rows, entity, project, collection)
            return await rows.deployments.page(found, query, now_us=now) if found else _NOTHING

        found = await self._metadata.read(page)
        return Listed(found.items, encode_token(found.next_cursor, bound_to=bound_to))


_NOTHING: Page[DeploymentRecord] = Page((), None)


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
