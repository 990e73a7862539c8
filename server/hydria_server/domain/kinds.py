"""What a namespace and a collection of it can hold."""

from __future__ import annotations

from enum import IntEnum


class ProjectKind(IntEnum):
    """Projects and registries share one namespace of their entity."""

    PROJECT = 1  # holds sequences, and runs
    REGISTRY = 2  # holds portfolios


class CollectionKind(IntEnum):
    """What the versions of a collection are."""

    SEQUENCE = 1  # content of their own
    PORTFOLIO = 2  # links: a registered model
