"""Steps against a server, and the rows that most workloads make of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import baseline
from benchmarks.data import MIB
from benchmarks.measurements import FileSet, Measurement
from benchmarks.processes import ServerProcess, run_step

COLLECTION = "local/bench/data"
Figures = dict[str, float]


def put(running: ServerProcess, path: Path, cache: Path) -> Figures:
    """Log a folder."""
    return client_step(running, cache, "put", COLLECTION, str(path))


def get(running: ServerProcess, root: Path, cache: Path, ref: str = COLLECTION) -> Figures:
    """Download a version."""
    return client_step(running, cache, "get", ref, str(root))


def client_step(running: ServerProcess, cache: Path, *arguments: str) -> Figures:
    """Run a step of `benchmarks.client_step`."""
    return step(running, "benchmarks.client_step", running.address, str(cache), *arguments)


def step(running: ServerProcess, module: str, *arguments: str) -> Figures:
    """Run a step of a module; add what the server took meanwhile."""
    baseline.settle()
    running.reset_peak_memory()
    cpu = running.cpu_seconds()
    measured = run_step(module, *arguments)
    measured["server_peak_bytes"] = running.peak_memory_bytes()
    measured["server_cpu_seconds"] = running.cpu_seconds() - cpu
    return measured


def ratio(
    name: str, reference: str, reference_seconds: float, measured: Figures, *, bar: str = ""
) -> Measurement:
    """Return the rate of a step over the rate of what it is compared with."""
    figures = {**measured, f"{reference}_seconds": reference_seconds}
    return Measurement(name, reference_seconds / measured["seconds"], "x", bar, figures)


def rates(name: str, files: FileSet, measured: Figures, *, bar: str = "") -> Iterator[Measurement]:
    """Yield a step's MB/s and, of many files, files/s, which the bar is for."""
    rate = files.total_bytes / 1e6 / measured["seconds"]
    yield Measurement(f"{name}: rate", rate, "MB/s", "", measured)
    if files.count > 1:
        rate = files.count / measured["seconds"]
        yield Measurement(f"{name}: files", rate, "files/s", bar, measured)


def processor(name: str, measured: Figures) -> Iterator[Measurement]:
    """Yield the processor time that a step took on either side."""
    for side in ("server", "client"):
        value = measured[f"{side}_cpu_seconds"]
        yield Measurement(f"{name}: {side} CPU", value, "s")


def memory(name: str, measured: Figures) -> Iterator[Measurement]:
    """Yield the peaks of a step, with the bars that hold for every workload."""
    for side, limit in (("server", 350), ("client", 250)):
        mib = measured[f"{side}_peak_bytes"] / MIB
        yield Measurement(f"{name}: {side} memory", mib, "MiB", f"<= {limit}")


def use(name: str, measured: Figures) -> Iterator[Measurement]:
    """Yield processor time and memory."""
    yield from processor(name, measured)
    yield from memory(name, measured)
