"""Searches over all projects and registries of an entity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.filters import And, Comparison, Operator, Page, Query
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.names import canonical_project, require_name
from hydria_server.domain.records import CollectionRecord, VersionRecord
from hydria_server.domain.refs import CollectionName
from hydria_server.services.filter_parsing import Fields, Kind
from hydria_server.services.listings import (
    BY_NAME,
    COLLECTION_FIELDS,
    NEWEST_FIRST,
    VERSION_FIELDS,
    Listed,
    Listings,
    ListRequest,
    only_live,
    project_id,
)
from hydria_server.services.resolving import require_collection
from hydria_server.storage.metadata.interface import Rows

T = TypeVar("T")

SEARCHED_VERSION_FIELDS: Fields = {**VERSION_FIELDS, "project": Kind.TEXT}
SEARCHED_COLLECTION_FIELDS: Fields = {
    **COLLECTION_FIELDS,
    "project": Kind.TEXT,
    "description": Kind.TEXT,
}


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Where to search: an entity, one project or registry of it, or one collection of that.

    `kind` is of the collections: versions are in sequences, links in portfolios; None for both.
    """

    entity: str
    project: str = ""
    collection: str = ""
    kind: CollectionKind | None = None

    def __str__(self) -> str:
        kind = self.kind.name if self.kind else ""
        return f"{self.entity}/{self.project}/{self.collection} {kind}"


class Search:
    """Answers searches. An entity that nobody used yet has nothing in it."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings

    async def versions(self, scope: SearchScope, request: ListRequest) -> Listed[VersionRecord]:
        """Find versions and links. Deleted ones are left out unless the filter names `state`.

        Raises:
            NameInvalidError, FieldViolationError, FilterInvalidError, PageTokenInvalidError.
            NotFoundError: there is no such project or collection.
        """
        _require_names(scope)

        async def page(rows: Rows, query: Query) -> Page[VersionRecord]:
            wanted = only_live(_of_kind(query, scope))
            if not scope.project:
                return await _in_entity(rows, scope, lambda id_: rows.search.versions(id_, wanted))
            of_project = await project_id(rows, scope.entity, scope.project)
            if not scope.collection:
                return await rows.listings.versions(of_project, None, wanted)
            name = CollectionName(scope.entity, canonical_project(scope.project), scope.collection)
            found = await require_collection(rows, name)
            return await rows.listings.versions(of_project, found.id, wanted)

        return await self._listings.page(
            f"search versions {scope}", request, SEARCHED_VERSION_FIELDS, NEWEST_FIRST, page
        )

    async def collections(
        self, scope: SearchScope, request: ListRequest
    ) -> Listed[CollectionRecord]:
        """Find live collections and registered models.

        Raises:
            NameInvalidError, FieldViolationError, FilterInvalidError, PageTokenInvalidError.
            NotFoundError: there is no such project.
        """
        _require_names(scope)

        async def page(rows: Rows, query: Query) -> Page[CollectionRecord]:
            wanted = _of_kind(query, scope)
            if scope.project:
                of_project = await project_id(rows, scope.entity, scope.project)
                return await rows.listings.collections(of_project, wanted)
            return await _in_entity(rows, scope, lambda id_: rows.search.collections(id_, wanted))

        return await self._listings.page(
            f"search collections {scope}", request, SEARCHED_COLLECTION_FIELDS, BY_NAME, page
        )


def _require_names(scope: SearchScope) -> None:
    require_name(scope.entity, field="entity")
    if scope.project:
        require_name(scope.project, field="project")
    if scope.collection:
        require_name(scope.collection, field="collection")
        if not scope.project:
            raise FieldViolationError("collection", "name its project too")


def _of_kind(query: Query, scope: SearchScope) -> Query:
    if scope.kind is None:
        return query
    kind = Comparison("kind", Operator.EQ, scope.kind.name)
    return replace(query, filter=kind if query.filter is None else And((query.filter, kind)))


async def _in_entity(
    rows: Rows, scope: SearchScope, search: Callable[[int], Awaitable[Page[T]]]
) -> Page[T]:
    found = await rows.names.entity(scope.entity)
    return await search(found.id) if found else Page((), None)
