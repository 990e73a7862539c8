"""What must be true of searches: over all of an entity, by what its metadata says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

import pytest

from hydria_server.domain.filters import Comparison, Cursor, Filter, Or, OrderTerm, Page, Query
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.leaves import join_path
from hydria_server.domain.links import NewLink
from hydria_server.domain.records import VersionRecord
from hydria_server.services.filter_parsing import parse_filter, parse_order
from hydria_server.services.listings import VERSION_FIELDS
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from tests.conformance.metadata.given import Line, a_line, a_version, in_one_write
from tests.conformance.metadata.listings import EQ, HAS, all_pages
from tests.conformance.metadata.plain_reading import a_document, a_filter, agrees, least
from tests.examples_tried import of_examples

OLDEST_FIRST = OrderTerm("created_at")


def asked(text: str, order_by: str = "", *, after: Cursor | None = None) -> Query:
    """Return a query as users write it."""
    order = parse_order(order_by, VERSION_FIELDS, OLDEST_FIRST)
    return Query(parse_filter(text, VERSION_FIELDS), order, after, 1000)


async def a_library(rows: Rows) -> tuple[Line, list[VersionRecord]]:
    """Return versions of two projects with random metadata; another entity has the same."""
    dice = random.Random(3)
    lines = [
        await a_line(rows, collection=name, project=project)
        for project, name in (("vision", "cats"), ("vision", "dogs"), ("audio", "calls"))
    ]
    stranger = await a_line(rows, entity="other")
    made = []
    for at in range(120):
        document = a_document(dice)
        line = dice.choice(lines)
        made.append(
            await a_version(rows, line.collection_id, metadata_json=document, created_at_us=at)
        )
        await a_version(rows, stranger.collection_id, metadata_json=document)
    return lines[0], made


async def refs(page: Page[VersionRecord]) -> list[str]:
    return [version.ref for version in page.items]


class MetadataFilters:
    @pytest.mark.random
    async def test_filters_by_metadata_mean_what_a_plain_reading_says(
        self, store: MetadataStore
    ) -> None:
        line, made = await store.write(a_library)
        dice = random.Random(4)

        async def check(rows: Rows) -> None:
            for _ in range(of_examples(250)):
                filter_ = a_filter(dice)
                found = await rows.search.versions(line.entity.id, asked(str(filter_)))
                expected = [v for v in made if agrees(v.metadata_json, filter_)]
                assert list(found.items) == expected, filter_
                listed = await rows.listings.versions(
                    line.project_id, line.collection_id, asked(str(filter_))
                )
                here = [v for v in expected if v.collection_id == line.collection_id]
                assert list(listed.items) == here, filter_

        await store.read(check)

    async def test_orders_by_metadata_put_those_without_it_last(self, store: MetadataStore) -> None:
        line, made = await store.write(a_library)

        def sorted_by(path: Sequence[str], *, descending: bool) -> list[VersionRecord]:
            keys = {version.id: least(version.metadata_json, path) for version in made}
            having = [version for version in made if keys[version.id] is not None]
            missing = [version for version in made if keys[version.id] is None]
            if descending:
                having, missing = having[::-1], missing[::-1]
            having.sort(key=lambda version: keys[version.id] or (0, ""), reverse=descending)
            return having + missing

        async def check(rows: Rows) -> None:
            page = partial(rows.search.versions, line.entity.id)
            for path in (("a",), ("b", "a"), ("a.b",)):
                field = f"-{join_path(path)}"
                for descending in (False, True):
                    term = OrderTerm("metadata", descending, join_path(path))
                    expected = sorted_by(path, descending=descending)
                    listed: list[VersionRecord] = []
                    after: Cursor | None = None
                    while True:
                        found = await page(Query(None, (term,), after, 7))
                        listed += found.items
                        if (after := found.next_cursor) is None:
                            break
                    assert listed == expected, field

        await store.read(check)

    @in_one_write
    async def test_metadata_that_changes_is_found_as_it_is_now(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id, metadata_json='{"loss": 0.5, "x": 1}')

        async def count(text: str) -> int:
            return len((await rows.search.versions(line.entity.id, asked(text))).items)

        assert await count("metadata.loss = 0.5") == 1
        await rows.versions.update(
            version.id, description=None, metadata_json='{"loss": 0.25}', tags=None, now_us=9
        )
        assert await count("metadata.loss = 0.5 OR metadata.x:*") == 0
        assert await count("metadata.loss < 0.3") == 1
        await rows.versions.update(
            version.id, description="d", metadata_json=None, tags=["a"], now_us=9
        )
        assert await count("metadata.loss < 0.3") == 1


class EntitySearches:
    @in_one_write
    async def test_links_are_found_by_the_metadata_of_their_source(self, rows: Rows) -> None:
        line = await a_line(rows)
        source = await a_version(rows, line.collection_id, metadata_json='{"acc": 0.9}', tags=["t"])
        link = await a_link(rows, line, source)

        async def found(text: str) -> list[str]:
            return await refs(await rows.search.versions(line.entity.id, asked(text)))

        assert await found("metadata.acc > 0.8") == [source.ref, link.ref]
        await rows.versions.update(
            source.id, description=None, metadata_json='{"acc": 0.1}', tags=["u"], now_us=9
        )
        assert await found("metadata.acc > 0.8") == []
        assert await found("metadata.acc < 0.8 tag:u") == [source.ref, link.ref]

    @in_one_write
    async def test_what_matches_much_and_what_matches_little_are_found_together(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        for at in range(30):
            await a_version(
                rows,
                line.collection_id,
                metadata_json=f'{{"n": {at}, "kind": "common", "span": [{at}, {at + 100}]}}',
                tags=["gold"] if at % 10 == 0 else [],
                size_bytes=at,
                created_at_us=at,
            )
        page = partial(rows.search.versions, line.entity.id)

        async def numbers(text: str) -> list[int]:
            return [version.number for version in (await page(asked(text))).items]

        assert await numbers("metadata.kind = common tag:gold") == [0, 10, 20]
        assert await numbers("metadata.n > 3 metadata.n <= 6") == [4, 5, 6]
        assert await numbers("metadata.span < 2 metadata.span > 100") == [1]
        assert await numbers("size_bytes >= 28 OR metadata.n = 0") == [0, 28, 29]
        assert await numbers("created_at > 1970-01-01T00:00:00.000027Z metadata.kind:c*") == [
            28,
            29,
        ]
        assert await numbers('metadata.kind:"c*" version >= 29') == [29]
        assert await numbers("NOT metadata.kind = common") == []
        assert await numbers("state = DELETED OR version = 7") == [7]

    @in_one_write
    async def test_a_list_of_matches_goes_on_where_its_page_ended(self, rows: Rows) -> None:
        line = await a_line(rows)
        for at in range(25):
            document = f'{{"even": {str(at % 2 == 0).lower()}, "rank": {at % 5}}}'
            await a_version(rows, line.collection_id, metadata_json=document, created_at_us=at)
        page = partial(rows.search.versions, line.entity.id)
        filter_: Filter | None = parse_filter("metadata.even = true", VERSION_FIELDS)

        listed = await all_pages(page, filter_, "-created_at", limit=4)

        assert [version.number for version in listed] == list(range(24, -1, -2))

    @in_one_write
    async def test_collections_of_all_projects_are_found(self, rows: Rows) -> None:
        line = await a_line(rows, collection="cats", type_="dataset")
        await a_line(rows, collection="calls", project="audio", type_="model")
        await a_line(rows, entity="other", collection="cats")
        registry = await rows.names.project("acme", "model-registry")
        assert registry is not None
        await rows.names.create_collection(
            registry.id, "nets", "model", now_us=1, kind=CollectionKind.PORTFOLIO
        )
        await rows.names.update_collection(
            line.collection_id, description="all my cats", tags=["gold"], now_us=2
        )

        async def found(filter_: Filter | None) -> list[str]:
            query_ = Query(filter_, (OrderTerm("name"),), None, 10)
            page = await rows.search.collections(line.entity.id, query_)
            return [each.name for each in page.items]

        in_audio, tagged = Comparison("project", EQ, "audio"), Comparison("tag", HAS, "gold")
        assert await found(None) == ["calls", "cats", "nets"]
        assert await found(Comparison("type", EQ, "model")) == ["calls", "nets"]
        assert await found(Or((in_audio, tagged))) == ["calls", "cats"]
        assert await found(Comparison("description", HAS, "*my*")) == ["cats"]
        assert await found(Comparison("kind", EQ, "PORTFOLIO")) == ["nets"]


async def a_link(rows: Rows, line: Line, source: VersionRecord) -> VersionRecord:
    """Return a link to a version, in a new registered model."""
    registry = await rows.names.project("acme", "model-registry")
    assert registry is not None
    model = await rows.names.create_collection(
        registry.id, "model", "dataset", now_us=1, kind=CollectionKind.PORTFOLIO
    )
    number = await rows.names.take_version_number(model)
    return await rows.links.insert(NewLink(model, number, source.id, created_at_us=9_000))


class SearchContract(MetadataFilters, EntitySearches):
    """Everything about searches."""
