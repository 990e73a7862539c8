"""The registry service through the wire: a link is read, described and deleted with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.conformance.artifact_copies import copy
from tests.conformance.artifact_rules import events_of
from tests.refusals import refused
from tests.shelves import Shelf, create_registry, links_of
from tests.teams import Team

FILES = {"a": b"1", "data/b": b"2" * 900_000}


async def update(
    team: Team,
    ref: str,
    etag: str = "",
    *,
    description: str | None = None,
    metadata_json: str | None = None,
    tags: Sequence[str] | None = None,
) -> types_pb2.Version:
    """Change words about a version."""
    given = {"description": description, "metadata_json": metadata_json, "tags": tags}
    request = pb.UpdateVersionRequest(
        ref=ref,
        etag=etag,
        description=description or "",
        metadata_json=metadata_json or "",
        tags=tags or (),
    )
    request.update_mask.paths.extend(name for name, value in given.items() if value is not None)
    return (await team.stub.UpdateVersion(request)).version


class LinkReadingContract:
    """Refs of a registry work wherever refs of a project do."""

    @pytest.mark.parametrize(
        "registry", ["model-registry", "registry-field", "wandb-registry-field"]
    )
    async def test_a_link_is_downloaded_by_any_name_of_its_registry(
        self, team: Team, registry: str
    ) -> None:
        await team.log(FILES)
        await create_registry(team, "wandb-registry-field")
        shelf = Shelf.of(team, registry=registry)
        await shelf.link(team.ref(), aliases=["staging"])
        kept = registry.removeprefix("wandb-")
        assert await shelf.team.contents(":staging") == FILES
        assert await shelf.team.paths(":v0") == ["a", "data/b"]
        download = await shelf.team.download(
            ":staging", reads=[pb.FileRead(path="data/b", offset=5, length=7)]
        )
        assert download.version_ref == f"{team.name}/{kept}/Bird Calls:v0"
        assert download.files[0].data == b"2" * 7
        by_digest = f"@blake3:{(await team.version()).digest.hex()}"
        assert (await shelf.team.version(by_digest)).version == "v0"

    async def test_lists_of_a_registry_have_its_links(self, team: Team) -> None:
        await team.log({"a": b"0"}, tags=["gold"], metadata_json='{"x": 1}')
        await team.log({"a": b"10"})
        shelf = Shelf.of(team)
        await shelf.link(team.ref(":v0"), aliases=["staging"])
        await shelf.link(team.ref(":v1"))
        found = {
            text: await self._numbers(shelf.team, text)
            for text in ("tag:gold", "alias:staging", "size_bytes = 2", "version = 1", "")
        }
        assert found == {
            "tag:gold": ["v0"],
            "alias:staging": ["v0"],
            "size_bytes = 2": ["v1"],
            "version = 1": ["v1"],
            "": ["v1", "v0"],
        }
        assert (await shelf.team.version(":v0")).metadata_json == '{"x": 1}'
        listed = await team.stub.ListCollections(
            pb.ListCollectionsRequest(entity=team.name, project="model-registry")
        )
        assert [each.name for each in listed.collections] == ["Bird Calls"]
        projects = await team.stub.ListProjects(pb.ListProjectsRequest(entity=team.name))
        assert [each.name for each in projects.projects] == [team.project]

    async def _numbers(self, team: Team, text: str) -> list[str]:
        request = pb.ListVersionsRequest(
            entity=team.name, project=team.project, collection=team.collection, filter=text
        )
        return [each.version for each in (await team.stub.ListVersions(request)).versions]

    async def test_words_are_those_of_the_source_from_both_sides(self, team: Team) -> None:
        await team.log({"a": b"0"})
        shelf, other = Shelf.of(team), Shelf.of(team, "Others")
        link = await shelf.link(team.ref())
        await other.link(team.ref())
        changed = await update(
            team,
            shelf.ref(":v0"),
            link.etag,
            description="new",
            metadata_json='{"a": 1.0}',
            tags=["t"],
        )
        assert (changed.ref, changed.description) == (shelf.ref(":v0"), "new")
        source = await team.version()
        for each in (source, await other.team.version()):
            assert (each.description, each.metadata_json) == ("new", '{"a": 1.0}')
            assert (list(each.tags), each.etag) == (["t"], changed.etag)
        with refused("ETAG_MISMATCH"):
            await update(team, team.ref(":v0"), link.etag, description="late")
        assert await self._numbers(other.team, "tag:t") == ["v0"]
        await update(team, team.ref(":v0"), source.etag, tags=[])
        assert await self._numbers(other.team, "tag:t") == []

    async def test_tags_that_a_commit_adds_reach_the_links(self, team: Team) -> None:
        await team.log({"a": b"0"})
        shelf = Shelf.of(team)
        await shelf.link(team.ref())
        before = len(await events_of(team))
        await team.log({"a": b"0"}, tags=["more"])
        assert list((await shelf.team.version()).tags) == ["more"]
        events = (await events_of(team))[before:]
        assert [event.type.value for event in events] == ["version_reused", "version_updated"]
        await team.log({"a": b"0"}, tags=["more"])
        assert len(await events_of(team)) == before + 3

    async def test_a_linked_version_is_deleted_by_force_only_and_with_its_links(
        self, team: Team
    ) -> None:
        await team.log({"a": b"0"})
        await team.log({"a": b"1"})
        shelf = Shelf.of(team)
        await shelf.link(team.ref(":v0"))
        await shelf.link(team.ref(":v1"), aliases=["production"])
        with refused("RESOURCE_IN_USE") as refusal:
            await team.delete(":v1")
        assert refusal.metadata == {"links": shelf.ref(":v1")}
        before = len(await events_of(team))
        await team.stub.DeleteVersion(pb.DeleteVersionRequest(ref=team.ref(":v1"), force=True))
        assert await shelf.team.numbers() == ["v0"]
        latest = await shelf.team.version()
        assert (latest.version, list(latest.aliases)) == ("v0", ["latest"])
        with refused("ALIAS_NOT_FOUND"):
            await shelf.team.version(":production")
        types = [event.type.value for event in (await events_of(team))[before:]]
        assert types == [
            *("alias_set", "alias_removed", "version_unlinked"),
            *("alias_set", "version_deleted"),
        ]

    async def test_a_collection_with_links_is_deleted_by_force_only(self, team: Team) -> None:
        for content in (b"0", b"1"):
            await team.log({"a": content})
        shelf = Shelf.of(team)
        for number in range(2):
            await shelf.link(team.ref(f":v{number}"))
        with refused("RESOURCE_IN_USE") as refusal:
            await team.delete_collection()
        assert refusal.metadata == {"links": f"{shelf.ref(':v0')}, {shelf.ref(':v1')}"}
        request = pb.DeleteCollectionRequest(
            entity=team.name, project=team.project, collection=team.collection, force=True
        )
        assert (await team.stub.DeleteCollection(request)).deleted_version_count == 2
        assert (await shelf.model()).version_count == 0
        assert await shelf.team.numbers() == []

    async def test_deleting_a_registered_model_leaves_the_sources(self, team: Team) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        await shelf.link(team.ref())
        assert await shelf.team.delete_collection() == 1
        assert await team.contents() == FILES
        assert await links_of(team, team.ref()) == []
        assert (await shelf.link(team.ref())).version == "v0"

    async def test_a_link_reads_the_bytes_of_another_entity_where_they_are(
        self, team: Team
    ) -> None:
        await team.log(FILES)
        other = Team.new(team.server)
        shelf = Shelf.of(other)
        link = await shelf.link(team.ref(), aliases=["staging"])
        assert link.source_ref == team.ref(":v0")
        assert await shelf.team.contents(":staging") == FILES
        before = len(await events_of(other))
        await update(team, team.ref(":v0"), description="of the owner")
        assert (await shelf.team.version()).description == "of the owner"
        (told,) = (await events_of(other))[before:]
        assert (told.type.value, told.data["collection"]) == ("version_updated", "Bird Calls")
        with refused("FIELD_VIOLATION"):
            await copy(other, shelf.ref())
        with refused("FIELD_VIOLATION"):
            await other.begin(base=shelf.ref())
        await team.stub.DeleteVersion(pb.DeleteVersionRequest(ref=team.ref(), force=True))
        assert await shelf.team.numbers() == []
        assert (await events_of(other))[-1].type.value == "version_unlinked"

    async def test_a_link_of_the_same_entity_is_a_base_and_a_source_of_copies(
        self, team: Team
    ) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        await shelf.link(team.ref())
        copied = await copy(team, shelf.ref())
        assert copied.created
        assert (await events_of(team))[-2].data["source"] == team.ref(":v0")
        upload = await team.begin(base=shelf.ref())
        await team.upload(upload, "c", b"3")
        await team.commit(upload)
        assert await team.contents() == {**FILES, "c": b"3"}

    async def test_nothing_is_committed_to_a_registry(self, team: Team) -> None:
        with refused("NAME_RESERVED"):
            await replace(team, project="registry-x").log(FILES)

    async def test_what_is_linked_keeps_its_type_and_its_name_may_change(self, team: Team) -> None:
        await team.log(FILES)
        shelf = Shelf.of(team)
        await shelf.link(team.ref())
        for each in (team, shelf.team):
            with refused("RESOURCE_IN_USE"):
                await self._retype(each, "model")
        await team.rename("songs")
        await shelf.team.rename("Songs")
        found = await shelf.team.version()
        assert found.ref == f"{team.name}/model-registry/Songs:v0"
        assert found.source_ref == team.ref(":v0", collection="songs")
        await shelf.unlink()
        assert (await self._retype(shelf.team, "model")).type == "model"

    async def _retype(self, team: Team, type_: str) -> types_pb2.Collection:
        request = pb.UpdateCollectionRequest(
            entity=team.name, project=team.project, collection=team.collection, type=type_
        )
        request.update_mask.paths.append("type")
        return (await team.stub.UpdateCollection(request)).collection
