"""The history of an entity through the wire: what is in it, and its list."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from hydria.v1 import artifact_pb2, types_pb2
from hydria.v1 import registry_pb2 as pb
from tests.refusals import refused
from tests.shelves import Shelf, registry_stub
from tests.teams import Team
from tests.watchers import told


async def history(team: Team, **fields: object) -> list[pb.Event]:
    """Return events of a team, the oldest first, a small page at a time."""
    events: list[pb.Event] = []
    token = ""
    while True:
        request = pb.ListEventsRequest(
            entity=team.name,
            oldest_first=True,
            page_size=3,
            page_token=token,
            **fields,  # type: ignore[arg-type]
        )
        page = await registry_stub(team.server).ListEvents(request)
        assert len(page.events) <= 3
        events += page.events
        token = page.next_page_token
        if not token:
            return events


def data_of(event: pb.Event) -> Mapping[str, object]:
    """Return the rest of what is known of an event."""
    data: Mapping[str, object] = json.loads(event.data_json)
    return data


def by(name: str, **words: str | list[str]) -> pb.EventFilter:
    """Return a filter by one type and other words."""
    type_ = pb.EventType.Value(f"EVENT_TYPE_{name.upper()}")
    return pb.EventFilter(types=[type_], **words)  # type: ignore[arg-type]


async def update(team: Team, version: types_pb2.Version, **words: str | list[str]) -> None:
    """Change words about a version."""
    request = artifact_pb2.UpdateVersionRequest(ref=version.ref, **words)  # type: ignore[arg-type]
    request.update_mask.paths.extend(words)
    await team.stub.UpdateVersion(request)


class EventsContract:
    """Every change leaves its events, in the order of the commits."""

    async def test_every_change_is_in_the_history(self, team: Team) -> None:
        version = await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"2"})
        await team.point("best", "v1")
        await update(team, version, description="fine")
        await team.delete(":v0")
        shelf = Shelf.of(team)
        await shelf.link(team.ref(":v1"), aliases=["staging"])
        await shelf.unlink(":v0", delete_aliases=True)
        await team.rename("songs")

        assert [told(event) for event in await history(team)] == [
            "project_created",
            "collection_created",
            "version_committed v0",
            "alias_set best v0",
            "alias_set latest v0",
            "version_committed v1",
            "alias_set latest v1",
            "alias_set best v1",
            "version_updated v0",
            "version_deleted v0",
            "collection_created",
            "version_linked v0",
            "alias_set staging v0",
            "alias_set latest v0",
            "alias_removed latest v0",
            "alias_removed staging v0",
            "version_unlinked v0",
            "collection_renamed",
        ]

    async def test_an_event_says_who_when_where_and_what_it_was_before(self, team: Team) -> None:
        await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"2"})
        await team.point("best", "v1")

        moved = (await history(team))[-1]

        assert (moved.entity, moved.project, moved.collection) == (
            team.name,
            team.project,
            team.collection,
        )
        assert (moved.alias, moved.previous_version) == ("best", "v0")
        assert moved.version_ref == team.ref(":v1")
        assert moved.actor == "anonymous"
        assert moved.event_id
        assert moved.time.ToMicroseconds() > 0

    async def test_events_have_ids_of_their_own_and_times_that_grow(self, team: Team) -> None:
        for number in range(5):
            await team.log({"a": bytes([number])})
        events = await history(team)
        times = [event.time.ToMicroseconds() for event in events]
        assert len({event.event_id for event in events}) == len(events)
        assert times == sorted(times)

    async def test_changed_words_are_told_old_and_new(self, team: Team) -> None:
        version = await team.log({}, description="old", tags=["a", "b"], metadata_json='{"x": 1}')
        await update(team, version, description="new", tags=["b", "c"], metadata_json='{"x": 2}')
        assert data_of((await history(team))[-1]) == {
            "digest": f"blake3:{version.digest.hex()}",
            "fields": ["description", "metadata_json", "tags"],
            "old_description": "old",
            "new_description": "new",
            "old_metadata_json": '{"x": 1}',
            "new_metadata_json": '{"x": 2}',
            "old_tags": ["a", "b"],
            "new_tags": ["b", "c"],
        }

    async def test_long_words_are_cut_so_that_events_stay_small(self, team: Team) -> None:
        version = await team.log({}, description="é\0"[:1] * 400_000)
        tags = [f"{number:03}" + "ß" * 125 for number in range(100)]
        await update(team, version, description="\x01" * 500_000, tags=tags)
        event = (await history(team))[-1]
        data = data_of(event)
        assert event.ByteSize() <= 12 * 1024
        assert data["cut_description"] is True
        assert data["cut_tags"] is True
        assert "é\0"[:1] * 400_000 != data["old_description"]
        assert str(data["old_description"]).strip("é") == ""

    async def test_words_of_a_collection_are_told_old_and_new(self, team: Team) -> None:
        await team.log({})
        request = artifact_pb2.UpdateCollectionRequest(
            entity=team.name,
            project=team.project,
            collection=team.collection,
            description="birds",
            tags=["audio"],
        )
        request.update_mask.paths.extend(["description", "tags"])
        await team.stub.UpdateCollection(request)
        assert data_of((await history(team))[-1]) == {
            "old_description": "",
            "new_description": "birds",
            "old_tags": [],
            "new_tags": ["audio"],
        }

    # --- the list -----------------------------------------------------------------------------

    async def test_the_list_is_newest_first_unless_the_oldest_is_wanted(self, team: Team) -> None:
        await team.log({})
        newest = await registry_stub(team.server).ListEvents(pb.ListEventsRequest(entity=team.name))
        assert list(newest.events) == (await history(team))[::-1]

    async def test_filters_select_by_project_collection_alias_and_type(self, team: Team) -> None:
        await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"2"}, collection="others", aliases=["best"])
        await Shelf.of(team).link(team.ref(":v0"))

        async def found(filter_: pb.EventFilter) -> list[str]:
            return [
                f"{event.project}/{event.collection} {told(event)}"
                for event in await history(team, filter=filter_)
            ]

        assert await found(by("version_committed")) == [
            "birds/calls version_committed v0",
            "birds/others version_committed v0",
        ]
        assert await found(by("version_committed", project="birds", collections=["others"])) == [
            "birds/others version_committed v0"
        ]
        assert await found(pb.EventFilter(aliases=["best"])) == [
            "birds/calls alias_set best v0",
            "birds/others alias_set best v0",
        ]
        assert await found(pb.EventFilter(project="model-registry")) == [
            "model-registry/Bird Calls collection_created",
            "model-registry/Bird Calls version_linked v0",
            "model-registry/Bird Calls alias_set latest v0",
        ]
        assert await found(pb.EventFilter(project="nowhere")) == []

    async def test_a_collection_is_found_by_the_name_that_it_had(self, team: Team) -> None:
        await team.log({})
        await team.rename("songs")
        for name in ("calls", "songs"):
            filter_ = by("version_committed", project="birds", collections=[name])
            assert len(await history(team, filter=filter_)) == 1

    async def test_events_of_a_deleted_collection_are_still_found(self, team: Team) -> None:
        await team.log({})
        await team.delete_collection()
        filter_ = pb.EventFilter(project="birds", collections=["calls"])
        assert told((await history(team, filter=filter_))[-1]) == "collection_deleted"

    async def test_events_are_found_by_actor_and_time(self, team: Team) -> None:
        for number in range(4):
            await team.log({"a": bytes([number])})
        events = await history(team)
        assert await history(team, actor="anonymous") == events
        assert await history(team, actor="nobody") == []
        first, second, third = events[:4], events[4:6], events[6:8]  # by transaction
        assert await history(team, from_time=second[0].time) == events[4:]
        assert await history(team, to_time=second[0].time) == first
        assert await history(team, from_time=second[1].time, to_time=third[0].time) == second

    async def test_an_entity_that_nobody_used_has_no_history(self, team: Team) -> None:
        assert await history(team) == []

    @pytest.mark.parametrize("token", ["x", "W10=", "!!"])
    async def test_a_garbled_page_token_is_refused(self, team: Team, token: str) -> None:
        with refused("PAGE_TOKEN_INVALID"):
            await registry_stub(team.server).ListEvents(
                pb.ListEventsRequest(entity=team.name, page_token=token)
            )

    async def test_a_page_token_of_another_request_is_refused(self, team: Team) -> None:
        await team.log({})
        stub = registry_stub(team.server)
        page = await stub.ListEvents(pb.ListEventsRequest(entity=team.name, page_size=1))
        with refused("PAGE_TOKEN_INVALID"):
            await stub.ListEvents(
                pb.ListEventsRequest(
                    entity=team.name, page_token=page.next_page_token, actor="nobody"
                )
            )

    @pytest.mark.parametrize(
        "filter_",
        [
            pb.EventFilter(collections=["calls"]),
            pb.EventFilter(project="birds", collections=["c"] * 101),
            pb.EventFilter(aliases=["a"] * 101),
            pb.EventFilter(types=[0]),  # type: ignore[list-item]
            pb.EventFilter(types=[9999]),  # type: ignore[list-item]
        ],
    )
    async def test_a_wrong_filter_is_refused(self, team: Team, filter_: pb.EventFilter) -> None:
        with refused("FIELD_VIOLATION"):
            await history(team, filter=filter_)
        with refused("FIELD_VIOLATION"):
            await anext(
                aiter(
                    registry_stub(team.server).Watch(
                        pb.WatchRequest(entity=team.name, filter=filter_)
                    )
                )
            )
