"""Short words for what clients do with the past of aliases, and with those that are protected."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import artifact_pb2, registry_pb2, types_pb2
from tests.shelves import registry_stub
from tests.teams import Team


def moment(time_us: int) -> Timestamp:
    """Return microseconds since 1970 as a message."""
    return Timestamp(seconds=time_us // 1_000_000, nanos=time_us % 1_000_000 * 1000)


def time_us(message: Timestamp) -> int:
    """Return a message as microseconds since 1970."""
    return message.seconds * 1_000_000 + message.nanos // 1000


async def history_of(
    team: Team, alias: str = "", *, as_of: Timestamp | None = None, page_size: int = 2
) -> list[registry_pb2.AliasInterval]:
    """Return the history of the team's collection, page by page."""
    found: list[registry_pb2.AliasInterval] = []
    token = ""
    while True:
        request = registry_pb2.ListAliasHistoryRequest(
            entity=team.name,
            project=team.project,
            collection=team.collection,
            alias=alias,
            as_of=as_of,
            page_size=page_size,
            page_token=token,
        )
        page = await registry_stub(team.server).ListAliasHistory(request)
        assert len(page.intervals) <= page_size
        found += page.intervals
        token = page.next_page_token
        if not token:
            return found


async def roll_back(
    team: Team, alias: str, *, expected: str | None = None
) -> registry_pb2.RollbackAliasResponse:
    """Point an alias of the team's collection back."""
    return await registry_stub(team.server).RollbackAlias(
        registry_pb2.RollbackAliasRequest(
            entity=team.name,
            project=team.project,
            collection=team.collection,
            alias=alias,
            expected_version=expected,
        )
    )


async def protect(
    team: Team, *aliases: str, off: bool = False, whole_registry: bool = False
) -> list[str]:
    """Protect aliases of the team's collection, or of all of its registry."""
    response = await registry_stub(team.server).ProtectAliases(
        registry_pb2.ProtectAliasesRequest(
            entity=team.name,
            project=team.project,
            collection="" if whole_registry else team.collection,
            protect=() if off else aliases,
            unprotect=aliases if off else (),
        )
    )
    return list(response.protected_aliases)


async def version_at(team: Team, suffix: str, time: Timestamp) -> types_pb2.Version:
    """Return what a ref of the team's collection named at a time."""
    request = artifact_pb2.GetVersionRequest(ref=team.ref(suffix), as_of=time)
    return (await team.stub.GetVersion(request)).version


async def remove_alias(team: Team, alias: str) -> None:
    """Remove an alias of the team's collection."""
    await team.change_aliases(artifact_pb2.AliasOperation(alias=alias, remove=True))


async def force_delete(team: Team, suffix: str) -> types_pb2.Version:
    """Delete a version with all that a caller can say for it."""
    request = artifact_pb2.DeleteVersionRequest(
        ref=team.ref(suffix), delete_aliases=True, force=True
    )
    return (await team.stub.DeleteVersion(request)).version
