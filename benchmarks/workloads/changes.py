"""Data that changes a little: what is sent, and what is received, for the next version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks import data
from benchmarks.data import MIB
from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import server
from benchmarks.steps import COLLECTION, get, put, ratio, use

_INSERTED_BYTES = 1000


def insertion(work: Path, scale: Scale) -> Iterator[Measurement]:
    """A file of 1 GiB, then with one and with ten insertions of 1,000 bytes, logged again."""
    original = work / "v0" / "data.bin"
    data.write_file(original, scale.insertion_bytes)
    with server(work / "store") as running:
        put(running, original.parent, work / "cache")
        for count, name, bar in ((1, "one insertion", "< 1"), (10, "ten insertions", "<= 3")):
            changed = work / f"changed-{count}" / "data.bin"
            data.insert(original, changed, count=count, inserted_bytes=_INSERTED_BYTES)
            again = put(running, changed.parent, work / "cache")
            percent = 100 * again["sent_bytes"] / scale.insertion_bytes
            yield Measurement(f"{name}: sent", percent, "% of the file", bar, again)
            yield Measurement(f"{name}: time", again["seconds"], "s", "", again)
            yield from use(name, again)


def delta_download(work: Path, scale: Scale) -> Iterator[Measurement]:
    """1 MB in the middle of 2 GiB changes; the new version goes where the older one lies.

    Everything is on the disk before: a replica has got its older version long ago.
    """
    source = work / "source"
    data.write_file(source / "data.bin", scale.big_bytes)
    with server(work / "store") as running:
        put(running, source, work / "cache-of-writer")
        get(running, work / "replica", work / "cache-of-replica", f"{COLLECTION}:v0")
        data.overwrite_middle(source / "data.bin", scale.changed_bytes)
        put(running, source, work / "cache-of-writer")
        os.sync()
        delta = get(running, work / "replica", work / "cache-of-replica", f"{COLLECTION}:v1")
        full = get(running, work / "empty", work / "cache-of-another", f"{COLLECTION}:v1")
    received = delta["received_bytes"] / 1e6
    yield Measurement("delta: received", received, "MB", "<= 5", delta)
    share = ratio("full", "delta", delta["seconds"], full)
    yield Measurement("delta / full download: time", share.value, "x", "< 0.35", share.figures)
    yield Measurement("full: received", full["received_bytes"] / MIB, "MiB", "", full)
    yield from use("delta", delta)
    yield from use("full", full)
