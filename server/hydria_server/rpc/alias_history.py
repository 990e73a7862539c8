"""The calls on aliases that protect them, tell where they pointed, and move them back."""

from __future__ import annotations

from hydria.v1 import registry_pb2
from hydria_server.domain.alias_records import AliasHolding
from hydria_server.domain.names import canonical_project
from hydria_server.domain.records import CollectionRecord
from hydria_server.domain.refs import CollectionName
from hydria_server.rpc import messages, requests
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.family import RegistryRpcs
from hydria_server.services.alias_history import HistoryRequest
from hydria_server.services.protection import ProtectionChange


class AliasHistoryRpcs(RegistryRpcs):
    """ProtectAliases, ListAliasHistory, RollbackAlias."""

    async def ProtectAliases(
        self, request: registry_pb2.ProtectAliasesRequest, context: Context
    ) -> registry_pb2.ProtectAliasesResponse:
        protected = await self.services.protections.change(
            CollectionName(request.entity, canonical_project(request.project), request.collection),
            ProtectionChange(request.protect, request.unprotect),
            actor=self.actor(context),
            role=self.role(context),
        )
        return registry_pb2.ProtectAliasesResponse(protected_aliases=protected)

    async def ListAliasHistory(
        self, request: registry_pb2.ListAliasHistoryRequest, context: Context
    ) -> registry_pb2.ListAliasHistoryResponse:
        page = await self.services.alias_history.list(
            HistoryRequest(
                requests.collection_name(request),
                request.alias,
                requests.as_of_us(request),
                request.page_size,
                request.page_token,
            )
        )
        return registry_pb2.ListAliasHistoryResponse(
            intervals=[interval_message(page.collection, each) for each in page.holdings],
            next_page_token=page.next_page_token,
        )

    async def RollbackAlias(
        self, request: registry_pb2.RollbackAliasRequest, context: Context
    ) -> registry_pb2.RollbackAliasResponse:
        done = await self.services.alias_history.roll_back(
            requests.collection_name(request),
            request.alias,
            expected=requests.expected_version(request),
            actor=self.actor(context),
            role=self.role(context),
        )
        note("version", done.version.ref)
        return registry_pb2.RollbackAliasResponse(
            change=messages.alias_change_message(done.change),
            version=messages.version_message(done.version),
        )


def interval_message(
    collection: CollectionRecord, holding: AliasHolding
) -> registry_pb2.AliasInterval:
    """Return an interval as clients see it."""
    interval = holding.interval
    version = messages.version_name(holding.number)
    ended_us = interval.to_time_us
    return registry_pb2.AliasInterval(
        alias=interval.alias,
        version=version,
        version_ref=f"{collection.entity}/{collection.project}/{collection.name}:{version}",
        from_time=messages.timestamp(interval.from_time_us),
        to_time=None if ended_us is None else messages.timestamp(ended_us),
        actor=interval.actor,
        state=messages.VERSION_STATES[holding.state],
    )
