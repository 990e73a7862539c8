"""Impact: what has a name, and was made of something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria.lineage.messages import node_of
from hydria.lineage.records import LineageNode
from hydria.v1 import lineage_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactedVersion:
    """A version downstream that somebody has given a name to."""

    version: LineageNode
    depth: int
    """How many hops from what was asked for; 0 for that itself."""
    aliases: tuple[str, ...]
    """Other than `latest`."""
    path_ids: tuple[str, ...]
    """The ids of the nodes on one shortest way, both ends included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What is affected when something is bad, nearest first."""

    node: LineageNode
    versions: tuple[ImpactedVersion, ...]
    visited_count: int
    """How many nodes were looked at."""
    is_truncated: bool
    """Whether there is more downstream than the server may visit."""


def impact_of(pages: Sequence[pb.GetImpactResponse]) -> Impact:
    """Return what all pages describe."""
    return Impact(
        node=node_of(pages[0].node),
        versions=tuple(
            ImpactedVersion(
                version=node_of(each.version),
                depth=each.version.depth,
                aliases=tuple(each.aliases),
                path_ids=tuple(each.path_ids),
            )
            for page in pages
            for each in page.versions
        ),
        visited_count=pages[-1].visited_count,
        is_truncated=pages[-1].truncated,
    )
