"""Lists of projects, types, collections and versions: filtered, ordered, paged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hydria_server.domain.errors import NotFoundError
from hydria_server.domain.filters import And, Comparison, Filter, Operator, OrderTerm, Page, Query
from hydria_server.domain.names import canonical_project, require_name
from hydria_server.domain.records import (
    CollectionRecord,
    ProjectRecord,
    TypeRecord,
    VersionRecord,
    VersionState,
)
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.registries import RegistryRecord
from hydria_server.services.filter_parsing import Fields, Kind, mentions, parse_filter, parse_order
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit
from hydria_server.services.resolving import require_collection
from hydria_server.storage.metadata.interface import MetadataStore, Rows

T = TypeVar("T")

PROJECT_FIELDS: Fields = {"name": Kind.TEXT, "created_at": Kind.TIME}
TYPE_FIELDS: Fields = PROJECT_FIELDS
COLLECTION_FIELDS: Fields = {
    "name": Kind.TEXT,
    "type": Kind.TEXT,
    "alias": Kind.SET,
    "tag": Kind.SET,
    "created_at": Kind.TIME,
    "updated_at": Kind.TIME,
}
VERSION_FIELDS: Fields = {
    **COLLECTION_FIELDS,
    "state": Kind.STATE,
    "version": Kind.NUMBER,
    "size_bytes": Kind.NUMBER,
    "file_count": Kind.NUMBER,
}
REGISTRY_FIELDS: Fields = {
    "name": Kind.TEXT,
    "type": Kind.SET,
    "created_at": Kind.TIME,
    "updated_at": Kind.TIME,
}
_BY_NAME = OrderTerm("name")
_NEWEST_FIRST = OrderTerm("created_at", descending=True)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What every list takes."""

    filter: str = ""
    order_by: str = ""
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page."""

    items: tuple[T, ...]
    next_page_token: str


class Listings:
    """Answers list calls. A project or entity that nobody used yet has nothing in it."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata

    async def projects(self, entity: str, request: ListRequest) -> Listed[ProjectRecord]:
        """List an entity's projects.

        Raises:
            NameInvalidError, FieldViolationError, FilterInvalidError, PageTokenInvalidError.
        """
        require_name(entity, field="entity")

        async def page(rows: Rows, query: Query) -> Page[ProjectRecord]:
            found = await rows.names.entity(entity)
            return await rows.listings.projects(found.id, query) if found else Page((), None)

        return await self._list(f"projects {entity}", request, PROJECT_FIELDS, _BY_NAME, page)

    async def types(self, entity: str, project: str, request: ListRequest) -> Listed[TypeRecord]:
        """List the types in use in a project.

        Raises:
            As `projects`; NotFoundError: there is no such project.
        """
        scope = f"types {entity}/{project}"

        async def page(rows: Rows, query: Query) -> Page[TypeRecord]:
            return await rows.listings.types(await _project(rows, entity, project), query)

        return await self._list(scope, request, TYPE_FIELDS, _BY_NAME, page)

    async def collections(
        self, entity: str, project: str, request: ListRequest
    ) -> Listed[CollectionRecord]:
        """List a project's collections.

        Raises:
            As `types`.
        """
        scope = f"collections {entity}/{project}"

        async def page(rows: Rows, query: Query) -> Page[CollectionRecord]:
            return await rows.listings.collections(await _project(rows, entity, project), query)

        return await self._list(scope, request, COLLECTION_FIELDS, _BY_NAME, page)

    async def versions(
        self, entity: str, project: str, collection: str, request: ListRequest
    ) -> Listed[VersionRecord]:
        """List the versions of a collection, or of a project where `collection` is empty.

        Deleted ones are left out unless the filter names `state`.

        Raises:
            As `types`; NotFoundError: there is no such collection.
        """
        if collection:
            require_name(collection, field="collection")
        scope = f"versions {entity}/{project}/{collection}"

        async def page(rows: Rows, query: Query) -> Page[VersionRecord]:
            project_id = await _project(rows, entity, project)
            if not collection:
                return await rows.listings.versions(project_id, None, _live(query))
            name = CollectionName(entity, canonical_project(project), collection)
            found = await require_collection(rows, name)
            return await rows.listings.versions(project_id, found.id, _live(query))

        return await self._list(scope, request, VERSION_FIELDS, _NEWEST_FIRST, page)

    async def registries(self, entity: str, request: ListRequest) -> Listed[RegistryRecord]:
        """List an entity's registries.

        Raises:
            As `projects`.
        """
        require_name(entity, field="entity")

        async def page(rows: Rows, query: Query) -> Page[RegistryRecord]:
            found = await rows.names.entity(entity)
            return await rows.registries.page(found.id, query) if found else Page((), None)

        return await self._list(f"registries {entity}", request, REGISTRY_FIELDS, _BY_NAME, page)

    async def links(self, source: VersionRecord, request: ListRequest) -> Listed[VersionRecord]:
        """List the links to a version, in all registries.

        Raises:
            FilterInvalidError, PageTokenInvalidError.
        """

        async def page(rows: Rows, query: Query) -> Page[VersionRecord]:
            return await rows.links.page(source.id, _live(query))

        return await self._list(f"links {source.id}", request, VERSION_FIELDS, _NEWEST_FIRST, page)

    async def _list(
        self,
        scope: str,
        request: ListRequest,
        fields: Fields,
        default_order: OrderTerm,
        page: Callable[[Rows, Query], Awaitable[Page[T]]],
    ) -> Listed[T]:
        bound_to = f"{scope}\0{request.filter}\0{request.order_by}"
        query = Query(
            filter=parse_filter(request.filter, fields),
            order=parse_order(request.order_by, fields, default_order),
            after=decode_token(request.page_token, bound_to=bound_to),
            limit=page_limit(request.page_size),
        )
        found = await self._metadata.read(lambda rows: page(rows, query))
        return Listed(found.items, encode_token(found.next_cursor, bound_to=bound_to))


async def _project(rows: Rows, entity: str, project: str) -> int:
    require_name(entity, field="entity")
    require_name(project, field="project")
    found = await rows.names.project(entity, canonical_project(project))
    if found is None:
        raise NotFoundError(f"there is no project {entity}/{project}")
    return found.id


def _live(query: Query) -> Query:
    if mentions(query.filter, "state"):
        return query
    live: Filter = Comparison("state", Operator.EQ, VersionState.COMMITTED.name)
    both = live if query.filter is None else And((live, query.filter))
    return Query(both, query.order, query.after, query.limit)
