"""What clients ask for: what each operation makes of a model, and what its caller is told.

An outcome is a short text: what was made or found, or the reason of a refusal.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from tests.faults.model import (
    ABORTED,
    COMMITTED,
    LATEST,
    OPEN,
    Batch,
    Files,
    Model,
    Number,
    Upload,
)

COLLECTIONS = ("a", "b", "c")
ALIASES = ("best", "worst", "candidate")
PATHS = ("p", "q", "r", "s/t", "s/u")
_BYTES = random.Random(0)
LARGE = "large"  # several chunks
CONTENTS: Mapping[str, bytes] = {
    "nothing": b"",
    "a byte": b"x",
    "700": _BYTES.randbytes(700),
    "700 others": _BYTES.randbytes(700),
    "5k": _BYTES.randbytes(5_000),
    "9k": _BYTES.randbytes(9_000),
    LARGE: _BYTES.randbytes(2_300_000),
}

DONE = "done"
NOT_FOUND, DELETED = "RESOURCE_NOT_FOUND", "VERSION_DELETED"
ANY = -1  # an expected version that nobody has


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

    def on(self, model: Model) -> tuple[Model, str]:
        if self.key in model.uploads:
            return model, DONE
        if not self.from_latest:
            return model.with_upload(self.key, Upload(self.collection)), DONE
        found = model.find(self.collection)
        if found is None:
            return model, NOT_FOUND
        collection = model.collections[found]
        if LATEST not in collection.aliases:
            return model, "ALIAS_NOT_FOUND"
        base = collection.versions[collection.aliases[LATEST]]
        return model.with_upload(self.key, Upload(self.collection, True, base)), DONE


@dataclass(frozen=True, slots=True)
class Stage:
    """FindMissingChunks, the chunks, StageFiles."""

    key: str
    writer: str
    seq: int
    puts: Files
    removed: tuple[str, ...] = ()

    def on(self, model: Model) -> tuple[Model, str]:
        upload = model.uploads[self.key]
        if upload.state != OPEN:
            return model, "UPLOAD_NOT_OPEN"
        last = upload.last_seq(self.writer)
        if self.seq > last + 1:
            return model, "FIELD_VIOLATION"
        if self.seq <= last:
            return model, f"staged {last}"
        batch = Batch(self.writer, self.puts, self.removed)
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
        return self._published(model, upload, files)

    def _published(self, model: Model, upload: Upload, files: Files) -> tuple[Model, str]:
        found = model.names.get(upload.collection)  # a name given up by a rename is free again
        if found is None:
            model, found = model.created(upload.collection)
        after, number, created = model.collections[found].with_version(files, self.aliases)
        result = f"v{number} {'made' if created else 'found'}"
        ended = replace(upload, state=COMMITTED, aliases=self.aliases, result=result)
        return model.with_collection(found, after).with_upload(self.key, ended), result


@dataclass(frozen=True, slots=True)
class Abort:
    """AbortUpload."""

    key: str

    def on(self, model: Model) -> tuple[Model, str]:
        upload = model.uploads[self.key]
        if upload.state == COMMITTED:
            return model, "UPLOAD_NOT_OPEN"
        return model.with_upload(self.key, replace(upload, state=ABORTED)), DONE


@dataclass(frozen=True, slots=True)
class MoveAlias:
    """UpdateAliases with one operation; to no version it is a removal."""

    collection: str
    alias: str
    number: Number
    expected: Number = ANY

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        if found is None:
            return model, NOT_FOUND
        collection = model.collections[found]
        if self.expected not in (ANY, collection.aliases.get(self.alias)):
            return model, "ALIAS_CONFLICT"
        if self.number is not None and self.number not in collection.versions:
            return model, DELETED if self.number < collection.next_number else NOT_FOUND
        return model.with_collection(found, collection.with_alias(self.alias, self.number)), DONE


@dataclass(frozen=True, slots=True)
class Rename:
    """UpdateCollection with another name."""

    collection: str
    name: str

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        if found is None:
            return model, NOT_FOUND
        holder = model.names.get(self.name, found)
        if holder != found:
            return model, "RESOURCE_ALREADY_EXISTS"
        return model.named(self.name, found), DONE


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """DeleteVersion."""

    collection: str
    number: int
    with_aliases: bool

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        if found is None or self.number >= model.collections[found].next_number:
            return model, NOT_FOUND
        collection = model.collections[found]
        if self.number not in collection.versions:
            return model, DELETED
        named = [a for a, n in collection.aliases.items() if n == self.number and a != LATEST]
        if named and not self.with_aliases:
            return model, "RESOURCE_IN_USE"
        return model.with_collection(found, collection.without_version(self.number)), DONE


@dataclass(frozen=True, slots=True)
class DeleteCollection:
    """DeleteCollection."""

    collection: str

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        if found is None:
            return model, NOT_FOUND
        return model.without_collection(found), DONE
