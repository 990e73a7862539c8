"""The named workloads: each is run against a fresh server and yields one row per measurement."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import baseline, data
from benchmarks.processes import ServerProcess, run_client, server

COLLECTION = "local/bench/data"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number of interest, what it is compared with, and the raw figures behind it."""

    name: str
    value: float
    unit: str
    bar: str
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the data is; the quick scale is for trying the harness itself."""

    big_bytes: int = 2048 * data.MIB
    insertion_bytes: int = 1024 * data.MIB
    tiny_files: int = 100_000
    tiny_bytes: int = 1024


QUICK = Scale(128 * data.MIB, 64 * data.MIB, 5_000)

Workload = Callable[[Path, Scale], Iterator[Measurement]]


def big_file(work: Path, scale: Scale) -> Iterator[Measurement]:
    """One file of new bytes: up against `cp` + `sync`, down against `cp`, and up again."""
    source = work / "big" / "big.bin"
    data.write_file(source, scale.big_bytes)
    with server(work / "store") as running:
        copied = baseline.copy_seconds(source, work / "copy.bin", synced=True)
        put = _put(running, source.parent, work / "cache")
        yield _ratio("upload / (cp + sync)", copied, put, scale.big_bytes)
        yield from _memory("upload", put)
        copied = baseline.copy_seconds(source, work / "copy.bin", synced=False)
        got = _get(running, work / "down", work / "cache-2")
        yield _ratio("download / cp", copied, got, scale.big_bytes)
        yield from _memory("download", got)
        shutil.rmtree(work / "down")
        for cache, warmth in (("cache-3", "cold"), ("cache", "warm")):
            again = _put(running, source.parent, work / cache)
            name = f"equal content again, {warmth} cache"
            yield Measurement(f"{name}: sent", again["sent_bytes"], "bytes", "= 0", again)
            yield Measurement(f"{name}: speedup", put["seconds"] / again["seconds"], "x", "", again)


def insertion(work: Path, scale: Scale) -> Iterator[Measurement]:
    """A large file with one insertion, logged after the original."""
    original, changed = work / "one" / "data.bin", work / "two" / "data.bin"
    data.write_file(original, scale.insertion_bytes)
    changed.parent.mkdir()
    data.insert(original, changed, count=1, inserted_bytes=1000)
    with server(work / "store") as running:
        _put(running, original.parent, work / "cache")
        again = _put(running, changed.parent, work / "cache")
    percent = 100 * again["sent_bytes"] / scale.insertion_bytes
    yield Measurement("one insertion: sent", percent, "% of the file", "< 1", again)


def tiny_files(work: Path, scale: Scale) -> Iterator[Measurement]:
    """Many tiny files, up and down and up again."""
    source = work / "tiny"
    data.write_many(source, scale.tiny_files, scale.tiny_bytes)
    with server(work / "store") as running:
        for name, measured in (
            ("tiny files up", _put(running, source, work / "cache")),
            ("tiny files down", _get(running, work / "down", work / "cache-2")),
        ):
            rate = scale.tiny_files / measured["seconds"]
            yield Measurement(name, rate, "files/s", ">= 4000", measured)
            yield from _memory(name, measured)
        again = _put(running, source, work / "cache")
        yield Measurement("tiny files again, warm", again["seconds"], "s", "", again)
        yield Measurement("tiny files again: sent", again["sent_bytes"], "bytes", "= 0", again)


WORKLOADS: Mapping[str, Workload] = {
    "big-file": big_file,
    "insertion": insertion,
    "tiny-files": tiny_files,
}


def _put(running: ServerProcess, path: Path, cache: Path) -> dict[str, float]:
    return _step(running, "put", COLLECTION, str(path), str(cache))


def _get(running: ServerProcess, root: Path, cache: Path) -> dict[str, float]:
    return _step(running, "get", f"{COLLECTION}:latest", str(root), str(cache))


def _step(running: ServerProcess, *arguments: str) -> dict[str, float]:
    baseline.settle()
    running.reset_peak_memory()
    cpu = running.cpu_seconds()
    measured = run_client(running.address, *arguments)
    measured["server_peak_bytes"] = running.peak_memory_bytes()
    measured["server_cpu_seconds"] = running.cpu_seconds() - cpu
    return measured


def _ratio(name: str, copied: float, measured: dict[str, float], size_bytes: int) -> Measurement:
    figures = {
        **measured,
        "cp_seconds": copied,
        "bytes_per_second": size_bytes / measured["seconds"],
        "cp_bytes_per_second": size_bytes / copied,
    }
    return Measurement(name, copied / measured["seconds"], "x", ">= 0.35", figures)


def _memory(name: str, measured: dict[str, float]) -> Iterator[Measurement]:
    for side, limit in (("server", 350), ("client", 250)):
        mib = measured[f"{side}_peak_bytes"] / data.MIB
        yield Measurement(f"{name}: {side} memory", mib, "MiB", f"<= {limit}")
