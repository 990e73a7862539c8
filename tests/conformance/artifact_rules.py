"""The artifact service through the wire: the rules that users know, one by one."""

from __future__ import annotations

import asyncio
import itertools

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from hydria_server.domain.records import AliasInterval, EventRecord
from tests.refusals import outcome_of, refused
from tests.teams import Team, entry, put, version_digest


async def events_of(team: Team) -> list[EventRecord]:
    """Return the history of the team."""
    entity = await team.server.metadata.read(lambda rows: rows.names.entity(team.name))
    assert entity is not None
    entity_id = entity.id
    return await team.server.metadata.read(
        lambda rows: rows.events.after(entity_id, 0, limit=10_000)
    )


async def intervals_of(team: Team, alias: str) -> list[AliasInterval]:
    """Return where an alias of the team's collection pointed, and when."""
    collection = await team.server.metadata.read(
        lambda rows: rows.names.collection(team.name, team.project, team.collection)
    )
    assert collection is not None
    collection_id = collection.id
    return await team.server.metadata.read(
        lambda rows: rows.aliases.intervals(collection_id, alias)
    )


class RulesContract:
    """C1-C6, C10-C12, C16, C19 of the feature map; decisions 19, 19b and 20."""

    # --- numbers ----------------------------------------------------------------------------

    async def test_versions_count_from_v0_and_a_deleted_number_is_never_used_again(
        self, team: Team
    ) -> None:
        """C1."""
        for at in range(3):
            assert (await team.log({"a": bytes([at])})).version == f"v{at}"
        await team.delete(":v2")
        await team.delete(":v1")
        assert (await team.log({"a": b"new"})).version == "v3"
        assert await team.numbers() == ["v3", "v0"]
        await team.delete(":v3")
        await team.delete(":v0")
        assert (await team.log({"a": b"newer"})).version == "v4"

    async def test_deleted_content_that_is_logged_again_is_a_new_version(self, team: Team) -> None:
        """C1, C2: only live versions are found again."""
        await team.log({"a": b"1"})
        await team.delete(":v0")
        assert (await team.log({"a": b"1"})).version == "v1"

    # --- equal content ----------------------------------------------------------------------

    async def test_equal_content_is_the_version_that_has_it(self, team: Team) -> None:
        """C2, decision 19: no new version; aliases move, tags are added, words stay."""
        first = await team.log(
            {"a": b"1"}, aliases=["x"], tags=["t1"], description="d", metadata_json='{"k": 1}'
        )
        await team.log({"a": b"2"}, aliases=["y"])
        upload_id = await team.begin()
        await team.stage(upload_id, put(entry("a", b"1")))
        again = await team.commit(
            upload_id,
            aliases=["y", "z"],
            tags=["t2"],
            description="other",
            metadata_json='{"k": 2}',
        )
        assert not again.created
        assert list(again.ignored_fields) == ["description", "metadata_json"]
        assert again.version.ref == first.ref
        assert list(again.version.aliases) == ["latest", "x", "y", "z"]
        assert list(again.version.tags) == ["t1", "t2"]
        assert (again.version.description, again.version.metadata_json) == ("d", '{"k": 1}')
        assert again.version.created_at == first.created_at
        assert (await team.version(":v1")).aliases == []
        assert await team.numbers() == ["v1", "v0"]

    async def test_words_that_are_equal_or_not_given_are_not_called_ignored(
        self, team: Team
    ) -> None:
        await team.log({"a": b"1"}, description="d", metadata_json='{"k": 1}')
        for description, metadata_json in (("", ""), ("d", '{"k": 1}'), ("", "{}")):
            upload_id = await team.begin()
            await team.stage(upload_id, put(entry("a", b"1")))
            again = await team.commit(
                upload_id, description=description, metadata_json=metadata_json
            )
            assert list(again.ignored_fields) == []

    async def test_the_highest_of_equal_versions_is_found(self, team: Team) -> None:
        """A ref by digest is the highest live match, and so is what a commit finds."""
        suffix = "@blake3:" + version_digest({"a": b"1"}).hex()
        await team.log({"a": b"1"})
        await team.log({"a": b"2"})
        assert (await team.version(suffix)).version == "v0"
        await team.delete(":v0")
        with refused("RESOURCE_NOT_FOUND"):
            await team.version(suffix)

    async def test_equal_content_elsewhere_is_another_version(self, team: Team) -> None:
        await team.log({"a": b"1"})
        assert (await team.log({"a": b"1"}, collection="other")).version == "v0"
        stranger = Team.new(team.server)
        assert (await stranger.log({"a": b"1"})).ref == stranger.ref(":v0")

    async def test_equal_commits_at_once_make_one_version(self, team: Team) -> None:
        versions = await asyncio.gather(*(team.log({"a": b"1"}) for _ in range(8)))
        assert {version.ref for version in versions} == {team.ref(":v0")}

    async def test_the_digest_knows_nothing_of_words(self, team: Team) -> None:
        """C3: it covers paths, sizes and file digests only."""
        plain = await team.log({"a": b"1"})
        adorned = await team.log(
            {"a": b"1"},
            collection="other",
            aliases=["x"],
            tags=["y"],
            description="z",
            metadata_json='{"k": 1}',
        )
        assert plain.digest == adorned.digest == version_digest({"a": b"1"})
        renamed = await team.log({"b": b"1"})
        assert renamed.digest != plain.digest

    # --- aliases ----------------------------------------------------------------------------

    async def test_latest_is_always_added(self, team: Team) -> None:
        """C4: even when other aliases are given."""
        assert list((await team.log({"a": b"1"}, aliases=["best"])).aliases) == ["best", "latest"]
        assert list((await team.log({"a": b"2"})).aliases) == ["latest"]
        assert list((await team.version(":v0")).aliases) == ["best"]

    async def test_an_alias_points_to_one_version_and_setting_it_moves_it(self, team: Team) -> None:
        """C5, I7."""
        await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"2"}, aliases=["best"])
        assert (await team.version(":best")).version == "v1"
        assert "best" not in (await team.version(":v0")).aliases
        await team.point("best", "v0")
        assert (await team.version(":best")).version == "v0"
        assert "best" not in (await team.version(":v1")).aliases

    async def test_a_version_number_resolves_and_is_not_listed_as_an_alias(
        self, team: Team
    ) -> None:
        """C6."""
        await team.log({"a": b"1"})
        version = await team.version(":v0")
        assert "v0" not in version.aliases
        for suffix in (":v00", ":v01"):
            with refused("FIELD_VIOLATION"):
                await team.version(suffix)
        with refused("RESOURCE_NOT_FOUND"):
            await team.version(":v1")
        with refused("ALIAS_NOT_FOUND"):
            await team.version(":V0")

    async def test_aliases_belong_to_their_collection(self, team: Team) -> None:
        """C7, the half that needs no links."""
        await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"1"}, collection="other")
        with refused("ALIAS_NOT_FOUND"):
            await team.version(":best", collection="other")

    # --- immutability, types ----------------------------------------------------------------

    async def test_a_version_is_immutable_and_the_words_about_it_are_not(self, team: Team) -> None:
        """C10."""
        before = await team.log({"a": b"1"})
        request = pb.UpdateVersionRequest(ref=before.ref, description="d", tags=["t"])
        request.update_mask.paths.extend(["description", "tags"])
        after = (await team.stub.UpdateVersion(request)).version
        assert (after.digest, after.file_count) == (before.digest, before.file_count)
        assert (after.description, list(after.tags)) == ("d", ["t"])
        await team.log({"a": b"2"})
        assert await team.contents(":v0") == {"a": b"1"}

    async def test_a_collection_has_exactly_one_type(self, team: Team) -> None:
        """C11."""
        await team.log({"a": b"1"}, type_="model")
        with refused("TYPE_MISMATCH") as refusal:
            await team.log({"a": b"2"}, type_="dataset")
        assert refusal.metadata == {"actual": "model"}
        assert await team.numbers() == ["v0"]
        await team.log({"a": b"2"}, type_="dataset", collection="other")

    async def test_of_two_first_commits_with_two_types_one_wins(self, team: Team) -> None:
        """C11, with a race for who is first."""
        outcomes = await asyncio.gather(
            *(
                outcome_of(team.log({"a": type_.encode()}, type_=type_))
                for type_ in ("model", "dataset")
            )
        )
        assert sorted(outcomes) == ["", "TYPE_MISMATCH"]

    async def test_reading_by_another_type_is_refused(self, team: Team) -> None:
        """C12."""
        await team.log({"a": b"1"}, type_="model")
        request = pb.GetVersionRequest(ref=team.ref(), type="model")
        await team.stub.GetVersion(request)
        request.type = "dataset"
        with refused("TYPE_MISMATCH") as refusal:
            await team.stub.GetVersion(request)
        assert refusal.metadata == {"actual": "model"}

    # --- deletion ---------------------------------------------------------------------------

    async def test_a_version_with_aliases_is_deleted_only_with_them(self, team: Team) -> None:
        """C19; `latest` alone does not block (DESIGN 4a)."""
        await team.log({"a": b"1"}, aliases=["best", "prod"])
        await team.log({"a": b"2"})
        with refused("RESOURCE_IN_USE") as refusal:
            await team.delete(":v0")
        assert refusal.metadata == {"aliases": "best, prod"}
        assert (await team.version(":best")).version == "v0"
        deleted = await team.delete(":v0", delete_aliases=True)
        assert deleted.state == types_pb2.VERSION_STATE_DELETED
        assert list(deleted.aliases) == []
        with refused("ALIAS_NOT_FOUND"):
            await team.version(":best")
        with refused("VERSION_DELETED"):
            await team.version(":v0")
        with refused("VERSION_DELETED"):
            await team.delete(":v0")

    async def test_deleting_the_holder_of_latest_moves_it_to_the_highest_that_remains(
        self, team: Team
    ) -> None:
        """Decision 20."""
        for at in range(4):
            await team.log({"a": bytes([at])})
        await team.delete(":v2")
        assert (await team.version()).version == "v3"
        await team.delete(":latest")
        assert (await team.version()).version == "v1"
        await team.delete(":v1")
        assert (await team.version()).version == "v0"
        await team.delete(":v0")
        with refused("ALIAS_NOT_FOUND"):
            await team.version()
        assert await team.exists(), "the collection goes on without versions"

    # --- history ----------------------------------------------------------------------------

    async def test_every_mutation_writes_its_event_in_order(self, team: Team) -> None:
        """Decision 19b, I8: history from the first commit, gap-free, time never going back."""
        await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"2"})
        await team.log({"a": b"1"})
        await team.point("best", "v1")
        await team.change_aliases(pb.AliasOperation(alias="best", remove=True))
        await team.rename("songs")
        renamed = Team(team.server, team.name, collection="songs")
        await renamed.delete(":v1")
        await renamed.delete_collection()
        events = await events_of(team)
        assert [event.type.value for event in events] == [
            *("project_created", "collection_created", "version_committed"),
            *("alias_set", "alias_set"),
            *("version_committed", "alias_set"),
            *("version_reused", "alias_set"),
            "alias_set",
            "alias_removed",
            "collection_renamed",
            "version_deleted",
            *("alias_removed", "version_deleted", "collection_deleted"),
        ]
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        times = [event.time_us for event in events]
        assert times == sorted(times)
        assert {event.collection_id for event in events[1:]} == {events[1].collection_id}
        assert events[4].data["alias"] == "latest"
        assert events[8].data["from_version"] == "v1"
        assert events[11].data == {
            "project": "birds",
            "collection": "calls",
            "new_name": "songs",
        }
        assert events[-1].data["collection"] == "songs"

    async def test_alias_moves_write_intervals(self, team: Team) -> None:
        """Decision 19b: where an alias pointed, from when, until when."""
        versions = [await team.log({"a": bytes([at])}) for at in range(3)]
        ids = [event.version_id for event in await events_of(team) if event.data.get("digest")]
        latest = await intervals_of(team, "latest")
        assert [each.version_id for each in latest] == list(dict.fromkeys(ids))
        for before, after in itertools.pairwise(latest):
            assert before.to_time_us == after.from_time_us
        assert latest[-1].to_time_us is None
        await team.point("best", "v0")
        await team.point("best", "v0")
        await team.change_aliases(pb.AliasOperation(alias="best", remove=True))
        (best,) = await intervals_of(team, "best")
        assert best.to_time_us is not None
        assert best.version_id == latest[0].version_id
        assert len(versions) == 3

    async def test_what_was_refused_writes_no_event(self, team: Team) -> None:
        await team.log({"a": b"1"}, aliases=["best"])
        before = await events_of(team)
        with refused("RESOURCE_IN_USE"):
            await team.delete(":v0")
        with refused("ALIAS_CONFLICT"):
            await team.change_aliases(
                pb.AliasOperation(alias="new", set_version="v0"),
                pb.AliasOperation(alias="best", set_version="v0", expected_version=""),
            )
        with refused("TYPE_MISMATCH"):
            await team.log({"a": b"2"}, type_="model")
        assert await events_of(team) == before

    async def test_a_renamed_collection_keeps_its_id_and_its_old_name_redirects(
        self, team: Team
    ) -> None:
        """Decision 19b: until the old name is used again, which makes another collection."""
        first = await team.log({"a": b"1"}, aliases=["best"])
        await team.rename("songs")
        assert (await team.version(":best")).ref == team.ref(":v0", collection="songs")
        assert (await team.version(":best")).digest == first.digest
        assert await team.contents(":latest") == {"a": b"1"}
        reused = await team.log({"a": b"other"}, type_="model")
        assert reused.ref == team.ref(":v0"), "the old name begins anew"
        assert (await team.version()).digest == reused.digest
        assert (await team.version(collection="songs")).digest == first.digest
        with refused("ALIAS_NOT_FOUND"):
            await team.version(":best")

    async def test_a_recreated_collection_is_a_new_one(self, team: Team) -> None:
        """Decision 19b: it starts at v0, without aliases, and may have another type."""
        await team.log({"a": b"1"}, aliases=["best"])
        await team.log({"a": b"2"})
        assert await team.delete_collection() == 2
        assert not await team.exists()
        with refused("RESOURCE_NOT_FOUND"):
            await team.version(":v0")
        again = await team.log({"a": b"1"}, type_="model")
        assert (again.version, list(again.aliases)) == ("v0", ["latest"])
        events = await events_of(team)
        made = [event for event in events if event.type.value == "collection_created"]
        assert len({event.collection_id for event in made}) == 2
