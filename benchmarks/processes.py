"""The server and the clients, each a process of its own, and what they took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.own_use import peak_memory_bytes

_STOP_SECONDS = 60
_ROOT = Path(__file__).parents[1]


class ServerProcess:
    """A server that listens at `address`."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self._process = process
        self.address = address

    def peak_memory_bytes(self) -> int:
        """Return the most memory that was resident so far; 0 where the system does not tell."""
        return peak_memory_bytes(self._process.pid)

    def reset_peak_memory(self) -> None:
        """Forget the peak so far, where the system can."""
        try:
            Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")
        except OSError:
            return

    def cpu_seconds(self) -> float:
        """Return the processor time spent so far; 0.0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(data: Path) -> Iterator[ServerProcess]:
    """Run the server program on `data`, on a free port, until the block is left."""
    flags = ["--data", str(data), "--listen", "127.0.0.1:0", "--log-level", "warning"]
    with announced(["hydria_server", *flags]) as running:
        yield running


@contextmanager
def announced(module: Sequence[str]) -> Iterator[ServerProcess]:
    """Run a module that prints one JSON line with its `address`, until the block is left."""
    command = [sys.executable, "-m", *module]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=_ROOT)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{module[0]} ended before it listened")
        yield ServerProcess(process, json.loads(line)["address"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)
        process.stdout.close()


def run_step(module: str, *arguments: str) -> dict[str, float]:
    """Run one step of a module in a process of its own; return what it measured."""
    return run_steps(module, [arguments])[0]


def run_steps(module: str, each: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Run steps of a module at the same time, each in a process of its own.

    Raises:
        RuntimeError: one of them failed; the others have ended too.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )
        for arguments in each
    ]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"{module} {' '.join(each[0])} failed; see above")
    return [json.loads(output) for output in outputs]
