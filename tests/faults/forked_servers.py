"""The server program in processes that start at once: forked from one that has imported it.

Starting Python and importing the server takes most of a second, and tests need hundreds of servers.
From `main` on such a process is the program: its own lock, files, threads and exit code.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

STOP_SECONDS = 30
PROGRAM = "hydria_server.__main__"

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", PROGRAM, __name__])


@dataclass(frozen=True, slots=True)
class ForkedServer:
    """A server in a process of its own. `address` is empty if it died before it had one."""

    process: ForkServerProcess
    address: str
    log: Path

    def wait(self) -> int:
        """Wait until it ends by itself; return its exit code, or minus the signal that did it."""
        self.process.join(STOP_SECONDS)
        assert self.process.exitcode is not None, self.log.read_text()[-2000:]
        return self.process.exitcode

    def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        self.process.terminate()
        return self.wait()

    def kill(self) -> int:
        """End it as a power cut would."""
        self.process.kill()
        return self.wait()


@contextmanager
def forked_server(
    data: Path,
    *flags: str,
    failpoint: str = "",
    dies_after_seconds: float | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[ForkedServer]:
    """Serve `data` on a free port; what still runs at the end is killed."""
    arguments = ["--data", str(data), *flags]
    if "--listen" not in flags:
        arguments += ["--listen", "127.0.0.1:0"]
    if failpoint:
        arguments += ["--failpoint", failpoint]
    log = data.parent / f"{data.name}.log"
    reading, writing = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_serve, args=(arguments, environ or {}, writing, str(log)))
    process.start()
    writing.close()
    death = threading.Timer(dies_after_seconds or 0, process.kill)
    if dies_after_seconds is not None:
        death.start()
    try:
        with os.fdopen(os.dup(reading.fileno())) as said:
            line = said.readline()
        yield ForkedServer(process, json.loads(line)["address"] if line else "", log)
    finally:
        death.cancel()
        if dies_after_seconds is not None:
            death.join()
        reading.close()
        process.kill()
        process.join(STOP_SECONDS)
        process.close()


def _serve(
    arguments: Sequence[str], environ: Mapping[str, str], said: Connection, log: str
) -> None:
    """Be the program, in the new process."""
    from hydria_server.__main__ import main

    for name in [name for name in os.environ if name.startswith("HYDRIA_")]:
        del os.environ[name]
    os.environ.update(environ)
    os.dup2(said.fileno(), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.exit(main(list(arguments)))
