"""A page ends before its names are more than a message can hold."""

from __future__ import annotations

from hydria.v1 import artifact_pb2 as pb
from hydria_server.storage.metadata.interface import Rows
from tests.servers import memory_server
from tests.teams import Team

GRPC_DEFAULT_BYTES = 4 << 20


async def test_tags_and_aliases_count_when_a_page_is_filled() -> None:
    async with memory_server() as server:
        team = Team.new(server)
        versions = [await team.log({"a": bytes([at])}) for at in range(10)]
        names = [f"{at:04}" + "🐦" * 124 for at in range(1000)]  # half a MiB

        async def name_them(rows: Rows) -> None:
            collection = await rows.names.collection(team.name, "birds", "calls")
            assert collection is not None
            for version in versions:
                found = await rows.versions.by_number(collection.id, int(version.version[1:]))
                assert found is not None
                await rows.versions.add_tags(found.id, names, now_us=1)

        await server.metadata.write(name_them)
        request = pb.ListVersionsRequest(entity=team.name, project="birds", page_size=1000)
        found: list[str] = []
        while True:
            page = await server.stub.ListVersions(request)
            assert page.ByteSize() < GRPC_DEFAULT_BYTES
            found += [version.version for version in page.versions]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert found == [f"v{at}" for at in reversed(range(10))]
