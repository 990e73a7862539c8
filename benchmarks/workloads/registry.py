"""The names of the workloads, in the order in which all of them run."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.measurements import Workload
from benchmarks.workloads.changes import delta_download, insertion
from benchmarks.workloads.concurrent import concurrent
from benchmarks.workloads.file_sets import big_file, medium_files, small_files, tiny_files
from benchmarks.workloads.hashing import checksums
from benchmarks.workloads.lineage import lineage, walks
from benchmarks.workloads.many_versions import commits, resolve
from benchmarks.workloads.million import million
from benchmarks.workloads.searches import search
from benchmarks.workloads.watching import watch

WORKLOADS: Mapping[str, Workload] = {
    "checksums": checksums,
    "big-file": big_file,
    "medium-files": medium_files,
    "small-files": small_files,
    "tiny-files": tiny_files,
    "insertion": insertion,
    "delta-download": delta_download,
    "concurrent": concurrent,
    "commits": commits,
    "resolve": resolve,
    "search": search,
    "million": million,
    "lineage": lineage,
    "walks": walks,
    "watch": watch,
}

ROUNDS_MAX: Mapping[str, int] = {"commits": 1, "search": 1}
"""Workloads that prepare for minutes, and then measure hundreds of times in one round."""
