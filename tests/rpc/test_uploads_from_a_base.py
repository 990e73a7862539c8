"""An upload that starts from a version that is deleted meanwhile."""

from __future__ import annotations

from hydria.v1 import artifact_pb2
from tests.servers import memory_server

NAME = {"entity": "team", "project": "birds", "collection": "calls", "type": "dataset"}


async def test_a_base_that_is_deleted_meanwhile_stays_readable_until_the_upload_ends() -> None:
    async with memory_server() as server:
        files = [artifact_pb2.InlineFile(path="kept.txt", content=b"kept")]
        await server.stub.PutVersion(artifact_pb2.PutVersionRequest(files=files, **NAME))
        begun = await server.stub.CreateUpload(
            artifact_pb2.CreateUploadRequest(base_version="team/birds/calls:v0", **NAME)
        )
        await server.stub.DeleteVersion(
            artifact_pb2.DeleteVersionRequest(ref="team/birds/calls:v0")
        )
        committed = await server.stub.CommitUpload(
            artifact_pb2.CommitUploadRequest(upload_id=begun.upload.upload_id)
        )
        assert committed.version.ref == "team/birds/calls:v1"
        listed = await server.stub.ListFiles(
            artifact_pb2.ListFilesRequest(ref=committed.version.ref)
        )
        assert [file.path for file in listed.files] == ["kept.txt"]
