"""The artifact service through the wire: versions that are made again by their digest alone."""

from __future__ import annotations

from hydria.v1 import artifact_pb2 as pb
from tests.refusals import refused
from tests.teams import Team, entry, put, version_digest


async def reuse(
    team: Team, files: dict[str, bytes], *, collection: str = "calls", type: str = ""
) -> pb.ReuseVersionResponse:
    """Ask for a version of these files, with the alias `best` and the tag `gold`."""
    return await team.stub.ReuseVersion(
        pb.ReuseVersionRequest(
            entity=team.name,
            project="birds",
            collection=collection,
            type=type,
            digest=version_digest(files),
            description="again",
            tags=["gold"],
            aliases=["best"],
        )
    )


class ReuseContract:
    """C2 without an upload: what a commit would answer, for content that is there."""

    async def test_content_that_is_there_is_found_by_its_digest(self, team: Team) -> None:
        await team.log({"a": b"one"}, description="first")
        await team.log({"a": b"two"})

        reused = await reuse(team, {"a": b"one"}, type="dataset")

        assert reused.version == await team.version(":v0")
        assert set(reused.version.aliases) == {"best", "latest"}
        assert list(reused.version.tags) == ["gold"]
        assert reused.version.description == "first"
        assert list(reused.ignored_fields) == ["description"]
        assert await team.numbers() == ["v1", "v0"]

    async def test_it_answers_as_a_commit_of_that_content_does(self, team: Team) -> None:
        await team.log({"a": b"one"}, description="first")
        reused = await reuse(team, {"a": b"one"})
        upload_id = await team.begin()
        await team.send(upload_id, b"one")
        await team.stage(upload_id, put(entry("a", b"one")))

        committed = await team.commit(
            upload_id, description="again", tags=["gold"], aliases=["best"]
        )

        assert not committed.created
        assert committed.ignored_fields == reused.ignored_fields
        committed.version.updated_at.CopyFrom(reused.version.updated_at)
        committed.version.etag = reused.version.etag
        assert committed.version == reused.version

    async def test_content_that_is_not_there_is_not_found_and_changes_nothing(
        self, team: Team
    ) -> None:
        await team.log({"a": b"one"})
        with refused("RESOURCE_NOT_FOUND"):
            await reuse(team, {"a": b"two"})
        with refused("RESOURCE_NOT_FOUND"):
            await reuse(team, {"a": b"one"}, collection="songs")
        assert list((await team.version()).aliases) == ["latest"]

    async def test_a_deleted_version_is_not_found(self, team: Team) -> None:
        await team.log({"a": b"one"})
        await team.delete(":v0")
        with refused("RESOURCE_NOT_FOUND"):
            await reuse(team, {"a": b"one"})

    async def test_the_content_of_another_team_is_not_found(self, team: Team) -> None:
        """I10."""
        other = Team.new(team.server)
        await other.log({"a": b"one"})
        with refused("RESOURCE_NOT_FOUND"):
            await reuse(team, {"a": b"one"})

    async def test_another_type_is_refused(self, team: Team) -> None:
        await team.log({"a": b"one"})
        with refused("TYPE_MISMATCH"):
            await reuse(team, {"a": b"one"}, type="model")

    async def test_a_digest_that_is_none_is_refused(self, team: Team) -> None:
        request = pb.ReuseVersionRequest(
            entity=team.name, project="birds", collection="calls", digest=b"short"
        )
        with refused("FIELD_VIOLATION"):
            await team.stub.ReuseVersion(request)
