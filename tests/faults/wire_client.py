"""Performs operations over the wire of a real server, which may be killed while it answers."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Iterable

import grpc

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.faults.model import Files, Seen
from tests.faults.operations import (
    ANY,
    COLLECTIONS,
    CONTENTS,
    DONE,
    Abort,
    Begin,
    Commit,
    DeleteCollection,
    DeleteVersion,
    MoveAlias,
    Operation,
    Rename,
    SendFile,
    Stage,
)
from tests.faults.stub_client import CALL_SECONDS, ENTITY, PROJECT, StubClient, all_chunks, entry_of
from tests.refusals import outcome_of, reason_of

_NAMES = {content: name for name, content in CONTENTS.items()}


class WireClient:
    """What all clients of one store know. It outlives the servers."""

    def __init__(self, source: random.Random) -> None:
        self.stubs: StubClient
        self._source = source
        self._begun: dict[str, Begin] = {}

    async def perform(self, operation: Operation) -> str | None:
        """Return the outcome of an operation, None if the server died."""
        try:
            return await self._perform(operation)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return None
            return reason_of(error)

    async def _perform(self, operation: Operation) -> str:
        stub = self.stubs.stub
        match operation:
            case Begin():
                await self._begin(operation)
            case Stage():
                return await self._stage(operation)
            case SendFile(key, writer, path, content):
                upload_id = (await self._upload(key)).upload_id
                data = CONTENTS[content]
                await self.stubs.upload_file(upload_id, path, data, writer_id=writer)
            case Commit(key, aliases):
                request = pb.CommitUploadRequest(
                    upload_id=(await self._upload(key)).upload_id, aliases=aliases
                )
                done = await stub.CommitUpload(request, timeout=CALL_SECONDS)
                return f"{done.version.version} {'made' if done.created else 'found'}"
            case Abort(key):
                upload_id = (await self._upload(key)).upload_id
                await stub.AbortUpload(pb.AbortUploadRequest(upload_id=upload_id))
            case _:
                return await self._change(operation)
        return DONE

    async def _change(self, operation: Operation) -> str:
        stub = self.stubs.stub
        call: Awaitable[object]
        match operation:
            case MoveAlias(collection, alias, number, expected):
                request = pb.UpdateAliasesRequest(
                    entity=ENTITY, project=PROJECT, collection=collection
                )
                request.operations.append(_alias_operation(alias, number, expected))
                call = stub.UpdateAliases(request, timeout=CALL_SECONDS)
            case Rename(collection, name):
                change = pb.UpdateCollectionRequest(
                    entity=ENTITY, project=PROJECT, collection=collection, name=name
                )
                change.update_mask.paths.append("name")
                call = stub.UpdateCollection(change, timeout=CALL_SECONDS)
            case DeleteVersion(collection, number, with_aliases):
                deletion = pb.DeleteVersionRequest(
                    ref=f"{ENTITY}/{PROJECT}/{collection}:v{number}", delete_aliases=with_aliases
                )
                call = stub.DeleteVersion(deletion, timeout=CALL_SECONDS)
            case DeleteCollection(collection):
                end = pb.DeleteCollectionRequest(
                    entity=ENTITY, project=PROJECT, collection=collection
                )
                call = stub.DeleteCollection(end, timeout=CALL_SECONDS)
            case _:
                raise AssertionError(f"nobody can perform {operation}")
        await call
        return DONE

    async def _begin(self, operation: Begin) -> types_pb2.Upload:
        base = f"{ENTITY}/{PROJECT}/{operation.collection}:latest"
        request = pb.CreateUploadRequest(
            entity=ENTITY,
            project=PROJECT,
            collection=operation.collection,
            type="dataset",
            base_version=base if operation.from_latest else "",
            request_id=operation.key,
        )
        self._begun[operation.key] = operation  # the answer may not come, and the upload be there
        return (await self.stubs.stub.CreateUpload(request, timeout=CALL_SECONDS)).upload

    async def _upload(self, key: str) -> types_pb2.Upload:
        """Return an upload; the same request id finds it again after any crash."""
        return await self._begin(self._begun[key])

    async def _stage(self, operation: Stage) -> str:
        upload_id = (await self._upload(operation.key)).upload_id
        puts = {path: CONTENTS[name] for path, name in operation.puts.items()}
        missing = await self.stubs.missing(upload_id, all_chunks(puts))
        forgotten = set(missing) & set(self.stubs.promises.durable_chunks)
        assert not forgotten, "I6: what was acknowledged is asked for again"
        if self._source.random() < 0.5:
            await self.stubs.send(upload_id, missing)
        else:
            for chunk in missing:
                await self.stubs.put(upload_id, [chunk])
        staged = [pb.StageOperation(put=entry_of(p, content)) for p, content in puts.items()]
        staged += [pb.StageOperation(remove_path=path) for path in operation.removed]
        request = pb.StageFilesRequest(
            upload_id=upload_id, writer_id=operation.writer, seq=operation.seq, operations=staged
        )
        response = await self.stubs.stub.StageFiles(request, timeout=CALL_SECONDS)
        return f"staged {response.staged_through_seq}"

    # --- looking ---------------------------------------------------------------------------------

    async def look(self, keys: Iterable[str]) -> Seen:
        """Return what a client can see; `keys` name the uploads that may be there."""
        collections: dict[str, tuple[dict[int, Files], dict[str, int]]] = {}
        redirects: dict[str, str] = {}
        for name in COLLECTIONS:
            request = pb.GetCollectionRequest(entity=ENTITY, project=PROJECT, collection=name)
            if await outcome_of(self.stubs.stub.GetCollection(request)) == "RESOURCE_NOT_FOUND":
                continue
            found = (await self.stubs.stub.GetCollection(request)).collection
            if found.name == name:
                collections[name] = await self._collection(name)
            else:
                redirects[name] = found.name
        return Seen(collections, redirects, {key: await self._progress(key) for key in keys})

    async def _collection(self, name: str) -> tuple[dict[int, Files], dict[str, int]]:
        request = pb.ListVersionsRequest(
            entity=ENTITY, project=PROJECT, collection=name, page_size=1000
        )
        versions: dict[int, Files] = {}
        aliases: dict[str, int] = {}
        for version in (await self.stubs.stub.ListVersions(request)).versions:
            number = int(version.version[1:])
            files = await self.stubs.download(version.ref)
            versions[number] = {path: _NAMES[content] for path, content in files.items()}
            aliases |= dict.fromkeys(version.aliases, number)
        return versions, aliases

    async def _progress(self, key: str) -> tuple[str, dict[str, int]]:
        upload = await self._upload(key)
        state = types_pb2.UploadState.Name(upload.state).removeprefix("UPLOAD_STATE_")
        writers = {w.writer_id: w.staged_through_seq for w in upload.writers}
        return state, {writer: seq for writer, seq in writers.items() if seq}


def _alias_operation(alias: str, number: int | None, expected: int | None) -> pb.AliasOperation:
    operation = pb.AliasOperation(alias=alias)
    if number is None:
        operation.remove = True
    else:
        operation.set_version = f"v{number}"
    if expected != ANY:
        operation.expected_version = "" if expected is None else f"v{expected}"
    return operation
