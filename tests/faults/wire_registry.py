"""Performs operations on registries over the wire."""

from __future__ import annotations

from collections.abc import Awaitable

from hydria.v1 import registry_pb2 as pb
from hydria.v1 import registry_pb2_grpc
from tests.faults.changes import ANY
from tests.faults.contents import REGISTRIES
from tests.faults.model import Number
from tests.faults.operations import DONE
from tests.faults.places import place_of, ref_of
from tests.faults.registry_changes import (
    CreateRegistry,
    DeleteRegistry,
    Link,
    Protect,
    RegistryOperation,
    Rollback,
    Unlink,
)
from tests.faults.stub_client import CALL_SECONDS, ENTITY
from tests.refusals import outcome_of


def expected_text(expected: Number) -> str | None:
    """Return what `expected_version` says; None leaves it unset."""
    if expected == ANY:
        return None
    return "" if expected is None else f"v{expected}"


async def perform(
    stub: registry_pb2_grpc.RegistryServiceAsyncStub, operation: RegistryOperation
) -> str:
    """Return the outcome of an operation; refusals are raised."""
    call: Awaitable[object]
    match operation:
        case Link(source, selector, name, aliases):
            registry, model = place_of(name)
            link = pb.LinkVersionRequest(
                source_ref=ref_of(source, selector),
                entity=ENTITY,
                registry=registry,
                collection=model,
                aliases=aliases,
            )
            linked = await stub.LinkVersion(link, timeout=CALL_SECONDS)
            return f"{linked.version.version} {'made' if linked.created else 'found'}"
        case Unlink(name, number, with_aliases):
            unlink = pb.UnlinkVersionRequest(ref=ref_of(name, number), delete_aliases=with_aliases)
            call = stub.UnlinkVersion(unlink, timeout=CALL_SECONDS)
        case Rollback(name, alias, expected):
            project, collection = place_of(name)
            back = pb.RollbackAliasRequest(
                entity=ENTITY,
                project=project,
                collection=collection,
                alias=alias,
                expected_version=expected_text(expected),
            )
            call = stub.RollbackAlias(back, timeout=CALL_SECONDS)
        case Protect(name, alias, is_on):
            project, collection = (name, "") if name in REGISTRIES else place_of(name)
            rule = pb.ProtectAliasesRequest(entity=ENTITY, project=project, collection=collection)
            (rule.protect if is_on else rule.unprotect).append(alias)
            call = stub.ProtectAliases(rule, timeout=CALL_SECONDS)
        case CreateRegistry(name):
            new = pb.CreateRegistryRequest(entity=ENTITY, registry=name)
            call = stub.CreateRegistry(new, timeout=CALL_SECONDS)
        case DeleteRegistry(name, force):
            end = pb.DeleteRegistryRequest(entity=ENTITY, registry=name, force=force)
            call = stub.DeleteRegistry(end, timeout=CALL_SECONDS)
    await call
    return DONE


async def look(stub: registry_pb2_grpc.RegistryServiceAsyncStub) -> frozenset[str]:
    """Return which registries there are."""
    found = set(REGISTRIES[:1])  # it comes with its entity, which need not be there yet
    for name in REGISTRIES[1:]:
        request = pb.GetRegistryRequest(entity=ENTITY, registry=name)
        if not await outcome_of(stub.GetRegistry(request, timeout=CALL_SECONDS)):
            found.add(name)
    return frozenset(found)
