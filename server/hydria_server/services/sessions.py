"""Upload sessions: a lease, a staging area and an idempotency key."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from hydria_server.domain.errors import (
    FieldViolationError,
    RequestIdReusedError,
    TooManyUploadsError,
    UploadExpiredError,
    UploadNotFoundError,
    UploadNotOpenError,
)
from hydria_server.domain.names import require_name, require_project_name
from hydria_server.domain.records import (
    EntityRecord,
    UploadRecord,
    UploadState,
    VersionRecord,
    WriterProgress,
)
from hydria_server.domain.refs import CollectionName, parse_ref
from hydria_server.services.capacity import Capacity
from hydria_server.services.resolving import resolve
from hydria_server.storage.metadata.interface import MetadataStore, Rows

MAX_REQUEST_ID_CHARACTERS = 128
_MICROSECONDS = 1_000_000

Clock = Callable[[], int]
"""Returns the time in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What CreateUpload asks for."""

    name: CollectionName
    type: str = ""
    base_version: str = ""
    request_id: str = ""
    payload_hash: bytes = b""  # of what comes with the request, where that is more than names


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """An upload with all that is known of it."""

    upload: UploadRecord
    base: VersionRecord | None
    version: VersionRecord | None
    writers: tuple[WriterProgress, ...]


class UploadSessions:
    """Begins, renews, ends and looks up uploads."""

    def __init__(
        self,
        metadata: MetadataStore,
        capacity: Capacity,
        clock: Clock,
        *,
        lease_seconds: int,
        open_uploads_max: int,
    ) -> None:
        self._metadata = metadata
        self._capacity = capacity
        self._clock = clock
        self._lease_us = lease_seconds * _MICROSECONDS
        self._open_uploads_max = open_uploads_max

    async def create(self, new: NewUpload) -> UploadRecord:
        """Begin an upload, or return the one that the same request began.

        Raises:
            NameInvalidError, NameReservedError, FieldViolationError: a field is malformed.
            NotFoundError: there is no such base version.
            RequestIdReusedError: the request id came with another payload.
            TooManyUploadsError: the entity has too many open uploads.
            StorageFullError: there is no room for new bytes.
        """
        self.check(new)
        known = await self.begun_before(new)
        if known is not None:
            return known
        return await self._metadata.write(lambda rows: self.begin(rows, new))

    async def begun_before(self, new: NewUpload) -> UploadRecord | None:
        """Return what the same request began, which needs no room; None when there is room.

        Raises:
            RequestIdReusedError: the request id came with another payload.
            StorageFullError: there is no room for new bytes.
        """
        if new.request_id:
            known = await self._metadata.read(lambda rows: begun_before(rows, new))
            if known is not None:
                return known
        await self._capacity.require_room()
        return None

    @staticmethod
    def check(new: NewUpload) -> None:
        """Return when the names of an upload to be are well formed.

        Raises:
            NameInvalidError, NameReservedError, FieldViolationError: one is not.
        """
        require_name(new.name.entity, field="entity")
        require_project_name(new.name.project, field="project")
        require_name(new.name.collection, field="collection")
        if new.type:
            require_name(new.type, field="type")
        if len(new.request_id) > MAX_REQUEST_ID_CHARACTERS:
            raise FieldViolationError("request_id", "it has more than 128 characters")

    async def begin(
        self, rows: Rows, new: NewUpload, *, entity: EntityRecord | None = None
    ) -> UploadRecord:
        """Begin a checked upload within a transaction. Returns and raises as `create`.

        An `entity` that was looked up before is not looked up again: none ever changes.
        """
        now = self._clock()
        entity = entity or await rows.names.ensure_entity(new.name.entity, now_us=now)
        known = await _begun_by(rows, entity, new)
        if known is not None:
            return known
        if await rows.uploads.count_open(entity.id) >= self._open_uploads_max:
            raise TooManyUploadsError(
                f"{entity.name!r} has {self._open_uploads_max} open uploads; commit or abort some"
            )
        upload = UploadRecord(
            upload_id=uuid.uuid4().hex,
            entity_id=entity.id,
            entity=entity.name,
            domain=entity.domain,
            project=new.name.project,
            collection=new.name.collection,
            type=new.type,
            state=UploadState.OPEN,
            base_version_id=await self._base(rows, new, entity),
            start_epoch=(await rows.store.info()).epoch,
            created_at_us=now,
            expires_at_us=now + self._lease_us,
            request_id=new.request_id,
            request_hash=_request_hash(new),
        )
        await rows.uploads.insert(upload)
        return upload

    async def _base(self, rows: Rows, new: NewUpload, entity: EntityRecord) -> int | None:
        if not new.base_version:
            return None
        # I10: before it is looked up, so that the answer tells nothing of the other entity.
        if parse_ref(new.base_version, field="base_version").name.entity != new.name.entity:
            raise FieldViolationError("base_version", "it belongs to another entity")
        base = await resolve(rows, new.base_version, field="base_version")
        if base.source and await rows.versions.domain(base.id) != entity.domain:
            raise FieldViolationError("base_version", "it links a version of another entity")
        return base.content_id

    async def require_open(self, upload_id: str) -> UploadRecord:
        """Return the upload, its lease renewed.

        Raises:
            UploadNotFoundError, UploadNotOpenError, UploadExpiredError: it takes nothing.
        """
        upload = require_open(await self.get(upload_id))
        return await self.renew_if_due(upload)

    async def renew_if_due(self, upload: UploadRecord) -> UploadRecord:
        """Return the upload with a lease of at least three quarters; write only for less."""
        expires = self._clock() + self._lease_us
        if expires - upload.expires_at_us < self._lease_us // 4:
            return upload
        return await self._renew(upload, expires)

    async def renew(self, upload_id: str) -> UploadRecord:
        """Renew the lease in full.

        Raises:
            UploadNotFoundError, UploadNotOpenError, UploadExpiredError: there is none to renew.
        """
        upload = require_open(await self.get(upload_id))
        return await self._renew(upload, self._clock() + self._lease_us)

    async def _renew(self, upload: UploadRecord, expires_at_us: int) -> UploadRecord:
        await self._metadata.write(
            lambda rows: rows.uploads.renew(upload.upload_id, expires_at_us=expires_at_us)
        )
        return replace(upload, expires_at_us=expires_at_us)

    async def get(self, upload_id: str) -> UploadRecord:
        """Return the upload, whatever its state.

        Raises:
            UploadNotFoundError: there is none.
        """
        upload = await self._metadata.read(lambda rows: rows.uploads.get(upload_id))
        if upload is None:
            raise UploadNotFoundError(f"there is no upload {upload_id[:80]!r}")
        return upload

    async def status(self, upload_id: str) -> UploadStatus:
        """Return all that is known of an upload.

        Raises:
            UploadNotFoundError: there is none.
        """
        upload = await self.get(upload_id)

        async def look(rows: Rows) -> UploadStatus:
            base, result = upload.base_version_id, upload.commit_result
            return UploadStatus(
                upload,
                await rows.versions.by_id(base) if base is not None else None,
                await rows.versions.by_id(result.version_id) if result else None,
                tuple(await rows.staging.writers(upload_id)),
            )

        return await self._metadata.read(look)

    async def abort(self, upload_id: str) -> None:
        """Give an upload up; an aborted or expired one stays as it is.

        Raises:
            UploadNotFoundError: there is none.
            UploadNotOpenError: it was committed.
        """

        async def end(rows: Rows) -> None:
            upload = await rows.uploads.get(upload_id)
            if upload is None:
                raise UploadNotFoundError(f"there is no upload {upload_id[:80]!r}")
            if upload.state is UploadState.COMMITTED:
                raise UploadNotOpenError("the upload was committed; delete the version instead")
            if await rows.uploads.end(upload_id, UploadState.ABORTED):
                await rows.staging.clear(upload_id)

        await self._metadata.write(end)

    async def give_up(self, rows: Rows, upload: UploadRecord) -> None:
        """End an upload within a transaction; its request id may begin another one."""
        if await rows.uploads.end(upload.upload_id, UploadState.ABORTED):
            await rows.staging.clear(upload.upload_id)
        await rows.uploads.forget_request(upload.upload_id)

    async def expire_due(self) -> int:
        """Take every upload whose lease has ended to EXPIRED; return how many."""
        return await self._metadata.write(
            lambda rows: rows.uploads.expire_due(now_us=self._clock())
        )


def require_open(upload: UploadRecord) -> UploadRecord:
    """Return the upload if it is OPEN (I5).

    Raises:
        UploadExpiredError: its lease ran out.
        UploadNotOpenError: it was committed or aborted.
    """
    if upload.state is UploadState.OPEN:
        return upload
    if upload.state is UploadState.EXPIRED:
        raise UploadExpiredError("the upload's lease ran out; begin another, its chunks are kept")
    raise UploadNotOpenError(f"the upload is {upload.state.name}; begin another")


def _request_hash(new: NewUpload) -> bytes:
    parts = (str(new.name), new.type, new.base_version)
    return hashlib.sha256("\0".join(parts).encode() + new.payload_hash).digest()


async def begun_before(rows: Rows, new: NewUpload) -> UploadRecord | None:
    """Return the upload that the same request began.

    Raises:
        RequestIdReusedError: the request id came with another payload.
    """
    if not new.request_id:
        return None
    entity = await rows.names.entity(new.name.entity)
    return await _begun_by(rows, entity, new) if entity else None


async def _begun_by(rows: Rows, entity: EntityRecord, new: NewUpload) -> UploadRecord | None:
    if not new.request_id:
        return None
    known = await rows.uploads.by_request_id(entity.id, new.request_id)
    if known is not None and known.request_hash != _request_hash(new):
        raise RequestIdReusedError("the request id was used before with another payload")
    return known
