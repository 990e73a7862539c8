"""What a workload yields, and how large its data is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.data import MIB


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number of interest, the bar it is held to (`OPERATOR NUMBER`), and raw figures."""

    name: str
    value: float
    unit: str
    bar: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileSet:
    """Many files of one size."""

    count: int
    size_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.count * self.size_bytes


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the data is; what is not full says nothing about speed."""

    hashed_bytes: int = 256 * MIB
    big_bytes: int = 2048 * MIB
    insertion_bytes: int = 1024 * MIB
    changed_bytes: int = 1_000_000
    medium_files: FileSet = FileSet(1_000, 300_000)
    small_files: FileSet = FileSet(10_000, 100_000)
    tiny_files: FileSet = FileSet(100_000, 1024)
    client_count: int = 8
    client_bytes: int = 1024 * MIB
    few_versions: int = 10
    many_versions: int = 10_000
    timed_commits: int = 300
    timed_calls: int = 2_000
    searched_few: int = 1_000
    searched_many: int = 100_000
    timed_searches: int = 100
    entries: int = 1_000_000
    edges: int = 10_000
    metric_points: int = 1_000_000
    watchers: int = 200
    timed_moves: int = 100
    idle_watchers: int = 500
    idle_seconds: int = 40
    graph_nodes: int = 100_000
    peer_tiny_files: FileSet = FileSet(10_000, 1024)


FULL = Scale()

QUICK = Scale(
    hashed_bytes=32 * MIB,
    big_bytes=128 * MIB,
    insertion_bytes=64 * MIB,
    changed_bytes=100_000,
    medium_files=FileSet(100, 300_000),
    small_files=FileSet(500, 100_000),
    tiny_files=FileSet(5_000, 1024),
    client_bytes=32 * MIB,
    many_versions=300,
    timed_commits=20,
    timed_calls=300,
    searched_few=100,
    searched_many=2_000,
    timed_searches=20,
    entries=20_000,
    edges=2_000,
    metric_points=50_000,
    timed_moves=20,
    idle_seconds=5,
    graph_nodes=5_000,
    peer_tiny_files=FileSet(500, 1024),
)

Workload = Callable[[Path, Scale], Iterator[Measurement]]
