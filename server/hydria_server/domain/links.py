"""Links: versions of a registered model that point to a version of a project."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The version that a link points to, by its present names."""

    id: int
    entity: str
    project: str
    collection: str
    number: int

    @property
    def ref(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}:v{self.number}"


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link about to be inserted."""

    collection_id: int
    number: int
    source_id: int  # of a version, never of a link
    created_at_us: int
