"""What a seed chooses of names, numbers and aliases: mostly what is there."""

from __future__ import annotations

import random

from tests.faults.contents import ALIASES, COLLECTIONS, REGISTERED
from tests.faults.model import LATEST, Model, Selector


def any_name(source: random.Random) -> str:
    """Return a collection, or a registered model."""
    return source.choice((*COLLECTIONS, *REGISTERED))


def a_number(source: random.Random, model: Model, collection: str) -> int:
    """Return the number of a version, which mostly is there."""
    found = model.find(collection)
    if found is None:
        return 0
    known = model.collections[found]
    return source.choice([*known.versions, source.randint(0, known.next_number)])


def a_selector(source: random.Random, model: Model, collection: str) -> Selector:
    """Return what may name a version of a collection."""
    return source.choice((a_number(source, model, collection), LATEST, source.choice(ALIASES)))


def some_aliases(source: random.Random) -> tuple[str, ...]:
    return tuple(sorted(source.sample(ALIASES, source.randint(0, 2))))
