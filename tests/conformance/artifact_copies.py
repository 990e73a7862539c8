"""The artifact service through the wire: versions that are copied, without their bytes."""

from __future__ import annotations

import asyncio

import pytest

from hydria.v1 import artifact_pb2 as pb
from tests.conformance.artifact_rules import events_of, intervals_of
from tests.refusals import refused
from tests.teams import Team


async def copy(
    team: Team,
    source: str,
    *,
    project: str = "fish",
    collection: str = "copies",
    entity: str = "",
    type_: str = "",
    aliases: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
    description: str | None = None,
    metadata_json: str | None = None,
    request_id: str = "",
) -> pb.CopyVersionResponse:
    """Copy a version into another collection of the team."""
    return await team.stub.CopyVersion(
        pb.CopyVersionRequest(
            source_ref=source,
            entity=entity or team.name,
            project=project,
            collection=collection,
            type=type_,
            aliases=aliases,
            tags=tags,
            description=description,
            metadata_json=metadata_json,
            request_id=request_id,
        )
    )


class CopiesContract:
    """A copy is a version like any other; only its bytes are where they were."""

    async def test_a_copy_has_the_content_and_the_words_of_its_source(self, team: Team) -> None:
        files = {"a": b"1", "data/b": b"2" * 3_000}
        source = await team.log(
            files, aliases=["best"], tags=["gold"], description="what", metadata_json='{"a": 1.0}'
        )
        copied = await copy(team, team.ref(":best"), aliases=("copied",), tags=("new",))
        version = copied.version
        assert copied.created
        assert version.ref == f"{team.name}/fish/copies:v0"
        assert (version.digest, version.type) == (source.digest, source.type)
        assert (version.file_count, version.size_bytes) == (2, source.size_bytes)
        assert (version.description, version.metadata_json) == ("what", '{"a": 1.0}')
        assert list(version.tags) == ["gold", "new"]
        assert list(version.aliases) == ["copied", "latest"]
        there = Team(team.server, team.name, project="fish", collection="copies")
        assert await there.contents(":copied") == files

    async def test_a_copy_outlives_its_source(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await copy(team, team.ref())
        await team.delete_collection()
        there = Team(team.server, team.name, project="fish", collection="copies")
        assert await there.contents() == {"a": b"1"}

    async def test_words_that_are_given_stand_instead_of_those_of_the_source(
        self, team: Team
    ) -> None:
        await team.log({"a": b"1"}, description="what", metadata_json='{"a": 1}')
        version = (await copy(team, team.ref(), description="", metadata_json="{}")).version
        assert (version.description, version.metadata_json) == ("", "{}")

    async def test_equal_content_is_the_version_that_has_it(self, team: Team) -> None:
        """C2: aliases move to it, tags are added; only words that were given can be ignored."""
        await team.log({"a": b"1"}, description="of the source")
        there = Team(team.server, team.name, collection="there")
        await there.log({"a": b"1"}, description="its own")
        await there.log({"a": b"2"})
        again = await copy(
            team, team.ref(), project="birds", collection="there", tags=("t",), aliases=("best",)
        )
        assert (again.created, again.version.version) == (False, "v0")
        assert (again.version.description, list(again.version.tags)) == ("its own", ["t"])
        assert list(again.version.aliases) == ["best", "latest"]
        assert list(again.ignored_fields) == []
        said = await copy(
            team, team.ref(), project="birds", collection="there", description="other"
        )
        assert list(said.ignored_fields) == ["description"]

    async def test_the_same_request_again_gets_the_same_answer(self, team: Team) -> None:
        await team.log({"a": b"1"})
        first, *others = await asyncio.gather(
            *(copy(team, team.ref(":v0"), request_id="once") for _ in range(4))
        )
        assert all(other == first for other in others)
        await team.delete(":v0")
        assert await copy(team, team.ref(":v0"), request_id="once") == first
        with refused("REQUEST_ID_REUSED"):
            await copy(team, team.ref(":v0"), request_id="once", tags=("other",))
        with refused("VERSION_DELETED"):
            await copy(team, team.ref(":v0"), request_id="another")

    async def test_a_copy_within_one_collection_is_the_version_itself(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await team.log({"a": b"2"})
        same = await copy(team, team.ref(":v0"), project=team.project, collection=team.collection)
        assert (same.created, same.version.version) == (False, "v0")
        assert (await team.version()).version == "v0"

    async def test_the_collection_keeps_its_type_and_a_new_one_may_be_given_one(
        self, team: Team
    ) -> None:
        await team.log({"a": b"1"})
        assert (await copy(team, team.ref(), type_="model")).version.type == "model"
        with refused("TYPE_MISMATCH"):
            await copy(team, team.ref(), type_="dataset")
        await team.log({"a": b"2"})
        assert (await copy(team, team.ref())).version.version == "v1"

    async def test_bytes_of_another_entity_are_not_copied_nor_told_of(self, team: Team) -> None:
        other = Team.new(team.server)
        await other.log({"a": b"secret"})
        for ref in (other.ref(), other.ref(":nope")):
            with refused("FIELD_VIOLATION") as refusal:
                await copy(team, ref)
            assert refusal.metadata == {"field": "source_ref"}

    @pytest.mark.parametrize("suffix", [":nope", ":v7", f"@blake3:{'0' * 64}"])
    async def test_a_source_that_is_not_there_leaves_nothing(self, team: Team, suffix: str) -> None:
        await team.log({"a": b"1"})
        before = await events_of(team)
        with refused("ALIAS_NOT_FOUND" if suffix == ":nope" else "RESOURCE_NOT_FOUND"):
            await copy(team, team.ref(suffix), request_id="again")
        assert await events_of(team) == before
        await team.point("nope", "v0")
        if suffix == ":nope":
            assert (await copy(team, team.ref(suffix), request_id="again")).created

    async def test_what_is_malformed_is_refused(self, team: Team) -> None:
        await team.log({"a": b"1"})
        with refused("NAME_RESERVED"):
            await copy(team, team.ref(), project="model-registry")
        for problem in ({"collection": "a/b"}, {"aliases": ("a/b",)}, {"type_": "a/b"}):
            with refused("NAME_INVALID"):
                await copy(team, team.ref(), **problem)
        with refused("FIELD_VIOLATION"):
            await copy(team, team.ref(), metadata_json="[]")

    async def test_a_copy_writes_its_events_with_its_source_and_intervals(self, team: Team) -> None:
        await team.log({"a": b"1"})
        before = len(await events_of(team))
        await copy(team, team.ref(), aliases=("best",))
        events = (await events_of(team))[before:]
        assert [event.type.value for event in events] == [
            *("project_created", "collection_created", "version_committed"),
            *("alias_set", "alias_set"),
        ]
        made = events[2].data
        assert (made["source"], made["collection"]) == (team.ref(":v0"), "copies")
        there = Team(team.server, team.name, project="fish", collection="copies")
        (interval,) = await intervals_of(there, "best")
        assert (interval.version_id, interval.to_time_us) == (events[2].version_id, None)
