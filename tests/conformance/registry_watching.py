"""Watch through the wire: state, bookmark, events; filters; tokens."""

from __future__ import annotations

import asyncio

import pytest

from tests.refusals import refused
from tests.shelves import Shelf
from tests.teams import Team
from tests.watchers import order, told, watching


class WatchContract:
    """A watcher is told everything it asked for, in order and once."""

    async def test_events_are_pushed_in_the_order_of_their_commits(self, team: Team) -> None:
        async with watching(team) as watcher:
            await watcher.bookmark()
            await team.log({"a": b"1"}, aliases=["best"])
            await team.log({"a": b"2"}, aliases=["best"])
            assert await watcher.events(8) == [
                "project_created",
                "collection_created",
                "version_committed v0",
                "alias_set best v0",
                "alias_set latest v0",
                "version_committed v1",
                "alias_set best v1",
                "alias_set latest v1",
            ]

    async def test_what_happened_before_is_not_told_without_a_token(self, team: Team) -> None:
        await team.log({"a": b"1"})
        async with watching(team) as watcher:
            await watcher.bookmark()
            await team.log({"a": b"2"})
            assert await watcher.events(1) == ["version_committed v1"]

    async def test_the_initial_state_is_where_the_selected_aliases_point(self, team: Team) -> None:
        await team.log({"a": b"1"}, aliases=["best"])
        second = await team.log({"a": b"2"})
        shelf = Shelf.of(team)
        await shelf.link(team.ref(":v1"), aliases=["staging"])
        async with watching(team, order(team, send_initial_state=True)) as watcher:
            state = {f"{each.project}:{each.alias}": each for each in await watcher.state()}
        assert {name: each.version_ref for name, each in state.items()} == {
            "birds:best": team.ref(":v0"),
            "birds:latest": team.ref(":v1"),
            "model-registry:latest": shelf.ref(":v0"),
            "model-registry:staging": shelf.ref(":v0"),
        }
        latest = state["birds:latest"]
        assert (latest.type, latest.digest, latest.actor) == (
            team.type,
            second.digest,
            "anonymous",
        )
        async with watching(
            team,
            order(team, project="birds", aliases=["best", "none"], send_initial_state=True),
        ) as watcher:
            assert [each.alias for each in await watcher.state()] == ["best"]

    async def test_between_state_and_events_nothing_is_missing_or_told_twice(
        self, team: Team
    ) -> None:
        names = [f"alias-{number:03}" for number in range(130)]
        await team.log({"a": b"1"}, aliases=names[:65])
        await team.log({"a": b"1"}, aliases=names[65:])
        request = order(team, send_initial_state=True, types=["alias_set", "alias_removed"])
        async with watching(team, request) as watcher:
            first = await watcher.next()  # from here on the state is that of the beginning
            await team.log({"a": b"2"}, aliases=["alias-000", "alias-129", "alias-130"])
            state = {each.alias: each.version_ref for each in first.state.holders}
            state |= {each.alias: each.version_ref for each in await watcher.state()}
            assert len(state) == 131
            assert set(state.values()) == {team.ref(":v0")}
            assert await watcher.events(4) == [
                "alias_set alias-000 v1",
                "alias_set alias-129 v1",
                "alias_set alias-130 v1",
                "alias_set latest v1",
            ]

    async def test_an_entity_may_be_watched_before_it_is_used(self, team: Team) -> None:
        async with watching(team, order(team, send_initial_state=True)) as watcher:
            assert await watcher.state() == []
            await team.log({})
            assert await watcher.events(1) == ["project_created"]

    async def test_the_initial_state_is_that_of_the_collections_that_are_there(
        self, team: Team
    ) -> None:
        for name in ("calls", "songs", "nests"):
            await team.log({"a": b"1"}, collection=name, aliases=["best"])
        request = order(
            team,
            project="birds",
            collections=["calls", "songs", "yet to come"],
            aliases=["best", "latest", "none"],
            send_initial_state=True,
        )
        async with watching(team, request) as watcher:
            state = [(each.collection, each.alias) for each in await watcher.state()]
        both = ["best", "latest"]
        assert sorted(state) == [(name, each) for name in ("calls", "songs") for each in both]
        for nothing in ({"project": "nowhere"}, {"project": "birds", "collections": ["none"]}):
            request = order(team, send_initial_state=True, **nothing)
            async with watching(team, request) as watcher:
                assert await watcher.state() == []

    # --- filters --------------------------------------------------------------------------------

    async def test_only_what_is_selected_is_told(self, team: Team) -> None:
        request = order(
            team, project="birds", collections=["calls"], aliases=["best"], types=["alias_set"]
        )
        async with watching(team, request) as watcher:
            await watcher.bookmark()
            await team.log({"a": b"1"}, aliases=["other"])
            await team.log({"a": b"1"}, collection="others", aliases=["best"])
            await team.log({"a": b"2"}, aliases=["best"])
            await team.delete(":v1", delete_aliases=True)
            await team.point("best", "v0")
            assert await watcher.events(2) == ["alias_set best v1", "alias_set best v0"]

    async def test_a_collection_stays_selected_when_it_is_renamed(self, team: Team) -> None:
        await team.log({"a": b"1"})
        request = order(team, project="birds", collections=["calls"])
        async with watching(team, request) as watcher:
            await watcher.bookmark()
            await team.rename("songs")
            await team.log({"a": b"2"}, collection="songs")
            assert await watcher.events(2) == ["collection_renamed", "version_committed v1"]

    async def test_a_collection_may_be_selected_before_it_is_made(self, team: Team) -> None:
        request = order(team, project="model-registry", collections=["Bird Calls", "songs"])
        async with watching(team, request) as watcher:
            await watcher.bookmark()
            await team.log({"a": b"1"}, collection="songs")
            await Shelf.of(team).link(team.ref(":v0", collection="songs"))
            assert (await watcher.events(2)) == ["collection_created", "version_linked v0"]

    async def test_entities_are_apart(self, team: Team) -> None:
        other = Team.new(team.server)
        async with watching(team) as watcher:
            token = await watcher.bookmark()
            await other.log({})
            await team.log({})
            event = await watcher.event()
            assert (told(event), event.entity) == ("project_created", team.name)
        async with watching(other, order(other, resume_token=token)) as watcher:
            with refused("WATCH_TOKEN_INVALID"):
                await watcher.next()

    # --- tokens ---------------------------------------------------------------------------------

    async def test_a_watch_goes_on_after_any_token(self, team: Team) -> None:
        tokens: list[bytes] = []
        async with watching(team) as watcher:
            tokens.append(await watcher.bookmark())
            for number in range(3):
                await team.log({"a": bytes([number])})
            told_at_first = []
            for _ in range(8):
                told_at_first += await watcher.events(1)
                tokens.append(watcher.token)
        for count, token in enumerate(tokens):
            async with watching(team, order(team, resume_token=token)) as watcher:
                assert await watcher.bookmark() == token
                assert await watcher.events(8 - count) == told_at_first[count:]

    async def test_a_bookmark_moves_on_past_what_is_not_selected(self, team: Team) -> None:
        request = order(team, aliases=["best"], bookmark_interval_seconds=1)
        async with watching(team, request) as watcher:
            before = await watcher.bookmark()
            await team.log({"a": b"1"})
            after = await watcher.bookmark()
            assert after != before
        async with watching(team, order(team, resume_token=after)) as watcher:
            await watcher.bookmark()
            await team.log({"a": b"2"}, aliases=["best"])
            assert await watcher.events(1) == ["version_committed v1"]

    async def test_a_garbled_token_is_refused(self, team: Team) -> None:
        async with watching(team) as watcher:
            token = await watcher.bookmark()
        flipped = bytes([*token[:20], token[20] ^ 1, *token[21:]])
        for wrong in (b"x", token[:-1], token + b"\0", flipped, b"\0" * len(token)):
            async with watching(team, order(team, resume_token=wrong)) as watcher:
                with refused("WATCH_TOKEN_INVALID"):
                    await watcher.next()

    # --- the rest -------------------------------------------------------------------------------

    async def test_of_moves_that_wait_only_the_newest_is_told_if_that_is_wanted(
        self, team: Team
    ) -> None:
        async with watching(team) as watcher:
            token = await watcher.bookmark()
        await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"2"}, aliases=["best", "good"])
        await team.point("best", "v0")
        request = order(team, resume_token=token, coalesce=True, project="birds")
        async with watching(team, request) as watcher:
            assert await watcher.events(7) == [
                "project_created",
                "collection_created",
                "version_committed v0",
                "version_committed v1",
                "alias_set good v1",
                "alias_set latest v1",
                "alias_set best v0",
            ]

    @pytest.mark.parametrize("seconds", [-1, 301])
    async def test_a_wrong_bookmark_interval_is_refused(self, team: Team, seconds: int) -> None:
        request = order(team, bookmark_interval_seconds=seconds)
        async with watching(team, request) as watcher:
            with refused("FIELD_VIOLATION") as refusal:
                await watcher.next()
        assert refusal.metadata == {"field": "bookmark_interval_seconds"}

    async def test_many_watchers_are_all_told_the_same(self, team: Team) -> None:
        async def told_to_one(begun: asyncio.Barrier) -> list[str]:
            async with watching(team) as watcher:
                await watcher.bookmark()
                await begun.wait()
                return await watcher.events(10)

        begun = asyncio.Barrier(21)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(told_to_one(begun)) for _ in range(20)]
            await begun.wait()
            for number in range(4):
                await team.log({"a": bytes([number])})
        assert len({tuple(task.result()) for task in tasks}) == 1
