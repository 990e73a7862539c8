"""A version of a million files: made, read, verified and compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.data import MIB, linked_files
from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import ServerProcess, server
from benchmarks.staging_step import CHUNK_COUNT, COLLECTION, path_of
from benchmarks.steps import client_step, step, use

_READS = 20
_CHANGES = 10


def million(work: Path, scale: Scale) -> Iterator[Measurement]:
    """Stage, commit, list and read 1,000,000 files; a draft of ten changes; verify and compare."""
    store = work / "store"
    with server(store) as running:
        entries = str(scale.entries)
        staged = step(running, "benchmarks.staging_step", "stage", running.address, entries)
        committed = step(running, "benchmarks.staging_step", "commit", running.address)
        listed = client_step(running, work / "cache", "list", COLLECTION)
        middle = path_of(scale.entries // 2)
        read = client_step(running, work / "cache", "read", COLLECTION, middle, str(_READS))
        before = _stored_bytes(store)
        draft = client_step(running, work / "cache", "draft", COLLECTION, COLLECTION, str(_CHANGES))
        grown = _stored_bytes(store) - before
        inspected = list(_inspected(running, work, scale))
    assert committed["files"] == listed["files"] == scale.entries
    assert draft["files"] == scale.entries + _CHANGES
    yield Measurement("stage", staged["seconds"], "s", "", staged)
    yield from use("stage", staged)
    yield Measurement("commit", committed["seconds"], "s", "", committed)
    yield from use("commit", committed)
    yield Measurement("list all", listed["seconds"], "s", "", listed)
    yield from use("list all", listed)
    yield Measurement("read one file: p50", 1e3 * read["read_seconds"], "ms", "", read)
    yield Measurement("draft of ten changes", draft["seconds"], "s", "", draft)
    yield Measurement("draft of ten changes: stored", grown / MIB, "MiB", "", draft)
    yield from use("draft of ten changes", draft)
    yield from inspected


def _inspected(running: ServerProcess, work: Path, scale: Scale) -> Iterator[Measurement]:
    """Verify the stored bytes and a folder; compare with the next version, and with another."""
    cache, version = work / "cache", f"{COLLECTION}:v0"
    samples = [path_of(index) for index in range(CHUNK_COUNT)]
    client_step(running, cache, "sample", version, str(work / "samples"), *samples)
    linked_files(work / "samples", work / "folder", map(path_of, range(scale.entries)))
    client_step(running, cache, "put", f"{COLLECTION}-few", str(work / "samples"))
    for name, *arguments in (
        ("verify stored bytes", "verify", version),
        ("verify a folder", "verify", version, str(work / "folder")),
        ("diff with ten changes", "diff", version, f"{COLLECTION}:v1"),
        ("diff with few files", "diff", f"{COLLECTION}-few", version),
    ):
        measured = client_step(running, cache, *arguments)
        yield Measurement(name, measured["seconds"], "s", "", measured)
        yield from use(name, measured)


def _stored_bytes(store: Path) -> int:
    """Return the size of all chunks on the disk: those of files, manifests and what was staged."""
    return sum(pack.stat().st_size for pack in (store / "packs").rglob("*.pack"))
