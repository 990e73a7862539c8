"""CopyVersion: the content of a version in another collection, by rows alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hydria_server.domain.documents import require_description, require_json_object
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.names import require_aliases, require_tags
from hydria_server.domain.records import UploadState, VersionRecord
from hydria_server.domain.refs import CollectionName, parse_ref
from hydria_server.domain.roles import Role
from hydria_server.services.commit import Commitment, publish_or_replay
from hydria_server.services.manifest_builder import BuiltManifest
from hydria_server.services.publication import EMPTY_METADATA, Publication, Words
from hydria_server.services.resolving import content_of, resolve
from hydria_server.services.sessions import Clock, NewUpload, UploadSessions
from hydria_server.storage.metadata.interface import MetadataStore, Rows


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """What CopyVersion asks for. None stands for the words of the source."""

    source_ref: str
    name: CollectionName
    type: str = ""
    aliases: Sequence[str] = ()
    tags: Sequence[str] = ()
    description: str | None = None
    metadata_json: str | None = None
    request_id: str = ""


class Copies:
    """Makes versions of the content of others. No byte of it is read or written."""

    def __init__(self, sessions: UploadSessions, metadata: MetadataStore, clock: Clock) -> None:
        self._sessions = sessions
        self._metadata = metadata
        self._clock = clock

    async def copy(self, request: CopyRequest, *, actor: str, role: Role) -> Commitment:
        """Make the version, or find the one of the collection that has the same content.

        Raises:
            FieldViolationError, NameInvalidError, NameReservedError: the request is malformed, or
                the source is another entity's.
            NotFoundError, AliasNotFoundError, VersionDeletedError: there is no such source.
            TypeMismatchError: the collection has another type.
            AliasProtectedError: an alias is protected, and the role is not ADMIN.
            RequestIdReusedError: the request id came with another payload.
            TooManyUploadsError, StorageFullError: nothing can be begun.
        """
        request = _checked(request)
        new = NewUpload(
            request.name, request.type, "", request.request_id, payload_hash=_hash(request)
        )
        self._sessions.check(new)
        await self._sessions.begun_before(new)
        return await self._metadata.write(lambda rows: self._copy(rows, new, request, actor, role))

    async def _copy(
        self, rows: Rows, new: NewUpload, request: CopyRequest, actor: str, role: Role
    ) -> Commitment:
        """Begin an upload and commit it, in one transaction."""
        upload = await self._sessions.begin(rows, new)
        source: VersionRecord | None = None
        manifest = BuiltManifest(b"", 0, 0, ())  # for one that was made before: only its answer
        words = Words("", EMPTY_METADATA, (), ())
        if upload.state is not UploadState.COMMITTED:
            # I2: the source is live in this very transaction, and with it every chunk of it.
            named = await resolve(rows, request.source_ref, field="source_ref")
            source = await content_of(rows, named)
            if await rows.versions.domain(source.id) != upload.domain:
                raise FieldViolationError("source_ref", "its bytes are in another domain")
            shards = await rows.versions.shards(source.id)
            manifest = BuiltManifest(source.digest, source.file_count, source.size_bytes, shards)
            words = _words(request, source)
        publication = Publication(
            upload.upload_id,
            manifest,
            None,
            words,
            actor,
            role,
            self._clock(),
            _hash(request),
            source=source,
        )
        commitment = await publish_or_replay(rows, upload, publication)
        said = {"description": request.description, "metadata_json": request.metadata_json}
        ignored = [field for field in commitment.ignored_fields if said.get(field) is not None]
        return replace(commitment, ignored_fields=ignored)


def _checked(request: CopyRequest) -> CopyRequest:
    """Return the request, its words in order."""
    # I10: before it is looked up, so that the answer tells nothing of the other entity.
    if parse_ref(request.source_ref, field="source_ref").name.entity != request.name.entity:
        raise FieldViolationError(
            "source_ref", "it belongs to another entity; download it and upload it there"
        )
    description, metadata_json = request.description, request.metadata_json
    if description is not None:
        description = require_description(description, field="description")
    if metadata_json is not None:
        metadata_json = require_json_object(metadata_json, field="metadata_json")
    return replace(
        request,
        description=description,
        metadata_json=metadata_json,
        tags=tuple(require_tags(request.tags, field="tags")),
        aliases=tuple(require_aliases(request.aliases, field="aliases")),
    )


def _words(request: CopyRequest, source: VersionRecord) -> Words:
    """Return what is said about the copy: what the source says, unless the request does."""
    description, metadata_json = request.description, request.metadata_json
    return Words(
        description=source.description if description is None else description,
        metadata_json=source.metadata_json if metadata_json is None else metadata_json,
        tags=require_tags((*source.tags, *request.tags), field="tags"),
        aliases=request.aliases,
    )


def _hash(request: CopyRequest) -> bytes:
    parts = (
        "copy",
        request.source_ref,
        request.description,
        request.metadata_json,
        tuple(request.tags),
        tuple(request.aliases),
    )
    return hashlib.sha256(json.dumps(parts).encode()).digest()
