"""Changes of what is there: aliases, names, types, deletions; and what each makes of a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.faults.model import LATEST, NOT_FOUND, Model, Number
from tests.faults.operations import DONE

ANY = -1  # an expected version that nobody has


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
        if self.number is not None:
            version = model.live(self.collection, self.number)
            if isinstance(version, str):
                return model, version
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
class Retype:
    """UpdateCollection with another type."""

    collection: str
    type: str

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        if found is None:
            return model, NOT_FOUND
        retyped = replace(model.collections[found], type=self.type)
        return model.with_collection(found, retyped), DONE


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """DeleteVersion."""

    collection: str
    number: int
    with_aliases: bool

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        version = model.live(self.collection, self.number)
        if found is None or isinstance(version, str):
            return model, str(version)
        collection, _ = version
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
