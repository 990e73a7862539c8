"""Who may move protected aliases: the rule of the services, for those who are no administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from hydria_server.domain.alias_errors import AliasProtectedError
from hydria_server.domain.errors import NotFoundError, ResourceInUseError
from hydria_server.domain.refs import CollectionName
from hydria_server.domain.roles import Role
from hydria_server.services.aliases import AliasOperation, AnyVersion
from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.commit import CommitRequest
from hydria_server.services.copies import CopyRequest
from hydria_server.services.protection import ProtectionChange
from hydria_server.services.registry import RegistryServices
from hydria_server.services.reuse import KnownContent
from hydria_server.services.sessions import NewUpload
from hydria_server.services.small_versions import InlineFile
from tests.servers import memory_server

WHO = "somebody"
CALLS = CollectionName("acme", "birds", "calls")
MODEL = CollectionName("acme", "model-registry", "Calls")


@dataclass(frozen=True, slots=True)
class Store:
    """Two versions, the first of them under `production`, which is protected."""

    artifacts: ArtifactServices
    registry: RegistryServices

    async def put(self, content: bytes, alias: str, role: Role) -> object:
        return await self.artifacts.small_versions.put(
            NewUpload(CALLS, "dataset", "", ""),
            [InlineFile("a", content)],
            CommitRequest(aliases=[alias] if alias else []),
            actor=WHO,
            role=role,
        )

    async def put_new(self, alias: str, role: Role) -> object:
        return await self.put(b"new", alias, role)

    async def move(self, alias: str, role: Role) -> object:
        operation = AliasOperation(alias, 1)
        return await self.artifacts.aliases.update(CALLS, [operation], actor=WHO, role=role)

    async def remove(self, alias: str, role: Role) -> object:
        operations = [AliasOperation("other", 1), AliasOperation(alias, None)]
        return await self.artifacts.aliases.update(CALLS, operations, actor=WHO, role=role)

    async def commit(self, alias: str, role: Role) -> object:
        upload = await self.artifacts.sessions.create(NewUpload(CALLS, "dataset", "", ""))
        request = CommitRequest(aliases=[alias])
        return await self.artifacts.commits.commit(upload.upload_id, request, actor=WHO, role=role)

    async def reuse(self, alias: str, role: Role) -> object:
        version = await self.artifacts.versions.get(f"{CALLS}:v1")
        return await self.artifacts.reuse.reuse(
            KnownContent(CALLS, "", version.digest),
            CommitRequest(aliases=[alias]),
            actor=WHO,
            role=role,
        )

    async def copy(self, alias: str, role: Role) -> object:
        request = CopyRequest(f"{CALLS}:v1", CALLS, aliases=[alias])
        return await self.artifacts.copies.copy(request, actor=WHO, role=role)

    async def link(self, alias: str, role: Role) -> object:
        return await self.registry.links.link(
            f"{CALLS}:v0", MODEL, aliases=[alias], actor=WHO, role=role
        )

    async def roll_back(self, alias: str, role: Role) -> object:
        return await self.artifacts.alias_history.roll_back(
            CALLS, alias, expected=AnyVersion(), actor=WHO, role=role
        )

    async def protect(self, alias: str, role: Role) -> object:
        return await self.change(CALLS, ProtectionChange(protect=[alias]), role)

    async def unprotect(self, alias: str, role: Role) -> object:
        return await self.change(CALLS, ProtectionChange(unprotect=[alias]), role)

    async def change(self, name: CollectionName, change: ProtectionChange, role: Role) -> object:
        return await self.registry.protections.change(name, change, actor=WHO, role=role)

    async def state(self) -> tuple[object, ...]:
        """Return where aliases point, what is protected, and how many versions there are."""
        found = await self.artifacts.collections.get(CALLS)
        return found, await self.artifacts.versions.get(f"{CALLS}:production")


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with memory_server() as server:
        store = Store(server.services, server.registry)
        await store.put(b"0", "production", Role.ADMIN)
        await store.put(b"1", "", Role.ADMIN)
        await store.protect("production", Role.ADMIN)
        rule = ProtectionChange(protect=["production"])
        await store.change(CollectionName("acme", "model-registry", ""), rule, Role.ADMIN)
        yield store


ACTS: list[Callable[[Store, str, Role], Awaitable[object]]] = [
    Store.put_new,
    Store.move,
    Store.remove,
    Store.commit,
    Store.reuse,
    Store.copy,
    Store.link,
    Store.roll_back,
    Store.protect,
    Store.unprotect,
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_a_member_moves_no_protected_alias_and_changes_nothing_by_trying(
    store: Store, act: Callable[[Store, str, Role], Awaitable[object]]
) -> None:
    before = await store.state()
    with pytest.raises(AliasProtectedError, match="administrators") as refusal:
        await act(store, "production", Role.MEMBER)
    assert refusal.value.details == {"alias": "production"}
    assert await store.state() == before
    with pytest.raises(NotFoundError):
        await store.artifacts.collections.get(MODEL)


@pytest.mark.parametrize(
    "act",
    [act for act in ACTS if "protect" not in act.__name__ and act is not Store.roll_back],
    ids=lambda act: act.__name__,
)
async def test_a_member_moves_every_other_alias(
    store: Store, act: Callable[[Store, str, Role], Awaitable[object]]
) -> None:
    await act(store, "mine", Role.MEMBER)


async def test_nobody_but_an_administrator_frees_what_a_protected_alias_holds(
    store: Store,
) -> None:
    with pytest.raises(ResourceInUseError, match="protected"):
        await store.artifacts.versions.delete(
            f"{CALLS}:v0", delete_aliases=True, force=True, etag="", actor=WHO
        )
    await store.unprotect("production", Role.ADMIN)
    await store.move("production", Role.MEMBER)
