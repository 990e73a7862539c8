"""Every workload runs from end to end on very small data; what it measures then says nothing."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.data import MIB
from benchmarks.measurements import FileSet, Measurement, Scale
from benchmarks.workloads.registry import WORKLOADS

TINY = Scale(
    hashed_bytes=MIB,
    big_bytes=4 * MIB,
    insertion_bytes=4 * MIB,
    changed_bytes=1000,
    medium_files=FileSet(3, 300_000),
    small_files=FileSet(5, 1000),
    tiny_files=FileSet(10, 100),
    client_count=2,
    client_bytes=MIB,
    few_versions=2,
    many_versions=5,
    timed_commits=2,
    timed_calls=20,
    entries=200,
    watchers=3,
    timed_moves=4,
    idle_watchers=3,
    idle_seconds=1,
    peer_tiny_files=FileSet(10, 100),
)


def measured(name: str, work: Path) -> dict[str, Measurement]:
    return {one.name: one for one in WORKLOADS[name](work, TINY)}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_measures_each_thing_once_and_in_numbers(name: str, tmp_path: Path) -> None:
    rows = list(WORKLOADS[name](tmp_path, TINY))

    assert len({row.name for row in rows}) == len(rows) > 0
    assert all(math.isfinite(row.value) and row.value >= 0 for row in rows)


def test_checksums_have_a_rate_each(tmp_path: Path) -> None:
    rows = measured("checksums", tmp_path)

    assert set(rows) == {"XXH3-64", "XXH3-128", "BLAKE3", "SHA-256", "MD5", "FastCDC"}
    assert all(row.value > 0 for row in rows.values())


@pytest.mark.slow
def test_equal_content_is_not_sent_again_whatever_the_cache(tmp_path: Path) -> None:
    rows = measured("small-files", tmp_path)

    assert rows["again, cold: sent"].value == 0
    assert rows["again, warm: sent"].value == 0
    assert rows["upload: rate"].figures["sent_bytes"] == TINY.small_files.total_bytes
