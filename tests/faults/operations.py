"""Uploads, step by step: what each operation makes of a model, and what its caller is told.

An outcome is a short text: what was made or found, or the reason of a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from tests.faults.model import (
    ABORTED,
    COMMITTED,
    DATASET,
    LATEST,
    OPEN,
    Batch,
    Files,
    Model,
    Upload,
)

DONE = "done"


class Operation(Protocol):
    """One request of one client."""

    def on(self, model: Model) -> tuple[Model, str]:
        """Return what there is afterwards, and the outcome."""
        ...


@dataclass(frozen=True, slots=True)
class Begin:
    """CreateUpload; `key` is its request id, by which it is known."""

    key: str
    collection: str
    from_latest: bool = False
    type: str = DATASET

    def on(self, model: Model) -> tuple[Model, str]:
        if self.key in model.uploads:
            return model, DONE
        upload = Upload(self.collection, self.from_latest, self.type)
        if self.from_latest:
            found = model.live(self.collection, LATEST)
            if isinstance(found, str):
                return model, found
            collection, number = found
            upload = replace(upload, base=collection.versions[number])
        return model.with_upload(self.key, upload), DONE


@dataclass(frozen=True, slots=True)
class FileOf:
    """A file of a version."""

    collection: str
    number: int
    path: str

    def name(self, model: Model) -> tuple[str, str]:
        """Return the name of what is in it, or why there is no such file."""
        found = model.live(self.collection, self.number)
        if isinstance(found, str):
            return "", found
        collection, number = found
        name = collection.versions[number].get(self.path, "")
        return name, "" if name else "FILE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Stage:
    """FindMissingChunks, the chunks, StageFiles."""

    key: str
    writer: str
    seq: int
    puts: Files
    removed: tuple[str, ...] = ()
    copies: Mapping[str, FileOf] = field(default_factory=dict)

    def on(self, model: Model) -> tuple[Model, str]:
        upload = model.uploads[self.key]
        if upload.state != OPEN:
            return model, "UPLOAD_NOT_OPEN"
        last = upload.last_seq(self.writer)
        if self.seq > last + 1:
            return model, "FIELD_VIOLATION"
        if self.seq <= last:
            return model, f"staged {last}"
        puts = dict(self.puts)
        for path, source in self.copies.items():
            puts[path], reason = source.name(model)
            if reason:
                return model, reason
        batch = Batch(self.writer, puts, self.removed)
        return model.with_upload(self.key, upload.with_batch(batch)), f"staged {self.seq}"


@dataclass(frozen=True, slots=True)
class SendFile:
    """UploadFile."""

    key: str
    writer: str
    path: str
    content: str

    def on(self, model: Model) -> tuple[Model, str]:
        upload = model.uploads[self.key]
        if upload.state != OPEN:
            return model, "UPLOAD_NOT_OPEN"
        batch = Batch(self.writer, {self.path: self.content}, numbered=False)
        return model.with_upload(self.key, upload.with_batch(batch)), DONE


@dataclass(frozen=True, slots=True)
class Commit:
    """CommitUpload."""

    key: str
    aliases: tuple[str, ...] = ()

    def on(self, model: Model) -> tuple[Model, str]:
        upload = model.uploads[self.key]
        if upload.state == COMMITTED and upload.aliases == self.aliases:
            return model, upload.result
        if upload.state != OPEN:
            return model, "UPLOAD_NOT_OPEN"
        files = upload.files()
        if files is None:
            return model, "DUPLICATE_PATH"
        refusal = model.refusal(upload.collection, upload.type)
        if refusal:
            return model, refusal
        after, told = model.published(upload.collection, upload.type, files, self.aliases)
        ended = replace(upload, state=COMMITTED, aliases=self.aliases, result=told)
        return after.with_upload(self.key, ended), told


@dataclass(frozen=True, slots=True)
class Abort:
    """AbortUpload."""

    key: str

    def on(self, model: Model) -> tuple[Model, str]:
        upload = model.uploads[self.key]
        if upload.state == COMMITTED:
            return model, "UPLOAD_NOT_OPEN"
        return model.with_upload(self.key, replace(upload, state=ABORTED)), DONE
