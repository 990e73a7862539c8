"""Operations on registries, links and the rules of aliases, that a seed chooses."""

from __future__ import annotations

import random

from tests.faults.changes import ANY
from tests.faults.contents import ALIASES, REGISTERED, REGISTRIES
from tests.faults.model import Model
from tests.faults.operations import Operation
from tests.faults.random_choices import a_number, a_selector, any_name, some_aliases
from tests.faults.registry_changes import (
    CreateRegistry,
    DeleteRegistry,
    Link,
    Protect,
    Rollback,
    Unlink,
)


def link(source: random.Random, model: Model, _client: str) -> Operation:
    """Mostly of a version, now and then of a link, which stands for its source."""
    name = any_name(source)
    selector = a_selector(source, model, name)
    return Link(name, selector, source.choice(REGISTERED), some_aliases(source))


def unlink(source: random.Random, model: Model, _client: str) -> Operation:
    name = source.choice(REGISTERED)
    return Unlink(name, a_number(source, model, name), source.random() < 0.6)


def rollback(source: random.Random, model: Model, _client: str) -> Operation:
    name = any_name(source)
    expected = source.choice((ANY, ANY, None, a_number(source, model, name)))
    return Rollback(name, source.choice(ALIASES), expected)


def protect(source: random.Random, _model: Model, _client: str) -> Operation:
    """Seldom, and taken back as often: what is protected stands in the way of deletions."""
    name = source.choice((any_name(source), source.choice(REGISTRIES)))
    return Protect(name, source.choice(ALIASES), source.random() < 0.4)


def create_registry(_source: random.Random, _model: Model, _client: str) -> Operation:
    return CreateRegistry(REGISTRIES[-1])


def delete_registry(source: random.Random, _model: Model, _client: str) -> Operation:
    return DeleteRegistry(REGISTRIES[-1], source.random() < 0.6)
