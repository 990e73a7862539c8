"""Impact: what was made of something, and is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydria.deployment_messages import deployment_of
from hydria.deployment_records import Deployment
from hydria.lineage.messages import node_of
from hydria.lineage.records import LineageNode
from hydria.v1 import lineage_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactedLink:
    """A link to a version downstream."""

    ref: str
    """Its full ref, `ENTITY/REGISTRY/NAME:vN`."""
    aliases: tuple[str, ...]
    """Its own, other than `latest`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactedVersion:
    """A version downstream that somebody asks for: by an alias, by a link, or by serving it."""

    version: LineageNode
    depth: int
    """How many hops from what was asked for; 0 for that itself."""
    aliases: tuple[str, ...]
    """Its own, other than `latest`."""
    links: tuple[ImpactedLink, ...]
    """Those that are there, the oldest first."""
    deployments: tuple[Deployment, ...]
    """The live ones, of the version itself or of a link to it."""
    path_ids: tuple[str, ...]
    """The ids of the nodes on one shortest way, both ends included."""
    is_truncated: bool
    """Whether there may be more aliases, links or deployments than the server tells: over 1,000."""


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
        versions=tuple(_impacted(each) for page in pages for each in page.versions),
        visited_count=pages[-1].visited_count,
        is_truncated=pages[-1].truncated,
    )


def _impacted(message: pb.ImpactedVersion) -> ImpactedVersion:
    return ImpactedVersion(
        version=node_of(message.version),
        depth=message.version.depth,
        aliases=tuple(message.aliases),
        links=tuple(
            ImpactedLink(ref=link.ref, aliases=tuple(link.aliases)) for link in message.links
        ),
        deployments=tuple(map(deployment_of, message.deployments)),
        path_ids=tuple(message.path_ids),
        is_truncated=message.truncated,
    )
