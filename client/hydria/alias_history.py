"""Aliases as they were, the way back, and who may move them: a part of `AsyncClient.registry`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hydria import messages
from hydria.alias_records import AliasInterval, RollbackResult
from hydria.connection import Connection
from hydria.pages import PAGE_SIZE, Pages
from hydria.records import VersionState
from hydria.refs import Defaults
from hydria.v1 import registry_pb2 as pb
from hydria.v1 import types_pb2


class AsyncAliasHistory:
    """The methods of `AsyncRegistry` on aliases, of collections of projects as well.

    `name` is a registered model or a collection, `[[ENTITY/]PROJECT/]NAME`; without a project it is
    one of `model-registry`.
    """

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        self._connection = connection
        self._models = defaults

    def history(
        self, name: str, alias: str = "", *, as_of: datetime | None = None
    ) -> Pages[AliasInterval]:
        """Return where the aliases of `name` pointed and when, the latest beginning first.

        Args:
            name: the registered model or collection.
            alias: only this one.
            as_of: only where an alias pointed at this time, an aware one.
        """
        of, moment = self._models.collection(name), messages.given_time(as_of)

        async def fetch(token: str) -> tuple[list[AliasInterval], str]:
            request = pb.ListAliasHistoryRequest(
                entity=of.entity,
                project=of.project,
                collection=of.collection,
                alias=alias,
                as_of=moment,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            method = self._connection.registry_stub.ListAliasHistory
            page = await self._connection.call(method, request)
            return [_interval_of(item) for item in page.intervals], page.next_page_token

        return Pages(fetch)

    async def rollback(
        self, name: str, alias: str, *, expected_version: str | None = None
    ) -> RollbackResult:
        """Point an alias to the version that held it before the present one.

        Versions that were deleted since are passed over. Twice is there and back again: it is not
        repeated when the connection fails, and with `expected_version` it is safe to repeat.

        Args:
            name: the registered model or collection.
            alias: may be one that was removed; it is brought back.
            expected_version: only if it points there now (`vN`); empty: only if it is removed.

        Raises:
            AliasConflictError: it points elsewhere.
            NoPreviousVersionError: no other version that held it is left.
            AliasNotFoundError: it never pointed anywhere.
            AliasProtectedError: only administrators may.
        """
        of = self._models.collection(name)
        request = pb.RollbackAliasRequest(
            entity=of.entity,
            project=of.project,
            collection=of.collection,
            alias=alias,
            expected_version=expected_version,
        )
        method = self._connection.registry_stub.RollbackAlias
        response = await self._connection.call(method, request)
        return RollbackResult(
            change=messages.alias_change_of(response.change),
            version=messages.version_of(response.version),
        )

    async def protect(
        self, name: str, aliases: Sequence[str], *, is_registry: bool = False
    ) -> tuple[str, ...]:
        """Let only administrators move some aliases; what they point to cannot be deleted.

        Args:
            name: the registered model or collection.
            aliases: need not exist.
            is_registry: `name` is `[ENTITY/]REGISTRY`, and all of its models are meant.

        Returns:
            all aliases that the collection, or the registry, protects by itself then.

        Raises:
            AliasProtectedError: only administrators may.
        """
        request = self._protection(name, is_registry)
        request.protect.extend(aliases)
        return await self._change_protection(request)

    async def unprotect(
        self, name: str, aliases: Sequence[str], *, is_registry: bool = False
    ) -> tuple[str, ...]:
        """Protect some aliases no longer. Arguments and errors as `protect`."""
        request = self._protection(name, is_registry)
        request.unprotect.extend(aliases)
        return await self._change_protection(request)

    def _protection(self, name: str, is_registry: bool) -> pb.ProtectAliasesRequest:
        if is_registry:
            entity, registry = self._models.project_path(name)
            return pb.ProtectAliasesRequest(entity=entity, project=registry)
        of = self._models.collection(name)
        return pb.ProtectAliasesRequest(
            entity=of.entity, project=of.project, collection=of.collection
        )

    async def _change_protection(self, request: pb.ProtectAliasesRequest) -> tuple[str, ...]:
        method = self._connection.registry_stub.ProtectAliases
        response = await self._connection.call(method, request)
        return tuple(response.protected_aliases)


def _interval_of(message: pb.AliasInterval) -> AliasInterval:
    is_deleted = message.state == types_pb2.VERSION_STATE_DELETED
    return AliasInterval(
        alias=message.alias,
        version=message.version,
        version_ref=message.version_ref,
        from_time=messages.time_of(message.from_time),
        to_time=messages.time_of(message.to_time) if message.HasField("to_time") else None,
        actor=message.actor,
        state=VersionState.DELETED if is_deleted else VersionState.COMMITTED,
    )
