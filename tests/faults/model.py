"""What a store must hold, as dictionaries. A model is a value: an operation makes another of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

LATEST = "latest"
DATASET = "dataset"
OPEN, COMMITTED, ABORTED = "OPEN", "COMMITTED", "ABORTED"
NOT_FOUND, DELETED, NO_ALIAS = "RESOURCE_NOT_FOUND", "VERSION_DELETED", "ALIAS_NOT_FOUND"

Files = Mapping[str, str]
"""Paths, and what is under them: the names of `contents.CONTENTS` and `contents.REFERENCES`."""

Number = int | None
"""Of a version; None is none."""

Selector = int | str
"""The number of a version, or an alias that it has."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Versions that are there, where aliases point, the number that comes next, and the type."""

    versions: Mapping[int, Files] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    next_number: int = 0
    type: str = DATASET

    def with_version(self, files: Files, aliases: tuple[str, ...]) -> tuple[Collection, int, bool]:
        """Return what there is after a commit, the version, and whether it is new (C2)."""
        equal = [number for number, found in self.versions.items() if found == files]
        number = max(equal, default=self.next_number)
        after = replace(
            self,
            versions={**self.versions, number: files},
            aliases={**self.aliases, **dict.fromkeys((*aliases, LATEST), number)},
            next_number=max(self.next_number, number + 1),
        )
        return after, number, not equal

    def without_version(self, number: int) -> Collection:
        """Return what there is after a version went with its aliases: `latest` is handed on."""
        versions = {n: files for n, files in self.versions.items() if n != number}
        aliases = {alias: n for alias, n in self.aliases.items() if n != number}
        if versions and LATEST not in aliases:
            aliases[LATEST] = max(versions)
        return replace(self, versions=versions, aliases=aliases)

    def with_alias(self, alias: str, number: Number) -> Collection:
        """Return what there is after an alias was moved or removed."""
        aliases = {name: n for name, n in self.aliases.items() if name != alias}
        if number is not None:
            aliases[alias] = number
        return replace(self, aliases=aliases)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one StageFiles call staged, or one UploadFile: that has no number."""

    writer: str
    puts: Files
    removed: tuple[str, ...] = ()
    numbered: bool = True


@dataclass(frozen=True, slots=True)
class Upload:
    """A session: what it began from, what was staged, and what became of it."""

    collection: str
    from_latest: bool = False
    type: str = DATASET
    base: Files = field(default_factory=dict)
    batches: tuple[Batch, ...] = ()
    state: str = OPEN
    aliases: tuple[str, ...] = ()  # of the commit
    result: str = ""  # of the commit

    def last_seq(self, writer: str) -> int:
        """Return the number of a writer's last batch."""
        return sum(batch.writer == writer and batch.numbered for batch in self.batches)

    def with_batch(self, batch: Batch) -> Upload:
        """Return it with one more. Between writers the order means nothing, and is not kept."""
        batches = sorted((*self.batches, batch), key=lambda one: one.writer)
        return replace(self, batches=tuple(batches))

    def files(self) -> Files | None:
        """Return the files of the version to be; None if two writers disagree."""
        removed = {path for batch in self.batches for path in batch.removed}
        files = {path: content for path, content in self.base.items() if path not in removed}
        put: dict[str, dict[str, str]] = {}
        for batch in self.batches:
            for path, content in batch.puts.items():
                put.setdefault(path, {})[batch.writer] = content
        if any(len(set(by_writer.values())) > 1 for by_writer in put.values()):
            return None
        return files | {path: next(iter(by_writer.values())) for path, by_writer in put.items()}


@dataclass(frozen=True, slots=True)
class Model:
    """A whole store. Collections have ids, as in the store: a rename keeps them."""

    collections: Mapping[int, Collection] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    redirects: Mapping[str, int] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    answers: Mapping[str, tuple[object, str]] = field(default_factory=dict)  # by request id
    ids_given: int = 0

    def find(self, name: str) -> int | None:
        """Return the id of the collection of that name, now or once."""
        return self.names.get(name, self.redirects.get(name))

    def live(self, name: str, selector: Selector) -> tuple[Collection, int] | str:
        """Return the collection and the number of a version, or why there is no such version."""
        found = self.find(name)
        if found is None:
            return NOT_FOUND
        collection = self.collections[found]
        if isinstance(selector, str):
            number = collection.aliases.get(selector)
            return NO_ALIAS if number is None else (collection, number)
        if selector in collection.versions:
            return collection, selector
        return DELETED if selector < collection.next_number else NOT_FOUND

    def refusal(self, name: str, type_: str) -> str:
        """Return why a version cannot be made there, the empty text if it can.

        A name that was given up by a rename is free again.
        """
        if name not in self.names:
            return "" if type_ else "FIELD_VIOLATION"
        return "" if type_ in ("", self.collections[self.names[name]].type) else "TYPE_MISMATCH"

    def published(
        self, name: str, type_: str, files: Files, aliases: tuple[str, ...]
    ) -> tuple[Model, str]:
        """Return what there is after a version was made there or found, and which."""
        model = self if name in self.names else self.created(name, type_)
        collection_id = model.names[name]
        after, number, made = model.collections[collection_id].with_version(files, aliases)
        told = f"v{number} {'made' if made else 'found'}"
        return model.with_collection(collection_id, after), told

    def with_answer(self, request_id: str, request: object, told: str) -> Model:
        """Return what there is after a request was answered; without an id it is forgotten."""
        if not request_id:
            return self
        return replace(self, answers={**self.answers, request_id: (request, told)})

    def with_collection(self, collection_id: int, collection: Collection) -> Model:
        return replace(self, collections={**self.collections, collection_id: collection})

    def created(self, name: str, type_: str) -> Model:
        """Return what there is after a collection was made."""
        new = self.ids_given
        after = replace(self.named(name, new), ids_given=new + 1)
        return after.with_collection(new, Collection(type=type_))

    def named(self, name: str, collection_id: int) -> Model:
        """Return what there is after a collection got a name; its old one leads to it."""
        old = {n: i for n, i in self.names.items() if i == collection_id}
        names = {n: i for n, i in self.names.items() if i != collection_id}
        redirects = {n: i for n, i in (*self.redirects.items(), *old.items()) if n != name}
        return replace(self, names={**names, name: collection_id}, redirects=redirects)

    def without_collection(self, collection_id: int) -> Model:
        """Return what there is after a collection went with all that is in it."""
        return replace(
            self,
            collections={i: c for i, c in self.collections.items() if i != collection_id},
            names={n: i for n, i in self.names.items() if i != collection_id},
            redirects={n: i for n, i in self.redirects.items() if i != collection_id},
        )

    def with_upload(self, key: str, upload: Upload) -> Model:
        return replace(self, uploads={**self.uploads, key: upload})

    def seen(self) -> Seen:
        """Return what a client can see of all this."""
        names = {collection_id: name for name, collection_id in self.names.items()}
        return Seen(
            {name: _shown(self.collections[i]) for name, i in self.names.items()},
            {name: names[i] for name, i in self.redirects.items()},
            {key: _progress(upload) for key, upload in self.uploads.items()},
        )


Shown = tuple[str, Mapping[int, Files], Mapping[str, int]]
"""What a client can see of a collection: its type, versions and aliases."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client can see of a store."""

    collections: Mapping[str, Shown]
    redirects: Mapping[str, str]
    uploads: Mapping[str, tuple[str, Mapping[str, int]]]


def _shown(collection: Collection) -> Shown:
    return collection.type, dict(collection.versions), dict(collection.aliases)


def _progress(upload: Upload) -> tuple[str, dict[str, int]]:
    batches = upload.batches if upload.state == OPEN else ()
    writers = {batch.writer for batch in batches if batch.numbered}
    return upload.state, {writer: upload.last_seq(writer) for writer in writers}
