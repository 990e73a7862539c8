"""Many clients at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import baseline, data
from benchmarks.data import MIB
from benchmarks.measurements import Measurement, Scale
from benchmarks.processes import run_steps, server


def concurrent(work: Path, scale: Scale) -> Iterator[Measurement]:
    """Eight client processes upload 1 GiB each, at the same time."""
    sources = [work / f"source-{index}" for index in range(scale.client_count)]
    for source in sources:
        data.write_file(source / "data.bin", scale.client_bytes)
    with server(work / "store") as running:
        each = [_put(running.address, work, source) for source in sources]
        baseline.settle()
        running.reset_peak_memory()
        cpu, begun_at = running.cpu_seconds(), time.perf_counter()
        clients = run_steps("benchmarks.client_step", each)
        seconds = time.perf_counter() - begun_at
        cpu = running.cpu_seconds() - cpu
        peak = running.peak_memory_bytes()
    sent = sum(client["sent_bytes"] for client in clients)
    assert sent >= scale.client_count * scale.client_bytes
    yield Measurement("all uploads: rate", sent / 1e6 / seconds, "MB/s", "", {"seconds": seconds})
    yield Measurement("server memory", peak / MIB, "MiB", "<= 350")
    client_peak = max(client["client_peak_bytes"] for client in clients)
    peaks = {f"client_{n}_peak_bytes": c["client_peak_bytes"] for n, c in enumerate(clients)}
    yield Measurement("largest client memory", client_peak / MIB, "MiB", "<= 250", peaks)
    yield Measurement("server CPU", cpu, "s")
    client_cpu = sum(client["client_cpu_seconds"] for client in clients)
    yield Measurement("CPU of all clients", client_cpu, "s")


def _put(address: str, work: Path, source: Path) -> tuple[str, ...]:
    cache = work / f"cache-of-{source.name}"
    return address, str(cache), "put", f"local/bench/{source.name}", str(source)
