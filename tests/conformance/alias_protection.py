"""Protected aliases through the wire, where every caller is an administrator."""

from __future__ import annotations

import asyncio

import pytest

from hydria.v1 import artifact_pb2, registry_pb2, types_pb2
from tests.conformance.artifact_rules import events_of
from tests.pasts import force_delete, protect, remove_alias, roll_back
from tests.refusals import outcome_of, refused
from tests.shelves import Shelf, create_registry, registry_stub
from tests.teams import Team


class AliasProtectionContract:
    """Who may move an alias is a rule of its collection or registry; what it holds stays."""

    async def test_protected_aliases_are_told_by_their_collection(self, team: Team) -> None:
        await team.log({"a": b"0"})
        shelf = Shelf(team)
        before = await shelf.model()
        assert await protect(team, "production", "best") == ["best", "production"]
        assert await protect(team, "best", off=True) == ["production"]
        after = await shelf.model()
        assert list(after.protected_aliases) == ["production"]
        assert before.etag != after.etag

    async def test_a_rule_of_a_registry_holds_for_all_its_models_those_to_come_among_them(
        self, team: Team
    ) -> None:
        await team.log({"a": b"0"})
        shelf = Shelf.of(team)
        assert await protect(shelf.team, "production", whole_registry=True) == ["production"]
        await shelf.link(team.ref(), aliases=["production"])
        assert await protect(shelf.team, "staging", "production") == ["production", "staging"]
        assert list((await shelf.model()).protected_aliases) == ["production", "staging"]
        request = registry_pb2.GetRegistryRequest(entity=team.name, registry="model-registry")
        registry = (await registry_stub(team.server).GetRegistry(request)).registry
        assert list(registry.protected_aliases) == ["production"]
        assert await protect(shelf.team, "staging", "production", off=True) == []
        assert list((await shelf.model()).protected_aliases) == ["production"]
        with refused("RESOURCE_IN_USE"):
            await force_delete(shelf.team, ":v0")

    async def test_a_rule_may_be_there_before_anything_of_its_entity(self, team: Team) -> None:
        shelf = Shelf.of(team)
        assert await protect(shelf.team, "production", whole_registry=True) == ["production"]
        await team.log({"a": b"0"})
        await shelf.link(team.ref())
        assert list((await shelf.model()).protected_aliases) == ["production"]

    async def test_administrators_move_protected_aliases_by_every_call(self, team: Team) -> None:
        await team.log({"a": b"0"}, aliases=["production"])
        await protect(team, "production")
        await team.log({"a": b"1"}, aliases=["production"])
        await team.point("production", "v0", expected="v1")
        assert (await roll_back(team, "production")).change.version == "v1"
        await remove_alias(team, "production")
        await force_delete(team, ":v1")

    async def test_what_holds_a_protected_alias_is_not_deleted_by_force(self, team: Team) -> None:
        await team.log({"a": b"0"}, aliases=["production"])
        await team.log({"a": b"1"})
        await protect(team, "production")
        before = await events_of(team)
        with refused("RESOURCE_IN_USE") as refusal:
            await force_delete(team, ":v0")
        assert refusal.metadata == {"protected_aliases": team.ref(":production")}
        with refused("RESOURCE_IN_USE"):
            await team.stub.DeleteCollection(
                artifact_pb2.DeleteCollectionRequest(
                    entity=team.name,
                    project=team.project,
                    collection=team.collection,
                    force=True,
                )
            )
        assert await events_of(team) == before
        await protect(team, "production", off=True)
        await force_delete(team, ":v0")
        assert await team.numbers() == ["v1"]

    async def test_a_protected_link_is_not_unlinked_and_holds_its_source(self, team: Team) -> None:
        await team.log({"a": b"0"})
        shelf = Shelf.of(team)
        await shelf.link(team.ref(), aliases=["production"])
        await protect(shelf.team, "production")
        with refused("RESOURCE_IN_USE"):
            await shelf.unlink(delete_aliases=True)
        with refused("RESOURCE_IN_USE"):
            await force_delete(shelf.team, ":production")
        with refused("RESOURCE_IN_USE") as refusal:
            await force_delete(team, ":v0")
        assert refusal.metadata == {"protected_aliases": shelf.ref(":production")}
        for project, collection in (
            (team.project, team.collection),
            (shelf.team.project, shelf.team.collection),
        ):
            with refused("RESOURCE_IN_USE"):
                await team.stub.DeleteCollection(
                    artifact_pb2.DeleteCollectionRequest(
                        entity=team.name, project=project, collection=collection, force=True
                    )
                )
        assert await team.contents() == {"a": b"0"}
        await remove_alias(shelf.team, "production")
        await force_delete(team, ":v0")
        assert await shelf.team.numbers() == []

    async def test_a_protected_alias_never_goes_back_to_what_is_being_deleted(
        self, team: Team
    ) -> None:
        for content in (b"0", b"1"):
            await team.log({"a": content}, aliases=["production"])
        await protect(team, "production")
        back, gone = await asyncio.gather(
            outcome_of(roll_back(team, "production")), outcome_of(force_delete(team, ":v0"))
        )
        assert (back, gone) in (("", "RESOURCE_IN_USE"), ("NO_PREVIOUS_VERSION", ""))
        holder = await team.version(":production")
        assert holder.state == types_pb2.VERSION_STATE_COMMITTED
        assert holder.version == ("v1" if back else "v0")

    async def test_a_registry_with_a_protected_alias_in_use_is_not_deleted(
        self, team: Team
    ) -> None:
        await team.log({"a": b"0"})
        await create_registry(team, "registry-field")
        shelf = Shelf.of(team, registry="registry-field")
        await shelf.link(team.ref(), aliases=["production"])
        await protect(shelf.team, "production", whole_registry=True)
        request = registry_pb2.DeleteRegistryRequest(
            entity=team.name, registry="registry-field", force=True
        )
        with refused("RESOURCE_IN_USE"):
            await registry_stub(team.server).DeleteRegistry(request)
        await shelf.team.rename("Others")  # a rename moves no rule
        with refused("RESOURCE_IN_USE"):
            await registry_stub(team.server).DeleteRegistry(request)
        await protect(shelf.team, "production", off=True, whole_registry=True)
        await registry_stub(team.server).DeleteRegistry(request)

    async def test_a_rule_is_history_once(self, team: Team) -> None:
        await team.log({"a": b"0"})
        before = len(await events_of(team))
        for _ in range(2):
            await protect(team, "production")
        events = (await events_of(team))[before:]
        assert [event.type.value for event in events] == ["protection_changed"]
        assert (events[0].data["old_protected"], events[0].data["new_protected"]) == (
            [],
            ["production"],
        )

    async def test_rules_of_one_collection_are_not_those_of_another(self, team: Team) -> None:
        await team.log({"a": b"0"}, aliases=["production"])
        await team.log({"a": b"0"}, aliases=["production"], collection="others")
        await protect(team, "production")
        others = Team(team.server, team.name, team.project, "others")
        await force_delete(others, ":v0")

    @pytest.mark.parametrize(
        ("alias", "reason"),
        [("latest", "NAME_RESERVED"), ("v3", "NAME_RESERVED"), ("a/b", "NAME_INVALID")],
    )
    async def test_what_is_no_alias_is_not_protected(
        self, team: Team, alias: str, reason: str
    ) -> None:
        await team.log({"a": b"0"})
        for off in (False, True):
            with refused(reason):
                await protect(team, alias, off=off)

    async def test_what_is_malformed_is_refused(self, team: Team) -> None:
        await team.log({"a": b"0"})
        stub = registry_stub(team.server)
        name = {"entity": team.name, "project": team.project, "collection": team.collection}
        for protected, unprotected in (((), ()), (("a", "b"), ("b",)), (["a"] * 101, ())):
            request = registry_pb2.ProtectAliasesRequest(
                **name, protect=protected, unprotect=unprotected
            )
            with refused("FIELD_VIOLATION"):
                await stub.ProtectAliases(request)
        assert len(await protect(team, *(f"a{at}" for at in range(100)))) == 100
        with refused("FIELD_VIOLATION"):
            await protect(team, "one more")
        with refused("RESOURCE_NOT_FOUND"):
            await protect(team, "a", whole_registry=True)  # a project is no registry
        with refused("RESOURCE_NOT_FOUND"):
            await protect(Team(team.server, team.name, team.project, "nothing"), "a")
