"""Changes of what is there: aliases, names, types, deletions; and what each makes of a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.faults.model import LATEST, NOT_FOUND, Collection, Model, Number, Place
from tests.faults.operations import DONE

IN_USE = "RESOURCE_IN_USE"
ANY = -1  # an expected version that nobody has


def as_expected(
    model: Model, name: str, alias: str, expected: Number
) -> tuple[int, Collection] | str:
    """Return a collection whose alias points to what is expected, or the refusal."""
    found = model.find(name)
    if found is None:
        return NOT_FOUND
    collection = model.collections[found]
    if expected not in (ANY, collection.aliases.get(alias)):
        return "ALIAS_CONFLICT"
    return found, collection


@dataclass(frozen=True, slots=True)
class MoveAlias:
    """UpdateAliases with one operation; to no version it is a removal."""

    collection: str
    alias: str
    number: Number
    expected: Number = ANY

    def on(self, model: Model) -> tuple[Model, str]:
        expecting = as_expected(model, self.collection, self.alias, self.expected)
        if isinstance(expecting, str):
            return model, expecting
        found, collection = expecting
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
        collection = model.collections[found]
        if collection.type != self.type and (
            collection.links or model.links_to(_places(model, found))
        ):
            return model, IN_USE
        retyped = replace(collection, type=self.type)
        return model.with_collection(found, retyped), DONE


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """DeleteVersion."""

    collection: str
    number: int
    with_aliases: bool
    force: bool = False

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        version = model.live(self.collection, self.number)
        if found is None or isinstance(version, str):
            return model, str(version)
        collection, _ = version
        named = [a for a, n in collection.aliases.items() if n == self.number and a != LATEST]
        place = (found, self.number)
        links = model.links_to([place])
        if (named and not self.with_aliases) or (links and not self.force):
            return model, IN_USE
        if model.holds([place, *links]):
            return model, IN_USE
        return model.without_versions([*links, place]), DONE


@dataclass(frozen=True, slots=True)
class DeleteCollection:
    """DeleteCollection."""

    collection: str
    force: bool = False

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.find(self.collection)
        if found is None:
            return model, NOT_FOUND
        if model.links_to(_places(model, found)) and not self.force:
            return model, IN_USE
        after = without_collection(model, found)
        return (model, IN_USE) if after is None else (after, DONE)


def _places(model: Model, collection_id: int) -> list[Place]:
    return [(collection_id, number) for number in model.collections[collection_id].versions]


def without_collection(model: Model, collection_id: int) -> Model | None:
    """Return what there is after a collection went with its links; None if something is held."""
    places = _places(model, collection_id)
    links = model.links_to(places)
    if model.holds([*places, *links]):
        return None
    return model.without_versions(links).without_collection(collection_id)
