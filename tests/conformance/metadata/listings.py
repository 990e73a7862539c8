"""What must be true of lists: filters, orders and pages."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import pytest

from hydria_server.domain.errors import FilterInvalidError, PageTokenInvalidError
from hydria_server.domain.filters import (
    And,
    Comparison,
    Cursor,
    Filter,
    Not,
    Operator,
    Or,
    OrderTerm,
    Page,
    Query,
)
from hydria_server.domain.records import (
    CollectionRecord,
    TypeRecord,
    VersionRecord,
)
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from tests.conformance.metadata.given import Line, a_line, a_version, in_one_write
from tests.examples_tried import of_examples

T = TypeVar("T")
EQ, NE, LT, LE, GT, GE, HAS = Operator


def query(
    filter_: Filter | None = None,
    *order: str,
    after: Cursor | None = None,
    limit: int = 100,
) -> Query:
    """Return a query; a field in `order` that begins with `-` goes down."""
    terms = tuple(OrderTerm(name.lstrip("-"), name.startswith("-")) for name in order)
    return Query(filter_, terms, after, limit)


async def all_pages(
    page: Callable[[Query], Awaitable[Page[T]]],
    filter_: Filter | None = None,
    *order: str,
    limit: int,
) -> list[T]:
    """Return the items of all pages, each of which but the last is full."""
    items: list[T] = []
    after: Cursor | None = None
    while True:
        found = await page(query(filter_, *order, after=after, limit=limit))
        items.extend(found.items)
        if found.next_cursor is None:
            return items
        assert len(found.items) == limit
        after = found.next_cursor


def key_of(version: VersionRecord, field: str) -> str | int:
    keys: dict[str, str | int] = {
        "name": version.collection,
        "type": version.type,
        "created_at": version.created_at_us,
        "updated_at": version.updated_at_us,
        "version": version.number,
        "size_bytes": version.size_bytes,
        "file_count": version.file_count,
        "state": version.state.name,
    }
    return keys[field]


def like(text: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def agrees(version: VersionRecord, filter_: Filter) -> bool:
    """Read a filter plainly, as a second opinion."""
    match filter_:
        case And(terms):
            return all(agrees(version, term) for term in terms)
        case Or(terms):
            return any(agrees(version, term) for term in terms)
        case Not(term):
            return not agrees(version, term)
        case Comparison(("alias" | "tag") as field, operator, str(value)):
            names = version.aliases if field == "alias" else version.tags
            return any(like(name, value) for name in names) is not (operator is NE)
        case Comparison(field, operator, str(value)):
            text = str(key_of(version, field))
            orders = {LT: text < value, LE: text <= value, GT: text > value, GE: text >= value}
            same = like(text, value)
            return {EQ: same, HAS: same, NE: not same, **orders}[operator]
        case Comparison(field, operator, int(value)):
            number = int(key_of(version, field))
            orders = {
                LT: number < value,
                LE: number <= value,
                GT: number > value,
                GE: number >= value,
            }
            return {EQ: number == value, HAS: number == value, NE: number != value, **orders}[
                operator
            ]
    raise AssertionError(filter_)


def in_order(versions: Sequence[VersionRecord], order: Sequence[str]) -> list[VersionRecord]:
    """Sort plainly: by the last key first, the id before all."""
    items = sorted(versions, key=lambda v: v.id, reverse=bool(order) and order[-1].startswith("-"))
    for term in reversed(order):
        items.sort(key=lambda v: key_of(v, term.lstrip("-")), reverse=term.startswith("-"))
    return items


def random_filter(dice: random.Random, depth: int = 0) -> Filter:
    if depth < 3 and dice.random() < 0.5:
        terms = tuple(random_filter(dice, depth + 1) for _ in range(dice.randint(1, 3)))
        kinds: list[Filter] = [And(terms), Or(terms), Not(terms[0])]
        return dice.choice(kinds)
    texts = ["cats", "dogs", "c*", "*s", "*", "a_b", "a%b", "[ab]", "t1", "t*", "latest", "l*t", ""]
    match dice.choice(["text", "names", "state", "number"]):
        case "text":
            field = dice.choice(["name", "type"])
            return Comparison(field, dice.choice([EQ, NE, HAS]), dice.choice(texts))
        case "names":
            field = dice.choice(["alias", "tag"])
            return Comparison(field, dice.choice([EQ, NE, HAS]), dice.choice(texts))
        case "state":
            return Comparison(
                "state", dice.choice([EQ, NE]), dice.choice(["COMMITTED", "DEL*", "x"])
            )
    field = dice.choice(["created_at", "updated_at", "version", "size_bytes", "file_count"])
    return Comparison(field, dice.choice(list(Operator)), dice.randint(0, 6))


async def a_gallery(rows: Rows) -> Line:
    """Fill a project with versions that differ in everything, and others beside it."""
    dice = random.Random(1)
    lines = [
        await a_line(rows, collection=name, type_=type_)
        for name, type_ in (("cats", "dataset"), ("a_b", "model"), ("a%b", "model"), ("[ab]", "t*"))
    ]
    stranger = await a_line(rows, project="audio")
    for line in [*lines, stranger]:
        versions = [
            await a_version(
                rows,
                line.collection_id,
                tags=dice.sample(["t1", "t2", "a_b", "axb", "a%b"], dice.randint(0, 3)),
                size_bytes=dice.randint(0, 5),
                file_count=dice.randint(0, 5),
                created_at_us=dice.randint(0, 5),
            )
            for _ in range(12)
        ]
        for alias in ("latest", "lt", "a_b", "prod"):
            target = dice.choice(versions)
            await rows.aliases.point(line.collection_id, alias, target.id, now_us=1)
        await rows.versions.mark_deleted([v.id for v in dice.sample(versions, 3)], now_us=2)
    return lines[0]


class VersionLists:
    @pytest.mark.random
    async def test_filters_mean_what_a_plain_reading_says(self, store: MetadataStore) -> None:
        line = await store.write(a_gallery)
        dice = random.Random(2)

        async def check(rows: Rows) -> None:
            for scope in (None, line.collection_id):
                page = partial(rows.listings.versions, line.project_id, scope)
                everything = (await page(query())).items
                assert len(everything) == (48 if scope is None else 12)
                for _ in range(of_examples(150)):
                    filter_ = random_filter(dice)
                    listed = (await page(query(filter_))).items
                    expected = [version for version in everything if agrees(version, filter_)]
                    assert list(listed) == expected, filter_

        await store.read(check)

    @pytest.mark.parametrize(
        "order",
        [
            (),
            ("-created_at",),
            ("created_at",),
            ("version",),
            ("-name", "-version"),
            ("name", "-created_at"),
            ("-type", "size_bytes", "-file_count"),
            ("updated_at", "name", "size_bytes", "-version"),
        ],
        ids=lambda order: ",".join(order) or "id",
    )
    async def test_pages_put_together_are_the_whole_list_in_order(
        self, store: MetadataStore, order: Sequence[str]
    ) -> None:
        line = await store.write(a_gallery)
        committed = Comparison("state", EQ, "COMMITTED")

        async def check(rows: Rows) -> None:
            page = partial(rows.listings.versions, line.project_id, None)
            everything = (await page(query(committed))).items
            for limit in (1, 5, 36, 37):
                listed = await all_pages(page, committed, *order, limit=limit)
                assert listed == in_order(everything, order)

        await store.read(check)

    @in_one_write
    async def test_what_like_and_glob_treat_as_special_is_literal(self, rows: Rows) -> None:
        line = await a_line(rows)
        odd = ["100%", "100x", "a_b", "axb", "[ab]", "a", "q?", "qq", "A*", "[a", "^a", "[^a]", "]"]
        ids = {tag: (await a_version(rows, line.collection_id, tags=[tag])).id for tag in odd}

        async def tagged(pattern: str) -> set[str]:
            filter_ = Comparison("tag", HAS, pattern)
            page = await rows.listings.versions(line.project_id, None, query(filter_))
            return {tag for tag in odd if ids[tag] in {version.id for version in page.items}}

        assert await tagged("100%*") == {"100%"}
        assert await tagged("*_*") == {"a_b"}
        assert await tagged("[ab]*") == {"[ab]"}
        assert await tagged("*[^a]") == {"[^a]"}
        assert await tagged("[a*") == {"[ab]", "[a"}
        assert await tagged("*?") == {"q?"}
        assert await tagged("*]") == {"[ab]", "[^a]", "]"}
        assert await tagged("a*") == {"a_b", "axb", "a"}, "case matters"
        assert await tagged("*") == set(odd)
        assert await tagged("**a**") == {"a_b", "axb", "[ab]", "a", "[a", "^a", "[^a]"}

    @in_one_write
    async def test_a_page_ends_before_it_is_too_large_for_a_response(self, rows: Rows) -> None:
        line = await a_line(rows)
        large = '{"text": "' + "é" * 400_000 + '"}'  # 800 kB
        made = [await a_version(rows, line.collection_id, metadata_json=large) for _ in range(5)]
        await a_version(rows, line.collection_id, description="é" * 1_200_000)

        sizes = []
        after: Cursor | None = None
        while True:
            page = await rows.listings.versions(
                line.project_id, None, query(None, "version", after=after)
            )
            sizes.append(len(page.items))
            after = page.next_cursor
            if after is None:
                break

        assert sizes == [2, 2, 1, 1], "a larger one comes alone"
        assert made[0].metadata_json == large

    @in_one_write
    async def test_what_does_not_fit_the_fields_is_refused(self, rows: Rows) -> None:
        line = await a_line(rows)
        page = partial(rows.listings.versions, line.project_id, None)
        deep: Filter = Comparison("name", EQ, "cats")
        for _ in range(2_000):
            deep = Not(deep)

        for filter_ in (
            Comparison("color", EQ, "red"),
            Comparison("version", EQ, "one"),
            Comparison("version", EQ, 1 << 63),
            Comparison("name", EQ, 1),
            Comparison("alias", LT, "a"),
            Comparison("state", GT, "COMMITTED"),
            deep,
        ):
            with pytest.raises(FilterInvalidError):
                await page(query(filter_))
        for order in ("color", "alias", "state"):
            with pytest.raises(FilterInvalidError):
                await page(query(None, order))

    @in_one_write
    async def test_a_cursor_that_was_not_made_for_this_order_is_refused(self, rows: Rows) -> None:
        line = await a_line(rows)
        cursors: list[Cursor] = [
            (),
            (1,),
            (1, 2, 3),
            ("a", 1),
            (1, "a"),
            (1 << 63, 1),
            (1, -(1 << 63) - 1),
        ]

        for after in cursors:
            with pytest.raises(PageTokenInvalidError):
                await rows.listings.versions(
                    line.project_id, None, query(None, "created_at", after=after)
                )
        with pytest.raises(PageTokenInvalidError):
            await rows.listings.versions(
                line.project_id, None, query(None, "name", after=("\ud800", 1))
            )

    @in_one_write
    async def test_a_filter_may_have_hundreds_of_terms(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id, tags=["a"])
        page = partial(rows.listings.versions, line.project_id, None)
        term = Comparison("tag", HAS, "a")
        other = Comparison("tag", HAS, "b")

        assert (await page(query(And((term,) * 700)))).items == (version,)
        assert (await page(query(Or((*(other,) * 700, term))))).items == (version,)


class OtherLists:
    @in_one_write
    async def test_collections_are_listed_while_they_live(self, rows: Rows) -> None:
        cats = await a_line(rows, collection="cats", now_us=30)
        dogs = await a_line(rows, collection="dogs", now_us=20)
        fish = await a_line(rows, collection="fish", type_="model", now_us=10)
        gone = await a_line(rows, collection="gone", now_us=10)
        await a_line(rows, project="audio")
        version = await a_version(rows, dogs.collection_id)
        await rows.aliases.point(dogs.collection_id, "latest", version.id, now_us=5)
        await rows.names.update_collection(
            fish.collection_id, description=None, tags=["wet"], now_us=50
        )
        await rows.names.delete_collection(gone.collection_id, now_us=5)

        page = partial(rows.listings.collections, cats.project_id)

        async def names(filter_: Filter | None, *order: str, limit: int = 2) -> list[str]:
            found: list[CollectionRecord] = await all_pages(page, filter_, *order, limit=limit)
            return [collection.name for collection in found]

        assert await names(None, "name") == ["cats", "dogs", "fish"]
        assert await names(None, "-created_at") == ["cats", "dogs", "fish"]
        assert await names(None, "-updated_at") == ["fish", "cats", "dogs"]
        assert await names(None, "type", "-name") == ["dogs", "cats", "fish"]
        assert await names(Comparison("type", EQ, "model")) == ["fish"]
        assert await names(Comparison("alias", HAS, "latest")) == ["dogs"]
        assert await names(Comparison("tag", HAS, "w*")) == ["fish"]
        assert await names(Not(Comparison("tag", HAS, "*")), "name") == ["cats", "dogs"]
        assert await names(Comparison("name", NE, "*s"), "name") == ["fish"]
        assert await names(Comparison("created_at", LE, 20), "name") == ["dogs", "fish"]
        assert await names(Comparison("updated_at", GT, 30), "name") == ["fish"]
        listed = (await page(query(None, "name"))).items
        assert listed[1] == await rows.names.collection_by_id(dogs.collection_id)

    @in_one_write
    async def test_projects_are_listed_with_their_counts(self, rows: Rows) -> None:
        line = await a_line(rows, project="vision", now_us=30)
        await a_line(rows, project="vision", collection="dogs")
        await a_line(rows, project="audio", now_us=40)
        await a_line(rows, project="text", now_us=20)
        await a_line(rows, entity="other", project="vision")

        page = partial(rows.listings.projects, line.entity.id)
        by_name = await all_pages(page, None, "name", limit=2)
        newest = await all_pages(page, None, "-created_at", limit=1)
        some = await all_pages(page, Comparison("name", EQ, "*i*"), "name", limit=9)

        assert [project.name for project in by_name] == ["audio", "text", "vision"]
        assert [project.collection_count for project in by_name] == [1, 1, 2]
        assert [project.name for project in newest] == ["audio", "vision", "text"]
        assert [project.name for project in some] == ["audio", "vision"]
        assert by_name[2] == await rows.names.project("acme", "vision")

    @in_one_write
    async def test_types_are_those_of_live_collections(self, rows: Rows) -> None:
        line = await a_line(rows, collection="cats", type_="dataset", now_us=30)
        await a_line(rows, collection="dogs", type_="dataset", now_us=20)
        await a_line(rows, collection="yolo", type_="model", now_us=40)
        gone = await a_line(rows, collection="gone", type_="report", now_us=10)
        await a_line(rows, project="audio", type_="song")
        await rows.names.delete_collection(gone.collection_id, now_us=5)

        page = partial(rows.listings.types, line.project_id)
        datasets, models = TypeRecord("dataset", 2, 20), TypeRecord("model", 1, 40)

        assert await all_pages(page, None, "name", limit=1) == [datasets, models]
        assert await all_pages(page, None, "-created_at", limit=1) == [models, datasets]
        assert await all_pages(page, Comparison("name", HAS, "m*"), limit=1) == [models]
        assert await all_pages(page, Comparison("created_at", LT, 40), limit=1) == [datasets]


class ListingsContract(VersionLists, OtherLists):
    """Everything about lists."""
