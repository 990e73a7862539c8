"""The past of aliases through the wire: who held them when, as of a time, and the way back."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import artifact_pb2, registry_pb2, types_pb2
from tests.conformance.artifact_rules import events_of
from tests.pasts import history_of, moment, remove_alias, roll_back, time_us, version_at
from tests.refusals import outcome_of, refused
from tests.shelves import Shelf, registry_stub
from tests.teams import Team

MOVERS = 50


async def three_versions(team: Team) -> None:
    for content in (b"0", b"1", b"2"):
        await team.log({"a": content})


async def a_shelf(team: Team) -> Team:
    """Return a registered model of three links, which `Team` reads as any collection."""
    await three_versions(team)
    shelf = Shelf.of(team)
    for number in range(3):
        await shelf.link(team.ref(f":v{number}"))
    return shelf.team


class AliasHistoryContract:
    """What a move of an alias leaves, for collections and for registered models."""

    @pytest_asyncio.fixture(loop_scope="module", params=["a collection", "a registered model"])
    async def line(self, team: Team, request: pytest.FixtureRequest) -> Team:
        """Return a line of three versions."""
        if request.param == "a registered model":
            return await a_shelf(team)
        await three_versions(team)
        return team

    # --- lists ------------------------------------------------------------------------------

    async def test_every_move_is_told_newest_first_with_its_actor_and_times(
        self, line: Team
    ) -> None:
        await line.point("production", "v0")
        await line.point("production", "v2")
        await remove_alias(line, "production")
        await line.point("production", "v1")
        found = await history_of(line, "production")
        assert [each.version for each in found] == ["v1", "v2", "v0"]
        assert [each.HasField("to_time") for each in found] == [False, True, True]
        newest, middle, oldest = found
        assert oldest.to_time == middle.from_time
        assert time_us(middle.to_time) < time_us(newest.from_time)
        assert {each.actor for each in found} == {"anonymous"}
        assert newest.version_ref == line.ref(":v1")
        assert {each.state for each in found} == {types_pb2.VERSION_STATE_COMMITTED}

    async def test_the_history_of_all_aliases_comes_in_pages_without_a_gap(
        self, line: Team
    ) -> None:
        operations = [
            artifact_pb2.AliasOperation(alias=f"a{at}", set_version="v0") for at in range(5)
        ]
        await line.change_aliases(*operations)  # at one moment
        await line.point("a3", "v1")
        whole = await history_of(line, page_size=100)
        assert [each.alias for each in whole if each.alias == "latest"] == ["latest"] * 3
        assert len(whole) == 9
        begins = [time_us(each.from_time) for each in whole]
        assert begins == sorted(begins, reverse=True)
        for page_size in (1, 2, 3):
            assert await history_of(line, page_size=page_size) == whole

    async def test_a_history_as_of_a_time_has_what_pointed_then(self, line: Team) -> None:
        await line.point("a", "v0")
        await line.point("b", "v1")
        (then,) = await history_of(line, "b")
        await line.point("a", "v2")
        await remove_alias(line, "b")
        found = await history_of(line, as_of=then.from_time)
        assert {each.alias: each.version for each in found} == {
            "a": "v0",
            "b": "v1",
            "latest": "v2",
        }

    async def test_a_deleted_version_stays_in_the_history(self, line: Team) -> None:
        await line.point("production", "v0")
        await line.point("production", "v1")
        await line.delete(":v0")
        states = [each.state for each in await history_of(line, "production")]
        assert states == [types_pb2.VERSION_STATE_COMMITTED, types_pb2.VERSION_STATE_DELETED]

    async def test_an_alias_that_never_was_has_no_history(self, line: Team) -> None:
        assert await history_of(line, "never") == []
        with refused("RESOURCE_NOT_FOUND"):
            await history_of(Team(line.server, line.name, line.project, "nothing"))

    async def test_a_token_of_another_history_is_refused(self, line: Team) -> None:
        stub = registry_stub(line.server)

        def asked(alias: str, token: str) -> registry_pb2.ListAliasHistoryRequest:
            return registry_pb2.ListAliasHistoryRequest(
                entity=line.name,
                project=line.project,
                collection=line.collection,
                alias=alias,
                page_size=1,
                page_token=token,
            )

        token = (await stub.ListAliasHistory(asked("", ""))).next_page_token
        assert token
        for alias, wrong in (("latest", token), ("", "garbled"), ("", token[:-4] + "AAAA")):
            with refused("PAGE_TOKEN_INVALID"):
                await stub.ListAliasHistory(asked(alias, wrong))

    # --- as of a time -----------------------------------------------------------------------

    async def test_an_alias_is_resolved_as_of_a_time_to_the_microsecond(self, line: Team) -> None:
        await line.point("production", "v0")
        await line.point("production", "v1")
        newer, older = await history_of(line, "production")
        began = time_us(newer.from_time)
        assert (await version_at(line, ":production", moment(began))).version == "v1"
        assert (await version_at(line, ":production", moment(began - 1))).version == "v0"
        assert (await version_at(line, ":production", older.from_time)).version == "v0"
        with refused("ALIAS_NOT_FOUND"):
            await version_at(line, ":production", moment(time_us(older.from_time) - 1))

    async def test_latest_is_resolved_as_of_a_time_with_and_without_its_name(
        self, line: Team
    ) -> None:
        oldest = (await history_of(line, "latest"))[-1]
        for suffix in ("", ":latest"):
            assert (await version_at(line, suffix, oldest.from_time)).version == "v0"

    async def test_a_time_to_come_is_the_present(self, line: Team) -> None:
        assert (await version_at(line, "", Timestamp(seconds=253_402_300_799))).version == "v2"

    async def test_what_was_deleted_since_is_told_as_deleted(self, line: Team) -> None:
        await line.point("production", "v0")
        (held,) = await history_of(line, "production")
        await line.point("production", "v1")
        await line.delete(":v0")
        then = await version_at(line, ":production", held.from_time)
        assert (then.version, then.state) == ("v0", types_pb2.VERSION_STATE_DELETED)
        assert list(then.aliases) == []

    async def test_a_rename_changes_nothing_about_the_past(self, line: Team) -> None:
        await line.point("production", "v0")
        (held,) = await history_of(line, "production")
        await line.point("production", "v1")
        await line.rename("Sparrows")
        renamed = Team(line.server, line.name, line.project, "Sparrows")
        for by_name in (line, renamed):
            found = await version_at(by_name, ":production", held.from_time)
            assert found.ref == renamed.ref(":v0")
            assert await history_of(by_name, "production") == await history_of(
                renamed, "production"
            )

    async def test_only_aliases_have_a_past(self, line: Team) -> None:
        digest = (await line.version(":v0")).digest.hex()
        for suffix in (":v0", f"@blake3:{digest}"):
            with refused("FIELD_VIOLATION") as refusal:
                await version_at(line, suffix, Timestamp(seconds=1))
            assert refusal.metadata["field"] == "as_of"

    @pytest.mark.parametrize(
        "time",
        [
            Timestamp(seconds=253_402_300_800),
            Timestamp(seconds=-(1 << 62)),
            Timestamp(nanos=-1),
            Timestamp(nanos=1_000_000_000),
        ],
        ids=["after 9999", "before 1", "negative", "a second of nanoseconds"],
    )
    async def test_what_is_no_time_is_refused(self, team: Team, time: Timestamp) -> None:
        await team.log({"a": b"0"})
        with refused("FIELD_VIOLATION"):
            await version_at(team, "", time)
        with refused("FIELD_VIOLATION"):
            await history_of(team, as_of=time)

    async def test_a_collection_made_anew_has_a_past_of_its_own(self, team: Team) -> None:
        await team.log({"a": b"old"}, aliases=["production"])
        (held,) = await history_of(team, "production")
        await team.delete_collection()
        with refused("RESOURCE_NOT_FOUND"):
            await version_at(team, ":production", held.from_time)
        await team.log({"a": b"new"}, aliases=["production"])
        with refused("ALIAS_NOT_FOUND"):
            await version_at(team, ":production", held.from_time)
        assert len(await history_of(team, "production")) == 1

    async def test_a_link_as_of_a_time_names_what_it_linked(self, team: Team) -> None:
        shelf = await a_shelf(team)
        await shelf.point("production", "v0")
        (held,) = await history_of(shelf, "production")
        await shelf.point("production", "v2")
        await Shelf(shelf).unlink(":v0")
        then = await version_at(shelf, ":production", held.from_time)
        assert (then.source_ref, then.state) == (team.ref(":v0"), 2)

    # --- the way back -----------------------------------------------------------------------

    async def test_a_rollback_goes_to_the_previous_holder_and_twice_back_again(
        self, line: Team
    ) -> None:
        await line.point("production", "v0")
        await line.point("production", "v2")
        done = await roll_back(line, "production")
        assert (done.change.version, done.change.previous_version) == ("v0", "v2")
        assert (done.version.ref, list(done.version.aliases)) == (
            line.ref(":v0"),
            ["production"],
        )
        assert (await roll_back(line, "production")).change.version == "v2"
        found = [each.version for each in await history_of(line, "production")]
        assert found == ["v2", "v0", "v2", "v0"]

    async def test_a_rollback_is_an_event_as_any_move(self, line: Team) -> None:
        await line.point("production", "v0")
        await line.point("production", "v1")
        await roll_back(line, "production")
        last = (await events_of(line))[-1]
        assert (last.type.value, last.data["alias"], last.data["from_version"]) == (
            "alias_set",
            "production",
            "v1",
        )

    async def test_a_rollback_passes_over_what_was_deleted(self, line: Team) -> None:
        for version in ("v0", "v1", "v2"):
            await line.point("production", version)
        await line.delete(":v1")
        assert (await roll_back(line, "production")).change.version == "v0"

    async def test_a_rollback_without_anything_left_names_what_was_deleted(
        self, line: Team
    ) -> None:
        await line.point("production", "v0")
        with refused("NO_PREVIOUS_VERSION") as refusal:
            await roll_back(line, "production")
        assert refusal.metadata == {"alias": "production"}
        await line.point("production", "v1")
        await line.delete(":v0")
        with refused("NO_PREVIOUS_VERSION") as refusal:
            await roll_back(line, "production")
        assert refusal.metadata == {"alias": "production", "deleted": "v0"}
        assert (await line.version(":production")).version == "v1"

    async def test_a_removed_alias_is_brought_back(self, line: Team) -> None:
        await line.point("production", "v0")
        await line.point("production", "v1")
        await remove_alias(line, "production")
        with refused("ALIAS_CONFLICT") as refusal:
            await roll_back(line, "production", expected="v1")
        assert refusal.metadata == {"alias": "production", "actual": ""}
        done = await roll_back(line, "production", expected="")
        assert (done.change.version, done.change.previous_version) == ("v1", "")

    async def test_what_cannot_be_rolled_back_is_refused(self, line: Team) -> None:
        for alias, reason in (
            ("never", "ALIAS_NOT_FOUND"),
            ("latest", "NAME_RESERVED"),
            ("v0", "NAME_RESERVED"),
            ("", "NAME_INVALID"),
        ):
            with refused(reason):
                await roll_back(line, alias)
        with refused("FIELD_VIOLATION"):
            await roll_back(line, "never", expected="production")

    # --- races ------------------------------------------------------------------------------

    async def test_of_fifty_movers_with_one_expectation_exactly_one_wins(self, line: Team) -> None:
        await line.point("production", "v0")
        outcomes = await asyncio.gather(
            *(
                outcome_of(line.point("production", f"v{1 + at % 2}", expected="v0"))
                for at in range(MOVERS)
            )
        )
        assert sorted(outcomes) == ["", *["ALIAS_CONFLICT"] * (MOVERS - 1)]
        assert len(await history_of(line, "production")) == 2

    async def test_of_fifty_movers_of_several_aliases_one_moves_them_all(self, line: Team) -> None:
        await line.point("a", "v0")
        await line.point("b", "v0")

        def both(at: int) -> list[artifact_pb2.AliasOperation]:
            version = f"v{1 + at % 2}"
            order = ("a", "b") if at % 3 else ("b", "a")
            return [
                *(
                    artifact_pb2.AliasOperation(
                        alias=alias, set_version=version, expected_version="v0"
                    )
                    for alias in order
                ),
                artifact_pb2.AliasOperation(
                    alias=f"winner-{at}", set_version=version, expected_version=""
                ),
            ]

        outcomes = await asyncio.gather(
            *(outcome_of(line.change_aliases(*both(at))) for at in range(MOVERS))
        )
        assert sorted(outcomes) == ["", *["ALIAS_CONFLICT"] * (MOVERS - 1)]
        winner = outcomes.index("")
        holder = await line.version(":a")
        assert list(holder.aliases) == [
            *("a", "b"),
            *(["latest"] if holder.version == "v2" else []),
            f"winner-{winner}",
        ]
        assert len(await history_of(line, "b")) == 2

    async def test_of_fifty_who_roll_back_from_one_version_exactly_one_does(
        self, line: Team
    ) -> None:
        await line.point("production", "v0")
        await line.point("production", "v1")
        outcomes = await asyncio.gather(
            *(outcome_of(roll_back(line, "production", expected="v1")) for _ in range(MOVERS))
        )
        assert sorted(outcomes) == ["", *["ALIAS_CONFLICT"] * (MOVERS - 1)]
        assert (await line.version(":production")).version == "v0"
