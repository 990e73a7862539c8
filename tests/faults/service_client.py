"""Performs operations by calling the services, and looks at what a store shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.errors import HydriaError, NotFoundError
from hydria_server.domain.records import CollectionRecord, UploadRecord, VersionRecord
from hydria_server.domain.roles import Role
from hydria_server.services.aliases import AliasOperation, AnyVersion
from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.chunk_uploads import ChunkBatch
from hydria_server.services.collections import CollectionChange
from hydria_server.services.commit import Commitment, CommitRequest
from hydria_server.services.copies import CopyRequest
from hydria_server.services.downloads import DownloadRequest
from hydria_server.services.entry_copies import EntryCopy
from hydria_server.services.file_drafts import FileDraft, ReferenceDraft
from hydria_server.services.file_uploads import FileHeader, FileTrailer
from hydria_server.services.listings import ListRequest
from hydria_server.services.reuse import KnownContent
from hydria_server.services.sessions import NewUpload
from hydria_server.services.small_versions import InlineFile
from hydria_server.services.staging import StageBatch
from tests.faults.changes import (
    ANY,
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
from tests.faults.model import Seen, Shown
from tests.faults.operations import DONE, Abort, Begin, Commit, Operation, SendFile, Stage
from tests.faults.places import linked_by, place_of
from tests.faults.places import ref_of as _ref
from tests.faults.registry_changes import RegistryOperation
from tests.faults.service_registry import ACTOR, ServiceRegistry
from tests.faults.service_registry import collection_of as _name
from tests.faults.shortcuts import Copy, PutSmall, Reuse
from tests.faults.stub_client import ENTITY, all_chunks, chunks_of, digest_of

PART_BYTES = 1024 * 1024


class ServiceClient:
    """What all clients of one store know. It outlives the servers."""

    def __init__(self) -> None:
        self.services: ArtifactServices
        self.registry: ServiceRegistry
        self.durable: dict[bytes, int] = {}  # what was acknowledged: digests and sizes
        self._begun: dict[str, Begin] = {}

    async def perform(self, operation: Operation) -> str:
        """Return the outcome of an operation."""
        try:
            return await self._perform(operation)
        except HydriaError as error:
            return error.reason

    async def _perform(self, operation: Operation) -> str:
        services = self.services
        match operation:
            case Begin():
                await self._begin(operation)
            case Stage():
                return await self._stage(operation)
            case SendFile(key, writer, path, content):
                await self._send(await self._upload(key), writer, path, CONTENTS[content])
            case Commit(key, aliases):
                upload = await self._upload(key)
                request = CommitRequest(aliases=aliases)
                done = await services.commits.commit(
                    upload.upload_id, request, actor=ACTOR, role=Role.ADMIN
                )
                return _told(done)
            case Abort(key):
                await services.sessions.abort((await self._upload(key)).upload_id)
            case PutSmall() | Copy() | Reuse():
                return _told(await self._make(operation))
            case _ if isinstance(operation, RegistryOperation):
                return await self.registry.perform(operation)
            case _:
                await self._change(operation)
        return DONE

    async def _make(self, operation: PutSmall | Copy | Reuse) -> Commitment:
        services, name = self.services, _name(operation.collection)
        words = CommitRequest(aliases=operation.aliases)
        match operation:
            case PutSmall(key, _, type_, files):
                new = NewUpload(name, type_, request_id=key)
                inline = [InlineFile(path, content) for path, content in stored(files).items()]
                return await services.small_versions.put(
                    new, inline, words, actor=ACTOR, role=Role.ADMIN
                )
            case Copy(source, selector, _, type_, aliases, key):
                request = CopyRequest(_ref(source, selector), name, type_, aliases, request_id=key)
                return await services.copies.copy(request, actor=ACTOR, role=Role.ADMIN)
            case Reuse(_, type_, files):
                content = KnownContent(name, type_, version_digest_of(files))
                return await services.reuse.reuse(content, words, actor=ACTOR, role=Role.ADMIN)

    async def _change(self, operation: Operation) -> None:
        services = self.services
        match operation:
            case MoveAlias(collection, alias, number, expected):
                change = AliasOperation(
                    alias, number, AnyVersion() if expected == ANY else expected
                )
                await services.aliases.update(
                    _name(collection), [change], actor=ACTOR, role=Role.ADMIN
                )
            case Rename(collection, name):
                change_name = CollectionChange(name=name)
                await services.collections.update(
                    _name(collection), change_name, etag="", actor=ACTOR
                )
            case Retype(collection, type_):
                change_type = CollectionChange(type=type_)
                await services.collections.update(
                    _name(collection), change_type, etag="", actor=ACTOR
                )
            case DeleteVersion(collection, number, with_aliases, force):
                await services.versions.delete(
                    _ref(collection, number),
                    delete_aliases=with_aliases,
                    force=force,
                    etag="",
                    actor=ACTOR,
                )
            case DeleteCollection(collection, force):
                await services.collections.delete(
                    _name(collection), force=force, etag="", actor=ACTOR
                )
            case _:
                raise AssertionError(f"nobody can perform {operation}")

    async def _begin(self, operation: Begin) -> UploadRecord:
        name = _name(operation.collection)
        base = f"{name}:latest" if operation.from_latest else ""
        new = NewUpload(name, operation.type, base, operation.key)
        self._begun[operation.key] = operation  # the answer may not come, and the upload be there
        return await self.services.sessions.create(new)

    async def _upload(self, key: str) -> UploadRecord:
        """Return an upload; the same request id finds it again after any crash."""
        return await self._begin(self._begun[key])

    async def _stage(self, operation: Stage) -> str:
        upload = await self._upload(operation.key)
        puts = stored(operation.puts)
        chunks = all_chunks(puts)
        refs = [ChunkRef(digest_of(chunk), len(chunk)) for chunk in chunks]
        durable = set(self.durable)  # as of now: others go on while the server looks
        missing = await self.services.presence.missing_indexes(upload, refs)
        forgotten = {refs[index].digest for index in missing} & durable
        assert not forgotten, "I6: what was acknowledged is asked for again"
        for index in missing:
            chunk = chunks[index]
            batch = ChunkBatch(1, [len(chunk)], refs[index].digest, chunk)
            verified = await self.services.chunk_uploads.verify(batch)
            await self.services.chunk_uploads.store(upload, verified)
            self.durable[refs[index].digest] = len(chunk)
        batch_of_files = StageBatch(
            operation.writer,
            operation.seq,
            [_draft(path, content) for path, content in puts.items()],
            [_reference_draft(path, said) for path, said in referenced(operation.puts).items()],
            [
                EntryCopy(path, _ref(source.collection, source.number), source.path)
                for path, source in operation.copies.items()
            ],
            operation.removed,
        )
        staged = await self.services.staging.stage(upload.upload_id, batch_of_files)
        assert not staged.missing, "I5: what was present for the upload is not any more"
        return f"staged {staged.staged_through_seq}"

    async def _send(self, upload: UploadRecord, writer: str, path: str, content: bytes) -> None:
        async def parts() -> AsyncIterator[bytes | FileTrailer]:
            for start in range(0, len(content), PART_BYTES):
                yield content[start : start + PART_BYTES]

        header = FileHeader(upload.upload_id, path, len(content), digest_of(content), writer)
        await self.services.file_uploads.upload(header, parts())
        self.durable |= {digest_of(chunk): len(chunk) for chunk in chunks_of(content)}

    # --- looking ---------------------------------------------------------------------------------

    async def look(self, keys: Iterable[str]) -> Seen:
        """Return what a client can see; `keys` name the uploads that may be there."""
        collections: dict[str, Shown] = {}
        redirects: dict[str, str] = {}
        for name in (*COLLECTIONS, *REGISTERED):
            try:
                found = await self.services.collections.get(_name(name))
            except NotFoundError:
                continue
            if found.name == place_of(name)[1]:
                collections[name] = await self._collection(name, found)
            else:
                redirects[name] = found.name
        uploads = {key: seen for key in keys if (seen := await self._progress(key))}
        return Seen(collections, redirects, uploads, await self.registry.look())

    async def _collection(self, name: str, found: CollectionRecord) -> Shown:
        request = ListRequest(page_size=1000)
        listed = await self.services.listings.versions(ENTITY, *place_of(name), request)
        return Shown(
            found.type,
            {v.number: await self._download(v) for v in listed.items},
            {alias: v.number for v in listed.items for alias in v.aliases},
            {v.number: linked_by(v.source.ref) for v in listed.items if v.source},
            frozenset(found.protected_aliases),
        )

    async def _download(self, version: VersionRecord) -> dict[str, str]:
        files: dict[int, bytes] = {}
        paths: dict[int, str] = {}
        _, windows = await self.services.downloads.open(DownloadRequest(version.ref))
        async for window in windows:
            for start in window.starts:
                paths[start.index], files[start.index] = start.entry.path, b""
            for segment, payload in zip(window.segments, window.payloads, strict=True):
                files[segment.file_index] += payload
        names = {paths[index]: NAME_OF[content] for index, content in files.items()}
        return (
            names if len(names) == version.file_count else names | await self._references(version)
        )

    async def _references(self, version: VersionRecord) -> dict[str, str]:
        _, batches = await self.services.files.stream(version.ref, prefix="", glob="", after="")
        entries = [entry async for batch in batches for entry in batch if entry.is_reference]
        return {
            entry.path: NAME_OF[Reference(entry.ref_uri, entry.size_bytes, entry.ref_checksum)]
            for entry in entries
        }

    async def _progress(self, key: str) -> tuple[str, dict[str, int]] | None:
        """Return the state of an upload and how far its writers have come."""
        metadata = self.services.sessions._metadata
        entity = await metadata.read(lambda rows: rows.names.entity(ENTITY))
        if entity is None:
            return None
        upload = await metadata.read(lambda rows: rows.uploads.by_request_id(entity.id, key))
        if upload is None:
            return None
        status = await self.services.sessions.status(upload.upload_id)
        writers = {writer.writer_id: writer.staged_through_seq for writer in status.writers}
        return upload.state.name, {writer: seq for writer, seq in writers.items() if seq}

    async def require_durable(self) -> None:
        """Ask for everything that was ever acknowledged (I6)."""
        upload = await self.services.sessions.create(NewUpload(_name(COLLECTIONS[0]), "dataset"))
        refs = [ChunkRef(digest, size) for digest, size in self.durable.items()]
        assert await self.services.presence.missing_indexes(upload, refs) == []
        await self.services.sessions.abort(upload.upload_id)


def _told(done: Commitment) -> str:
    return f"v{done.version.number} {'made' if done.created else 'found'}"


def _reference_draft(path: str, said: Reference) -> ReferenceDraft:
    return ReferenceDraft(path, said.size_bytes, said.uri, said.checksum)


def _draft(path: str, content: bytes) -> FileDraft:
    chunks = chunks_of(content) if len(content) > 2 * 1024 * 1024 else []
    refs = [ChunkRef(digest_of(chunk), len(chunk)) for chunk in chunks]
    return FileDraft(path, len(content), digest_of(content), refs)
