"""The registry service through the wire: registries and registered models themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hydria.v1 import registry_pb2 as pb
from tests.conformance.artifact_rules import events_of
from tests.refusals import refused
from tests.shelves import Shelf, create_registry, registry_stub
from tests.teams import Team


async def get(team: Team, name: str) -> pb.Registry:
    """Read a registry."""
    request = pb.GetRegistryRequest(entity=team.name, registry=name)
    return (await registry_stub(team.server).GetRegistry(request)).registry


async def names(team: Team, text: str = "", order_by: str = "") -> list[str]:
    """Return the names of the team's registries."""
    request = pb.ListRegistriesRequest(entity=team.name, filter=text, order_by=order_by)
    listed = await registry_stub(team.server).ListRegistries(request)
    return [registry.name for registry in listed.registries]


async def update(
    team: Team,
    registry: str,
    *,
    name: str | None = None,
    description: str | None = None,
    types: Sequence[str] | None = None,
    etag: str = "",
) -> pb.Registry:
    """Change a registry."""
    request = pb.UpdateRegistryRequest(entity=team.name, registry=registry, etag=etag)
    if name is not None:
        request.name = name
        request.update_mask.paths.append("name")
    if description is not None:
        request.description = description
        request.update_mask.paths.append("description")
    if types is not None:
        request.types.extend(types)
        request.update_mask.paths.append("types")
    return (await registry_stub(team.server).UpdateRegistry(request)).registry


async def delete(team: Team, name: str, *, force: bool = False, etag: str = "") -> int:
    """Delete a registry; return how many registered models went with it."""
    request = pb.DeleteRegistryRequest(entity=team.name, registry=name, force=force, etag=etag)
    return (await registry_stub(team.server).DeleteRegistry(request)).deleted_collection_count


class RegistriesContract:
    """A registry is a namespace of an entity that holds registered models."""

    async def test_every_entity_has_a_model_registry(self, team: Team) -> None:
        assert await names(team) == []
        await team.log({"a": b"0"})
        assert await names(team) == ["model-registry"]
        with refused("RESOURCE_ALREADY_EXISTS"):
            await create_registry(team, "model-registry")
        with refused("NAME_RESERVED"):
            await delete(team, "model-registry", force=True)
        described = await update(team, "model-registry", description="ours", types=["model"])
        assert (described.description, list(described.types)) == ("ours", ["model"])

    async def test_a_registry_is_made_read_and_listed(self, team: Team) -> None:
        made = await create_registry(
            team, "wandb-registry-Field Work", types=["model", "dataset"], description="# Ours"
        )
        assert (made.name, made.description) == ("registry-Field Work", "# Ours")
        assert list(made.types) == ["dataset", "model"]
        for name in ("registry-Field Work", "wandb-registry-Field Work"):
            assert await get(team, name) == made
        await create_registry(team, "registry-a")
        assert await names(team) == ["model-registry", "registry-Field Work", "registry-a"]
        assert await names(team, 'name = "registry-*"', "name desc") == [
            *("registry-a", "registry-Field Work"),
        ]
        assert await names(team, "type:model") == ["registry-Field Work"]
        with refused("RESOURCE_ALREADY_EXISTS"):
            await create_registry(team, "registry-Field Work")

    @pytest.mark.parametrize(
        "name",
        ["", "birds", "registry-", "wandb-registry-", "registry-a/b", "registry- a", "x" * 99],
    )
    async def test_other_names_are_refused(self, team: Team, name: str) -> None:
        with refused("NAME_INVALID"):
            await create_registry(team, name)

    async def test_a_renamed_registry_is_found_by_both_names(self, team: Team) -> None:
        await team.log({"a": b"0"})
        made = await create_registry(team, "registry-old")
        shelf = Shelf.of(team, registry="registry-old")
        await shelf.link(team.ref(), aliases=["staging"])
        await create_registry(team, "registry-taken")
        for taken in ("registry-taken", "wandb-registry-taken"):
            with refused("RESOURCE_ALREADY_EXISTS"):
                await update(team, "registry-old", name=taken)
        with refused("NAME_RESERVED"):
            await update(team, "registry-old", name="model-registry")
        with refused("NAME_RESERVED"):
            await update(team, "model-registry", name="registry-mine")
        renamed = await update(team, "registry-old", name="registry-new", etag=made.etag)
        assert renamed.name == "registry-new"
        assert await get(team, "registry-old") == renamed
        link = await shelf.team.version(":staging")
        assert link.ref == f"{team.name}/registry-new/Bird Calls:v0"
        assert await shelf.team.contents(":staging") == {"a": b"0"}
        assert await shelf.team.numbers() == ["v0"]
        assert (await shelf.ask_link(team.ref())).created is False
        another = await create_registry(team, "registry-old")
        assert another.collection_count == 0
        with refused("RESOURCE_NOT_FOUND"):
            await shelf.team.version(":staging")

    async def test_a_registry_takes_the_types_that_it_allows(self, team: Team) -> None:
        await team.log({"a": b"0"})
        await create_registry(team, "registry-models", types=["model"])
        shelf = Shelf.of(team, registry="registry-models")
        with refused("TYPE_MISMATCH") as refusal:
            await shelf.link(team.ref())
        assert refusal.metadata == {"actual": "dataset", "allowed": "model"}
        with refused("TYPE_MISMATCH"):
            await shelf.create("dataset")
        await update(team, "registry-models", types=["model", "dataset"])
        await shelf.link(team.ref())
        with refused("TYPE_MISMATCH") as refusal:
            await update(team, "registry-models", types=["model"])
        assert refusal.metadata == {"actual": "dataset"}
        assert list((await update(team, "registry-models", types=[])).types) == []

    async def test_a_registered_model_can_be_made_before_anything_is_linked(
        self, team: Team
    ) -> None:
        shelf = Shelf.of(team)
        made = await shelf.create("dataset")
        assert (made.description, list(made.tags), made.type) == ("# A card", ["audio"], "dataset")
        assert made.version_count == 0
        with refused("RESOURCE_ALREADY_EXISTS"):
            await shelf.create("dataset")
        await team.log({"a": b"0"}, type_="model", collection="weights")
        with refused("TYPE_MISMATCH"):
            await shelf.link(team.ref(collection="weights"))
        with refused("RESOURCE_NOT_FOUND"):
            await Shelf.of(team, registry="registry-nope").create()

    async def test_a_deleted_registry_leaves_the_sources(self, team: Team) -> None:
        await team.log({"a": b"0"})
        made = await create_registry(team, "registry-field")
        shelf = Shelf.of(team, registry="registry-field")
        await shelf.link(team.ref(), aliases=["staging"])
        with refused("RESOURCE_IN_USE"):
            await delete(team, "registry-field")
        with refused("ETAG_MISMATCH"):
            await delete(team, "registry-field", force=True, etag="r99")
        assert await delete(team, "registry-field", force=True, etag=made.etag) == 1
        assert await team.contents() == {"a": b"0"}
        assert await names(team) == ["model-registry"]
        for look in (get(team, "registry-field"), shelf.team.version(), delete(team, made.name)):
            with refused("RESOURCE_NOT_FOUND"):
                await look
        assert (await create_registry(team, "registry-field")).collection_count == 0
        assert (await shelf.link(team.ref())).version == "v0"

    async def test_what_is_done_to_a_registry_is_history(self, team: Team) -> None:
        await create_registry(team, "registry-a")
        await update(team, "registry-a", name="registry-b", description="ours", types=["model"])
        await delete(team, "registry-b")
        events = await events_of(team)
        assert [event.type.value for event in events] == [
            *("registry_created", "registry_renamed", "registry_updated", "registry_deleted")
        ]
        assert events[1].data == {"project": "registry-a", "new_name": "registry-b"}
        assert events[2].data["new_types"] == ["model"]

    async def test_a_change_must_say_what_and_hold_what_was_read(self, team: Team) -> None:
        made = await create_registry(team, "registry-a")
        with refused("FIELD_VIOLATION"):
            await update(team, "registry-a")
        await update(team, "registry-a", description="new", etag=made.etag)
        with refused("ETAG_MISMATCH"):
            await update(team, "registry-a", description="late", etag=made.etag)
        with refused("RESOURCE_NOT_FOUND"):
            await update(team, "registry-none", description="new")
