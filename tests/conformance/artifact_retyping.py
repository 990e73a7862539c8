"""The artifact service through the wire: collections get other types and other names."""

from __future__ import annotations

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.conformance.artifact_rules import events_of
from tests.refusals import refused
from tests.teams import Team


async def update(
    team: Team, *fields: str, name: str = "", type_: str = "", etag: str = ""
) -> types_pb2.Collection:
    """Change the fields of the team's collection."""
    request = pb.UpdateCollectionRequest(
        entity=team.name,
        project=team.project,
        collection=team.collection,
        name=name,
        type=type_,
        etag=etag,
    )
    request.update_mask.paths.extend(fields)
    return (await team.stub.UpdateCollection(request)).collection


class RetypingContract:
    """A type belongs to the collection, so all of its versions have the new one."""

    async def test_a_collection_and_all_its_versions_get_another_type(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await team.log({"a": b"2"}, aliases=["best"])
        before = await team.version(":v0")
        changed = await update(team, "type", type_="model")
        assert changed.type == "model"
        assert changed.updated_at.ToMicroseconds() > before.updated_at.ToMicroseconds()
        assert [(await team.version(at)).type for at in (":v0", ":best")] == ["model", "model"]
        listed = await team.stub.ListTypes(
            pb.ListTypesRequest(entity=team.name, project=team.project)
        )
        assert [found.name for found in listed.types] == ["model"]
        with refused("TYPE_MISMATCH") as refusal:
            await team.log({"a": b"3"})
        assert refusal.metadata == {"actual": "model"}
        assert (await team.log({"a": b"3"}, type_="model")).version == "v2"

    async def test_an_upload_of_the_old_type_that_is_open_meanwhile_is_refused(
        self, team: Team
    ) -> None:
        await team.log({"a": b"1"})
        upload_id = await team.begin()
        await update(team, "type", type_="model")
        with refused("TYPE_MISMATCH"):
            await team.commit(upload_id)
        await update(team, "type", type_="dataset")
        assert (await team.commit(upload_id)).version.version == "v1"

    async def test_a_change_of_type_writes_one_event_and_none_when_it_has_it(
        self, team: Team
    ) -> None:
        await team.log({"a": b"1"})
        before = await events_of(team)
        unchanged = await update(team, "type", type_="dataset")
        assert await events_of(team) == before
        await update(team, "type", type_="model", etag=unchanged.etag)
        (event,) = (await events_of(team))[len(before) :]
        assert event.type.value == "collection_retyped"
        assert event.data == {
            "project": "birds",
            "collection": "calls",
            "type": "dataset",
            "new_type": "model",
        }
        with refused("ETAG_MISMATCH"):
            await update(team, "type", type_="other", etag=unchanged.etag)

    @pytest.mark.parametrize("type_", ["", "a/b", "x" * 129])
    async def test_a_type_that_is_malformed_changes_nothing(self, team: Team, type_: str) -> None:
        await team.log({"a": b"1"})
        with refused("NAME_INVALID") as refusal:
            await update(team, "type", type_=type_)
        assert refusal.metadata == {"field": "type"}
        assert (await team.version()).type == "dataset"

    async def test_name_and_type_change_together_or_not_at_all(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await team.log({"a": b"2"}, collection="taken")
        with refused("RESOURCE_ALREADY_EXISTS"):
            await update(team, "name", "type", name="taken", type_="model")
        assert (await team.version()).type == "dataset"
        changed = await update(team, "name", "type", name="songs", type_="model")
        assert (changed.name, changed.type) == ("songs", "model")
        assert (await team.version()).type == "model", "the old name redirects"

    async def test_the_old_name_redirects_for_every_read(self, team: Team) -> None:
        """Decision 19b: for refs of each form, for lists, for bases and copies."""
        version = await team.log({"a": b"1"}, aliases=["best"])
        await team.rename("songs")
        for suffix in ("", ":best", ":v0", f"@blake3:{version.digest.hex()}"):
            assert (await team.version(suffix)).ref == team.ref(":v0", collection="songs")
        assert await team.numbers() == ["v0"]
        assert await team.paths() == ["a"]
        assert (await team.contents(":v0")) == {"a": b"1"}
        upload = await team.upload_of(await team.begin(base=team.ref(), collection="more"))
        assert upload.base_version == team.ref(":v0", collection="songs")
        names = await team.stub.ListCollections(
            pb.ListCollectionsRequest(entity=team.name, project=team.project)
        )
        assert [found.name for found in names.collections] == ["songs"], "it is listed once"

    async def test_the_old_name_moves_aliases_until_it_is_used_again(self, team: Team) -> None:
        await team.log({"a": b"1"})
        await team.rename("songs")
        await team.point("best", "v0")
        assert list((await team.version(collection="songs")).aliases) == ["best", "latest"]
        await team.log({"a": b"2"})
        await team.point("best", "v0")
        assert (await team.version(":best")).size_bytes == 1
        assert await team.contents(":best") == {"a": b"2"}
        assert (await team.version(":best", collection="songs")).collection == "songs"
