"""Registries and links: what each operation makes of a model, and what its caller is told.

A name of a registered model is `REGISTRY/NAME`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.faults.changes import ANY, IN_USE, as_expected, without_collection
from tests.faults.model import (
    LATEST,
    NO_ALIAS,
    NOT_FOUND,
    Model,
    Number,
    Place,
    Selector,
)
from tests.faults.operations import DONE


def registry_of(name: str) -> str:
    """Return the registry of a registered model; the empty text of another collection."""
    registry, slash, _ = name.partition("/")
    return registry if slash else ""


@dataclass(frozen=True, slots=True)
class Link:
    """LinkVersion."""

    source: str
    selector: Selector
    name: str
    aliases: tuple[str, ...] = ()

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.live(self.source, self.selector)
        if isinstance(found, str):
            return model, found
        if registry_of(self.name) not in model.registries:
            return model, NOT_FOUND
        source, number = found
        source_id = model.find(self.source)
        assert source_id is not None
        place: Place = source.links.get(number, (source_id, number))
        before = model if self.name in model.names else model.created(self.name, source.type)
        model_id = before.names[self.name]
        target = before.collections[model_id]
        if target.type != source.type:
            return model, "TYPE_MISMATCH"
        after, link, made = target.with_link(place, source.versions[number], self.aliases)
        told = f"v{link} {'made' if made else 'found'}"
        return before.with_collection(model_id, after), told


@dataclass(frozen=True, slots=True)
class Unlink:
    """UnlinkVersion."""

    name: str
    number: int
    with_aliases: bool

    def on(self, model: Model) -> tuple[Model, str]:
        found, version = model.find(self.name), model.live(self.name, self.number)
        if found is None or isinstance(version, str):
            return model, str(version)
        collection, number = version
        named = [a for a, n in collection.aliases.items() if n == number and a != LATEST]
        if (named and not self.with_aliases) or model.holds([(found, number)]):
            return model, IN_USE
        return model.without_versions([(found, number)]), DONE


@dataclass(frozen=True, slots=True)
class Rollback:
    """RollbackAlias."""

    name: str
    alias: str
    expected: Number = ANY

    def on(self, model: Model) -> tuple[Model, str]:
        expecting = as_expected(model, self.name, self.alias, self.expected)
        if isinstance(expecting, str):
            return model, expecting
        found, collection = expecting
        number = collection.previous(self.alias)
        if number is None:
            return model, "NO_PREVIOUS_VERSION" if self.alias in collection.past else NO_ALIAS
        return model.with_collection(found, collection.with_alias(self.alias, number)), DONE


@dataclass(frozen=True, slots=True)
class Protect:
    """ProtectAliases, of a collection or of all of a registry, or the opposite."""

    name: str
    alias: str
    is_on: bool = True

    def on(self, model: Model) -> tuple[Model, str]:
        if self.name in model.registries:
            after = self._changed(model.registries[self.name])
            return replace(model, registries={**model.registries, self.name: after}), DONE
        found = model.find(self.name)
        if found is None:
            return model, NOT_FOUND
        collection = model.collections[found]
        protected = self._changed(collection.protected)
        return model.with_collection(found, replace(collection, protected=protected)), DONE

    def _changed(self, protected: frozenset[str]) -> frozenset[str]:
        return protected | {self.alias} if self.is_on else protected - {self.alias}


@dataclass(frozen=True, slots=True)
class CreateRegistry:
    """CreateRegistry."""

    name: str

    def on(self, model: Model) -> tuple[Model, str]:
        if self.name in model.registries:
            return model, "RESOURCE_ALREADY_EXISTS"
        return replace(model, registries={**model.registries, self.name: frozenset()}), DONE


@dataclass(frozen=True, slots=True)
class DeleteRegistry:
    """DeleteRegistry."""

    name: str
    force: bool = False

    def on(self, model: Model) -> tuple[Model, str]:
        if self.name not in model.registries:
            return model, NOT_FOUND
        ids = [found for name, found in model.names.items() if registry_of(name) == self.name]
        if ids and not self.force:
            return model, IN_USE
        after: Model | None = model
        for collection_id in ids:
            after = without_collection(after, collection_id) if after else None
        if after is None:
            return model, IN_USE
        kept = {name: said for name, said in model.registries.items() if name != self.name}
        return replace(after, registries=kept), DONE


RegistryOperation = Link | Unlink | Rollback | Protect | CreateRegistry | DeleteRegistry
