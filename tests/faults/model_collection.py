"""What a store must hold of one collection, as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

LATEST = "latest"
DATASET = "dataset"

Files = Mapping[str, str]
"""Paths, and what is under them: the names of `contents.CONTENTS` and `contents.REFERENCES`."""

Number = int | None
"""Of a version; None is none."""

Selector = int | str
"""The number of a version, or an alias that it has."""

Place = tuple[int, int]
"""The id of a collection, and the number of a version of it."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Versions that are there, where aliases point, the number that comes next, and the type.

    The versions of a registered model are links.
    """

    versions: Mapping[int, Files] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    next_number: int = 0
    type: str = DATASET
    links: Mapping[int, Place] = field(default_factory=dict)  # to what
    protected: frozenset[str] = frozenset()
    past: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # where aliases ever pointed

    def with_version(self, files: Files, aliases: tuple[str, ...]) -> tuple[Collection, int, bool]:
        """Return what there is after a commit, the version, and whether it is new (C2)."""
        equal = [number for number, found in self.versions.items() if found == files]
        number = max(equal, default=self.next_number)
        return self.with_numbered(number, files, aliases), number, not equal

    def with_link(
        self, source: Place, files: Files, aliases: tuple[str, ...]
    ) -> tuple[Collection, int, bool]:
        """Return what there is after a link, its number, and whether it is new."""
        equal = [number for number, found in self.links.items() if found == source]
        number = max(equal, default=self.next_number)
        after = self.with_numbered(number, files, aliases)
        return replace(after, links={**self.links, number: source}), number, not equal

    def with_numbered(self, number: int, files: Files, aliases: tuple[str, ...]) -> Collection:
        """Return what there is after a version got aliases, and is the latest."""
        after = replace(
            self,
            versions={**self.versions, number: files},
            next_number=max(self.next_number, number + 1),
        )
        for alias in (*aliases, LATEST):
            after = after.with_alias(alias, number)
        return after

    def without_version(self, number: int) -> Collection:
        """Return what there is after a version went with its aliases: `latest` is handed on."""
        versions = {n: files for n, files in self.versions.items() if n != number}
        aliases = {alias: n for alias, n in self.aliases.items() if n != number}
        if versions and LATEST not in aliases:
            aliases[LATEST] = max(versions)
        links = {n: source for n, source in self.links.items() if n != number}
        return replace(self, versions=versions, aliases=aliases, links=links)

    def with_alias(self, alias: str, number: Number) -> Collection:
        """Return what there is after an alias was moved or removed."""
        before = self.aliases.get(alias)
        if number == before:
            return self
        aliases = {name: n for name, n in self.aliases.items() if name != alias}
        if number is None:
            return replace(self, aliases=aliases)
        past = {**self.past, alias: (*self.past.get(alias, ()), number)}
        return replace(self, aliases={**aliases, alias: number}, past=past)

    def previous(self, alias: str) -> Number:
        """Return which version that is still there held an alias before the present one."""
        others = [n for n in self.past.get(alias, ()) if n != self.aliases.get(alias)]
        return next((n for n in reversed(others) if n in self.versions), None)
