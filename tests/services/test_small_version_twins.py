"""The same PutVersion twice at once: a client that retries too early, or by mistake."""

from __future__ import annotations

import pytest

from hydria.v1 import artifact_pb2 as pb
from hydria_server.services.capacity import Capacity
from tests.refusals import refused
from tests.servers import memory_server
from tests.teams import Team


@pytest.mark.parametrize("lasting", [True, False])
async def test_a_twin_of_a_refused_call_finds_out_for_itself(
    monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    """The refused one leaves nothing behind, between the look and the transaction of the other."""
    async with memory_server() as server:
        team = Team.new(server)
        await team.log({"a": b"a"})
        request = pb.PutVersionRequest(
            entity=team.name,
            project=team.project,
            collection=team.collection,
            type="another",
            request_id="once",
        )
        retype = pb.UpdateCollectionRequest(
            entity=team.name, project=team.project, collection=team.collection, type="another"
        )
        retype.update_mask.paths.append("type")
        require_room = Capacity.require_room

        async def look_after_a_twin(self: Capacity) -> None:
            monkeypatch.setattr(Capacity, "require_room", require_room)
            with refused("TYPE_MISMATCH"):
                await server.stub.PutVersion(request)
            if not lasting:
                await server.stub.UpdateCollection(retype)
            await require_room(self)

        monkeypatch.setattr(Capacity, "require_room", look_after_a_twin)
        if lasting:
            with refused("TYPE_MISMATCH"):
                await server.stub.PutVersion(request)
        else:
            made = await server.stub.PutVersion(request)
            assert (made.version.version, made.created) == ("v1", True)
            assert await server.stub.PutVersion(request) == made
