"""From the names of the model to those of a store."""

from __future__ import annotations

from tests.faults.model import Selector
from tests.faults.stub_client import ENTITY, PROJECT


def place_of(name: str) -> tuple[str, str]:
    """Return the project or registry that a collection is in, and what it is called there."""
    registry, slash, model = name.partition("/")
    return (registry, model) if slash else (PROJECT, name)


def name_of(project: str, collection: str) -> str:
    """Return what a collection is called in the model."""
    return collection if project == PROJECT else f"{project}/{collection}"


def ref_of(name: str, selector: Selector) -> str:
    """Return the full ref of a version."""
    project, collection = place_of(name)
    version = selector if isinstance(selector, str) else f"v{selector}"
    return f"{ENTITY}/{project}/{collection}:{version}"


def linked_by(ref: str) -> tuple[str, int]:
    """Return the collection and the number in the full ref of a source."""
    _, project, version = ref.split("/")
    collection, number = version.split(":v")
    return name_of(project, collection), int(number)
