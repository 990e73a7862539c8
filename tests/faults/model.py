"""What a store must hold, as dictionaries. A model is a value: an operation makes another of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

LATEST = "latest"
OPEN, COMMITTED, ABORTED = "OPEN", "COMMITTED", "ABORTED"

Files = Mapping[str, str]
"""Paths, and what their contents are called: see `operations.CONTENTS`."""

Number = int | None
"""Of a version; None is none."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Versions that are there, where aliases point, and the number that comes next."""

    versions: Mapping[int, Files] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    next_number: int = 0

    def with_version(self, files: Files, aliases: tuple[str, ...]) -> tuple[Collection, int, bool]:
        """Return what there is after a commit, the version, and whether it is new (C2)."""
        equal = [number for number, found in self.versions.items() if found == files]
        number = max(equal, default=self.next_number)
        after = Collection(
            {**self.versions, number: files},
            {**self.aliases, **dict.fromkeys((*aliases, LATEST), number)},
            max(self.next_number, number + 1),
        )
        return after, number, not equal

    def without_version(self, number: int) -> Collection:
        """Return what there is after a version went with its aliases: `latest` is handed on."""
        versions = {n: files for n, files in self.versions.items() if n != number}
        aliases = {alias: n for alias, n in self.aliases.items() if n != number}
        if versions and LATEST not in aliases:
            aliases[LATEST] = max(versions)
        return Collection(versions, aliases, self.next_number)

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
    ids_given: int = 0

    def find(self, name: str) -> int | None:
        """Return the id of the collection of that name, now or once."""
        return self.names.get(name, self.redirects.get(name))

    def with_collection(self, collection_id: int, collection: Collection) -> Model:
        return replace(self, collections={**self.collections, collection_id: collection})

    def created(self, name: str) -> tuple[Model, int]:
        """Return what there is after a collection was made, and its id."""
        new = self.ids_given
        after = replace(self.named(name, new), ids_given=new + 1)
        return after.with_collection(new, Collection()), new

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
            {
                name: (dict(self.collections[i].versions), dict(self.collections[i].aliases))
                for name, i in self.names.items()
            },
            {name: names[i] for name, i in self.redirects.items()},
            {key: _progress(upload) for key, upload in self.uploads.items()},
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client can see of a store."""

    collections: Mapping[str, tuple[Mapping[int, Files], Mapping[str, int]]]
    redirects: Mapping[str, str]
    uploads: Mapping[str, tuple[str, Mapping[str, int]]]


def _progress(upload: Upload) -> tuple[str, dict[str, int]]:
    batches = upload.batches if upload.state == OPEN else ()
    writers = {batch.writer for batch in batches if batch.numbered}
    return upload.state, {writer: upload.last_seq(writer) for writer in writers}
