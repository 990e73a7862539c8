"""By what versions are asked for: their aliases, the links to them, and who serves them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from hydria_server.domain.deployments import DeploymentRecord
from hydria_server.domain.lineage import VersionNode
from hydria_server.services.graph_sizes import deployment_bytes, texts_bytes
from hydria_server.storage.metadata.interface import Rows

T = TypeVar("T")

_MAX_ENTRIES: Final = 1_000
_LINK_BYTES: Final = 16
_MAX_LIST_BYTES: Final = 768 * 1024
_MAX_NAMES: Final = 10_000  # aliases, or links, that are read at once
_MAX_DEPLOYMENTS: Final = 1_001  # that are read at once: labels may be long


@dataclass(frozen=True, slots=True)
class UsedLink:
    """A live link to a version, and its aliases other than `latest`."""

    link: VersionNode
    aliases: Sequence[str]


@dataclass(frozen=True, slots=True)
class Uses:
    """By what one version is asked for."""

    aliases: Sequence[str]  # other than `latest`, sorted
    links: Sequence[UsedLink]  # the oldest first
    deployments: Sequence[DeploymentRecord]  # LIVE, of the version or of a link, by name
    is_cut: bool  # whether there are more, as far as is known

    @property
    def size_bytes(self) -> int:
        """A bound for its size as a message."""
        links = sum(map(_link_bytes, self.links))
        return texts_bytes(self.aliases) + links + sum(map(deployment_bytes, self.deployments))


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of some versions, by their ids."""

    aliases: Mapping[int, Sequence[str]]  # of the versions, and of the links to them
    links: Mapping[int, Sequence[VersionNode]]
    deployments: Mapping[int, Sequence[DeploymentRecord]]
    is_all: bool


async def used_versions(rows: Rows, version_ids: Sequence[int], *, now_us: int) -> set[int]:
    """Return those of the versions that have an alias, a live link or a LIVE deployment."""
    named = await rows.aliases.named(version_ids)
    linked = await rows.links.linked(version_ids)
    return named | linked | await rows.deployments.served(version_ids, now_us=now_us)


async def uses_of(rows: Rows, version_ids: Sequence[int], *, now_us: int) -> dict[int, Uses]:
    """Return the uses of versions: of the first ones, as many as need little memory; of one always.

    Each list ends after 1,000 entries or 768 KiB.
    """
    some = version_ids
    while not (read := await _read(rows, some, now_us)).is_all and len(some) > 1:
        some = some[: len(some) // 2]
    return {version_id: _uses(version_id, read) for version_id in some}


async def _read(rows: Rows, version_ids: Sequence[int], now_us: int) -> _Read:
    links = await rows.links.of_versions(version_ids, limit=_MAX_NAMES)
    nodes = await rows.edges.version_nodes([link_id for _, link_id in links])
    named = [*version_ids, *nodes]
    aliases = await rows.aliases.of_versions(named, limit=_MAX_NAMES)
    deployments = await rows.deployments.serving_versions(
        version_ids, now_us=now_us, limit=_MAX_DEPLOYMENTS
    )
    return _Read(
        _by_version(aliases),
        _by_version((version_id, nodes[link_id]) for version_id, link_id in links),
        _by_version(deployments),
        max(len(links), len(aliases)) < _MAX_NAMES and len(deployments) < _MAX_DEPLOYMENTS,
    )


def _by_version(pairs: Iterable[tuple[int, T]]) -> Mapping[int, Sequence[T]]:
    found: dict[int, list[T]] = defaultdict(list)
    for version_id, item in pairs:
        found[version_id].append(item)
    return found


def _uses(version_id: int, read: _Read) -> Uses:
    aliases = read.aliases.get(version_id, ())
    links = [
        UsedLink(node, read.aliases.get(node.id, ())) for node in read.links.get(version_id, ())
    ]
    deployments = read.deployments.get(version_id, ())
    named = _first(aliases, lambda alias: texts_bytes((alias,)))
    short = [replace(link, aliases=link.aliases[:_MAX_ENTRIES]) for link in links]
    linked = _first(short, _link_bytes)
    serving = _first(deployments, deployment_bytes)
    has_all = (named, linked, serving) == (list(aliases), links, list(deployments))
    return Uses(named, linked, serving, is_cut=not (has_all and read.is_all))


def _first(items: Sequence[T], size_of: Callable[[T], int]) -> list[T]:
    """Return as many of the first items as a list has."""
    kept: list[T] = []
    size_bytes = 0
    for item in items[:_MAX_ENTRIES]:
        size_bytes += size_of(item)
        if size_bytes > _MAX_LIST_BYTES:
            break
        kept.append(item)
    return kept


def _link_bytes(link: UsedLink) -> int:
    return _LINK_BYTES + texts_bytes((link.link.ref, *link.aliases))
