"""Where an upload stands, and how far its writers have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hydria import messages
from hydria.v1 import types_pb2 as types


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterProgress:
    """How far one writer of an upload has come."""

    writer_id: str
    staged_through_seq: int
    operation_count: int
    """Puts and removals, repetitions included."""
    is_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStatus:
    """Where an upload stands."""

    upload_id: str
    collection: str
    """`ENTITY/PROJECT/COLLECTION`."""
    type: str
    state: str
    """`OPEN`, `COMMITTED`, `ABORTED` or `EXPIRED`."""
    base_version: str
    """The full ref of the version it starts from; empty for none."""
    version_ref: str
    """The full ref of the version it became; empty before the commit."""
    writers: tuple[WriterProgress, ...]
    created_at: datetime
    expires_at: datetime
    """When it ends by itself, unless somebody works on it."""


def status_of(message: types.Upload) -> UploadStatus:
    """Return the status that a message describes."""
    return UploadStatus(
        upload_id=message.upload_id,
        collection=f"{message.entity}/{message.project}/{message.collection}",
        type=message.type,
        state=types.UploadState.Name(message.state).removeprefix("UPLOAD_STATE_"),
        base_version=message.base_version,
        version_ref=message.version_ref,
        writers=tuple(
            WriterProgress(
                writer_id=writer.writer_id,
                staged_through_seq=writer.staged_through_seq,
                operation_count=writer.operation_count,
                is_finished=writer.finished,
            )
            for writer in message.writers
        ),
        created_at=messages.time_of(message.created_at),
        expires_at=messages.time_of(message.expires_at),
    )
