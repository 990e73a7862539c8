"""Rows of protected aliases and of the past of aliases, in every metadata store."""

from __future__ import annotations

from hydria_server.domain.alias_records import AliasHistoryQuery, HeldAlias
from hydria_server.domain.event_types import EventType
from hydria_server.domain.names import MODEL_REGISTRY
from hydria_server.domain.records import AliasMove, EventDraft, VersionState
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import Line, a_line, a_version, in_one_write
from tests.conformance.metadata.registries import a_link


async def moved(rows: Rows, line: Line, alias: str, to: int | None, *, now_us: int) -> None:
    """Write the interval of a move."""
    move = AliasMove(line.collection_id, alias, None, to)
    draft = EventDraft(EventType.ALIAS_SET)
    await rows.events.record(line.entity.id, [draft], [move], actor="me", now_us=now_us)


class ProtectionsContract:
    """`ProtectionRows` and `AliasHistoryRows`."""

    @in_one_write
    async def test_what_is_protected_is_so_where_it_was_said(self, rows: Rows) -> None:
        cats = await a_line(rows)
        dogs = await a_line(rows, collection="dogs")
        await rows.protections.add(cats.project_id, cats.collection_id, ["b", "a", "b"])
        await rows.protections.add(cats.project_id, cats.collection_id, ["a"])
        await rows.protections.add(cats.project_id, None, ["a", "z"])
        assert await rows.protections.of(cats.project_id, cats.collection_id) == ("a", "b")
        assert await rows.protections.of(cats.project_id, None) == ("a", "z")
        for line, protected in ((cats, ("a", "b", "z")), (dogs, ("a", "z"))):
            record = await rows.names.collection_by_id(line.collection_id)
            assert record.protected_aliases == protected
        await rows.protections.remove(cats.project_id, cats.collection_id, ["a", "none"])
        assert await rows.protections.of(cats.project_id, cats.collection_id) == ("b",)

    @in_one_write
    async def test_protected_aliases_hold_versions_links_and_sources(self, rows: Rows) -> None:
        line = await a_line(rows)
        source, other = [await a_version(rows, line.collection_id) for _ in range(2)]
        link = await a_link(rows, source)
        await rows.aliases.point(line.collection_id, "best", other.id, now_us=1)
        await rows.aliases.point(link.collection_id, "production", link.id, now_us=1)
        await rows.aliases.point(link.collection_id, "free", link.id, now_us=1)
        assert await rows.protections.held_by_version(source.id) == []
        await rows.protections.add(link.project_id, None, ["production"])
        await rows.protections.add(line.project_id, line.collection_id, ["best"])
        production = HeldAlias("acme", MODEL_REGISTRY, "felines", "production")
        best = HeldAlias("acme", "vision", "cats", "best")
        assert production.ref == f"acme/{MODEL_REGISTRY}/felines:production"
        assert await rows.protections.held_by_version(source.id) == [production]
        assert await rows.protections.held_by_version(link.id) == [production]
        assert await rows.protections.held_by_version(other.id) == [best]
        assert await rows.protections.held_in_collection(line.collection_id) == [best, production]
        assert await rows.protections.held_in_collection(link.collection_id) == [production]
        await rows.aliases.remove(link.collection_id, "production")
        assert await rows.protections.held_by_version(source.id) == []

    @in_one_write
    async def test_an_interval_has_its_beginning_and_not_its_end(self, rows: Rows) -> None:
        line = await a_line(rows)
        one, two = [await a_version(rows, line.collection_id) for _ in range(2)]
        for now_us, to in ((10, one.id), (20, two.id), (30, None), (40, one.id)):
            await moved(rows, line, "best", to, now_us=now_us)
        holders = [
            await rows.alias_history.holder_at(line.collection_id, "best", time_us)
            for time_us in (9, 10, 19, 20, 29, 30, 39, 40, 1 << 62)
        ]
        assert holders == [None, one.id, one.id, two.id, two.id, None, None, one.id, one.id]
        assert await rows.alias_history.holder_at(line.collection_id, "worst", 10) is None

    @in_one_write
    async def test_the_last_other_holder_is_found_deleted_or_not(self, rows: Rows) -> None:
        line = await a_line(rows)
        versions = [await a_version(rows, line.collection_id) for _ in range(3)]
        for at, version in enumerate(versions):
            await moved(rows, line, "best", version.id, now_us=10 + at)
        await rows.versions.mark_deleted([versions[1].id], now_us=20)
        place = line.collection_id, "best"
        found = [
            await rows.alias_history.last_holder(*place, other_than=other, live=live)
            for other, live in (
                *((versions[2].id, False), (versions[2].id, True)),
                (None, True),
            )
        ]
        assert [(each.number, each.state) for each in found if each] == [
            (1, VersionState.DELETED),
            (0, VersionState.COMMITTED),
            (2, VersionState.COMMITTED),
        ]
        assert await rows.alias_history.last_holder(9, "best", other_than=None, live=False) is None

    @in_one_write
    async def test_pages_of_the_past_go_on_after_the_last_one(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        for now_us, alias in ((10, "a"), (20, "b"), (30, "c")):
            await moved(rows, line, alias, version.id, now_us=now_us)

        async def aliases(**words: object) -> list[str]:
            given = {"alias": None, "as_of_us": None, "after": None, "limit": 9} | words
            query = AliasHistoryQuery(line.collection_id, **given)  # type: ignore[arg-type]
            return [each.interval.alias for each in await rows.alias_history.page(query)]

        assert await aliases() == ["c", "b", "a"]
        assert await aliases(limit=2) == ["c", "b"]
        assert await aliases(after=(20, "b")) == ["a"]
        assert await aliases(after=(20, "c")) == ["b", "a"]
        assert await aliases(alias="b") == ["b"]
        assert await aliases(as_of_us=25) == ["b", "a"]
