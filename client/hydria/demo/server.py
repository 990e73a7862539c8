"""The server of the demo, in a process of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydria.cli.text import seconds_text
from hydria.demo.words import require, say, tell

START_SECONDS = 30
STOP_SECONDS = 30


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Run the server program on an empty store, give its address, and stop it at the end.

    Raises:
        DemoFailedError: it did not start, or did not end well.
    """
    tell("A server: one process, an empty store, on this machine")
    begun_at = time.monotonic()
    log = folder / "server.log"
    command = [sys.executable, "-P", "-m", "hydria_server", "--listen", "127.0.0.1:0"]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "store")],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=clean_environment(),
        )
    with process:
        try:
            address = _announced_address(process, log)
            say("listening", f"on {address} after {seconds_text(time.monotonic() - begun_at)}")
            yield address
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOP_SECONDS)
            require(code == 0, f"the server ended with {code}: {_end_of(log)}")
        finally:
            process.kill()  # which does nothing to one that has ended


def _announced_address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    is_ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if is_ready else ""
    require(bool(line), f"the server did not start: {_end_of(log)}")
    return str(json.loads(line)["address"])


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] or "it logged nothing"


def clean_environment() -> dict[str, str]:
    """Return the environment without what is said there about Hydria."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
