"""Performs operations over the wire of a real server, which may be killed while it answers."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Iterable

import grpc

from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2
from tests.faults import wire_registry
from tests.faults.changes import (
    DeleteCollection,
    DeleteVersion,
    MoveAlias,
    Rename,
    Retype,
)
from tests.faults.contents import (
    COLLECTIONS,
    CONTENTS,
    NAME_OF,
    REGISTERED,
    Reference,
    referenced,
    stored,
    version_digest_of,
)
from tests.faults.model import LATEST, Files, Seen, Shown
from tests.faults.operations import DONE, Abort, Begin, Commit, Operation, SendFile, Stage
from tests.faults.places import linked_by, place_of
from tests.faults.places import ref_of as _ref
from tests.faults.registry_changes import RegistryOperation
from tests.faults.shortcuts import Copy, PutSmall, Reuse
from tests.faults.stub_client import CALL_SECONDS, ENTITY, PROJECT, StubClient, all_chunks, entry_of
from tests.refusals import outcome_of, reason_of


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
                return _told(done.version, created=done.created)
            case Abort(key):
                upload_id = (await self._upload(key)).upload_id
                await stub.AbortUpload(pb.AbortUploadRequest(upload_id=upload_id))
            case PutSmall() | Copy() | Reuse():
                return await self._make(operation)
            case _ if isinstance(operation, RegistryOperation):
                return await wire_registry.perform(self.stubs.registry, operation)
            case _:
                await self._change(operation)
        return DONE

    async def _make(self, operation: PutSmall | Copy | Reuse) -> str:
        stub = self.stubs.stub
        match operation:
            case PutSmall(key, collection, type_, files, aliases):
                put = pb.PutVersionRequest(
                    entity=ENTITY,
                    project=PROJECT,
                    collection=collection,
                    type=type_,
                    files=[pb.InlineFile(path=p, content=c) for p, c in stored(files).items()],
                    aliases=aliases,
                    request_id=key,
                )
                new = await stub.PutVersion(put, timeout=CALL_SECONDS)
                return _told(new.version, created=new.created)
            case Copy(source, selector, collection, type_, aliases, key):
                copy = pb.CopyVersionRequest(
                    source_ref=_ref(source, selector),
                    entity=ENTITY,
                    project=PROJECT,
                    collection=collection,
                    type=type_,
                    aliases=aliases,
                    request_id=key,
                )
                copied = await stub.CopyVersion(copy, timeout=CALL_SECONDS)
                return _told(copied.version, created=copied.created)
            case Reuse(collection, type_, files, aliases):
                known = pb.ReuseVersionRequest(
                    entity=ENTITY,
                    project=PROJECT,
                    collection=collection,
                    type=type_,
                    digest=version_digest_of(files),
                    aliases=aliases,
                )
                found = await stub.ReuseVersion(known, timeout=CALL_SECONDS)
                return _told(found.version, created=False)

    async def _change(self, operation: Operation) -> None:
        stub = self.stubs.stub
        call: Awaitable[object]
        match operation:
            case MoveAlias(collection, alias, number, expected):
                project, name = place_of(collection)
                request = pb.UpdateAliasesRequest(entity=ENTITY, project=project, collection=name)
                request.operations.append(_alias_operation(alias, number, expected))
                call = stub.UpdateAliases(request, timeout=CALL_SECONDS)
            case Rename(collection, name):
                change = pb.UpdateCollectionRequest(
                    entity=ENTITY, project=PROJECT, collection=collection, name=name
                )
                change.update_mask.paths.append("name")
                call = stub.UpdateCollection(change, timeout=CALL_SECONDS)
            case Retype(collection, type_):
                change = pb.UpdateCollectionRequest(
                    entity=ENTITY, project=PROJECT, collection=collection, type=type_
                )
                change.update_mask.paths.append("type")
                call = stub.UpdateCollection(change, timeout=CALL_SECONDS)
            case DeleteVersion(collection, number, with_aliases, force):
                deletion = pb.DeleteVersionRequest(
                    ref=_ref(collection, number), delete_aliases=with_aliases, force=force
                )
                call = stub.DeleteVersion(deletion, timeout=CALL_SECONDS)
            case DeleteCollection(collection, force):
                project, name = place_of(collection)
                end = pb.DeleteCollectionRequest(
                    entity=ENTITY, project=project, collection=name, force=force
                )
                call = stub.DeleteCollection(end, timeout=CALL_SECONDS)
            case _:
                raise AssertionError(f"nobody can perform {operation}")
        await call

    async def _begin(self, operation: Begin) -> types_pb2.Upload:
        request = pb.CreateUploadRequest(
            entity=ENTITY,
            project=PROJECT,
            collection=operation.collection,
            type=operation.type,
            base_version=_ref(operation.collection, LATEST) if operation.from_latest else "",
            request_id=operation.key,
        )
        self._begun[operation.key] = operation  # the answer may not come, and the upload be there
        return (await self.stubs.stub.CreateUpload(request, timeout=CALL_SECONDS)).upload

    async def _upload(self, key: str) -> types_pb2.Upload:
        """Return an upload; the same request id finds it again after any crash."""
        return await self._begin(self._begun[key])

    async def _stage(self, operation: Stage) -> str:
        upload_id = (await self._upload(operation.key)).upload_id
        puts = stored(operation.puts)
        missing = await self.stubs.missing(upload_id, all_chunks(puts))
        forgotten = set(missing) & set(self.stubs.promises.durable_chunks)
        assert not forgotten, "I6: what was acknowledged is asked for again"
        if self._source.random() < 0.5:
            await self.stubs.send(upload_id, missing)
        else:
            for chunk in missing:
                await self.stubs.put(upload_id, [chunk])
        request = pb.StageFilesRequest(
            upload_id=upload_id,
            writer_id=operation.writer,
            seq=operation.seq,
            operations=_staged(operation),
        )
        response = await self.stubs.stub.StageFiles(request, timeout=CALL_SECONDS)
        return f"staged {response.staged_through_seq}"

    # --- looking ---------------------------------------------------------------------------------

    async def look(self, keys: Iterable[str]) -> Seen:
        """Return what a client can see; `keys` name the uploads that may be there."""
        collections: dict[str, Shown] = {}
        redirects: dict[str, str] = {}
        for name in (*COLLECTIONS, *REGISTERED):
            project, collection = place_of(name)
            request = pb.GetCollectionRequest(entity=ENTITY, project=project, collection=collection)
            if await outcome_of(self.stubs.stub.GetCollection(request)) == "RESOURCE_NOT_FOUND":
                continue
            found = (await self.stubs.stub.GetCollection(request)).collection
            if found.name == collection:
                collections[name] = await self._collection(found)
            else:
                redirects[name] = found.name
        uploads = {key: await self._progress(key) for key in keys}
        registries = await wire_registry.look(self.stubs.registry)
        return Seen(collections, redirects, uploads, registries)

    async def _collection(self, found: types_pb2.Collection) -> Shown:
        request = pb.ListVersionsRequest(
            entity=ENTITY, project=found.project, collection=found.name, page_size=1000
        )
        versions: dict[int, Files] = {}
        aliases: dict[str, int] = {}
        links: dict[int, tuple[str, int]] = {}
        for version in (await self.stubs.stub.ListVersions(request)).versions:
            number = int(version.version[1:])
            versions[number] = await self._files(version)
            aliases |= dict.fromkeys(version.aliases, number)
            if version.source_ref:
                links[number] = linked_by(version.source_ref)
        protected = frozenset(found.protected_aliases)
        return Shown(found.type, versions, aliases, links, protected)

    async def _files(self, version: types_pb2.Version) -> dict[str, str]:
        files = await self.stubs.download(version.ref)
        names = {path: NAME_OF[content] for path, content in files.items()}
        if len(names) < version.file_count:
            request = pb.ListFilesRequest(ref=version.ref, page_size=1000)
            for file in (await self.stubs.stub.ListFiles(request)).files:
                if file.kind == types_pb2.FILE_KIND_REFERENCE:
                    said = Reference(file.ref_uri, file.size_bytes, file.ref_checksum)
                    names[file.path] = NAME_OF[said]
        return names

    async def _progress(self, key: str) -> tuple[str, dict[str, int]]:
        upload = await self._upload(key)
        state = types_pb2.UploadState.Name(upload.state).removeprefix("UPLOAD_STATE_")
        writers = {w.writer_id: w.staged_through_seq for w in upload.writers}
        return state, {writer: seq for writer, seq in writers.items() if seq}


def _told(version: types_pb2.Version, *, created: bool) -> str:
    return f"{version.version} {'made' if created else 'found'}"


def _staged(operation: Stage) -> list[pb.StageOperation]:
    staged = [
        pb.StageOperation(put=entry_of(path, content))
        for path, content in stored(operation.puts).items()
    ]
    for path, said in referenced(operation.puts).items():
        reference = pb.ReferenceEntry(
            path=path, size_bytes=said.size_bytes, uri=said.uri, checksum=said.checksum
        )
        staged.append(pb.StageOperation(put_reference=reference))
    for path, source in operation.copies.items():
        ref = _ref(source.collection, source.number)
        copied = pb.CopiedEntry(path=path, source_ref=ref, source_path=source.path)
        staged.append(pb.StageOperation(copy=copied))
    return staged + [pb.StageOperation(remove_path=path) for path in operation.removed]


def _alias_operation(alias: str, number: int | None, expected: int | None) -> pb.AliasOperation:
    operation = pb.AliasOperation(alias=alias)
    if number is None:
        operation.remove = True
    else:
        operation.set_version = f"v{number}"
    said = wire_registry.expected_text(expected)
    if said is not None:
        operation.expected_version = said
    return operation
