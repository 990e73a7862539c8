"""What a store must hold, as dictionaries. A model is a value: an operation makes another of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.faults.model_collection import (
    DATASET,
    LATEST,
    Collection,
    Files,
    Number,
    Place,
    Selector,
)

__all__ = ["DATASET", "LATEST", "Collection", "Files", "Number", "Place", "Selector"]

OPEN, COMMITTED, ABORTED = "OPEN", "COMMITTED", "ABORTED"
MODELS = "model-registry"  # which is always there
NOT_FOUND, DELETED, NO_ALIAS = "RESOURCE_NOT_FOUND", "VERSION_DELETED", "ALIAS_NOT_FOUND"


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
    """A whole store. Collections have ids, as in the store: a rename keeps them.

    Registered models are called `REGISTRY/NAME`. Registries have the aliases that they protect.
    """

    collections: Mapping[int, Collection] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    redirects: Mapping[str, int] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    answers: Mapping[str, tuple[object, str]] = field(default_factory=dict)  # by request id
    ids_given: int = 0
    registries: Mapping[str, frozenset[str]] = field(default_factory=lambda: {MODELS: frozenset()})

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

    def links_to(self, sources: Iterable[Place]) -> list[Place]:
        """Return the links to some versions."""
        wanted = set(sources)
        return [
            (collection_id, number)
            for collection_id, collection in self.collections.items()
            for number, source in collection.links.items()
            if source in wanted
        ]

    def without_versions(self, places: Iterable[Place]) -> Model:
        """Return what there is after versions or links went."""
        model = self
        for collection_id, number in places:
            after = model.collections[collection_id].without_version(number)
            model = model.with_collection(collection_id, after)
        return model

    def protected_in(self, collection_id: int) -> frozenset[str]:
        """Return the aliases that are protected in a collection, by itself or its registry."""
        (name,) = (name for name, found in self.names.items() if found == collection_id)
        of_registry = self.registries.get(name.partition("/")[0], frozenset())
        return self.collections[collection_id].protected | of_registry

    def holds(self, places: Iterable[Place]) -> bool:
        """Tell whether a protected alias points to one of these versions or links."""
        return any(
            self.collections[collection_id].aliases.get(alias) == number
            for collection_id, number in places
            for alias in self.protected_in(collection_id)
        )

    def with_upload(self, key: str, upload: Upload) -> Model:
        return replace(self, uploads={**self.uploads, key: upload})

    def seen(self) -> Seen:
        """Return what a client can see of all this."""
        names = {collection_id: name for name, collection_id in self.names.items()}
        return Seen(
            {name: self._shown(i, names) for name, i in self.names.items()},
            {name: names[i] for name, i in self.redirects.items()},
            {key: _progress(upload) for key, upload in self.uploads.items()},
            frozenset(self.registries),
        )

    def _shown(self, collection_id: int, names: Mapping[int, str]) -> Shown:
        collection = self.collections[collection_id]
        return Shown(
            collection.type,
            dict(collection.versions),
            dict(collection.aliases),
            {number: (names[i], n) for number, (i, n) in collection.links.items()},
            self.protected_in(collection_id),
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client can see of a collection."""

    type: str
    versions: Mapping[int, Files]
    aliases: Mapping[str, int]
    links: Mapping[int, tuple[str, int]]
    protected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client can see of a store."""

    collections: Mapping[str, Shown]
    redirects: Mapping[str, str]
    uploads: Mapping[str, tuple[str, Mapping[str, int]]]
    registries: frozenset[str]


def _progress(upload: Upload) -> tuple[str, dict[str, int]]:
    batches = upload.batches if upload.state == OPEN else ()
    writers = {batch.writer for batch in batches if batch.numbered}
    return upload.state, {writer: upload.last_seq(writer) for writer in writers}
