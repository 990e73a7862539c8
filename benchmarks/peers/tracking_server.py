"""MLflow's server on loopback, which passes the bytes of artifacts on.

In the peers' environment: `python -m benchmarks.peers.tracking_server up ADDRESS SOURCE` or
`... down ADDRESS TARGET`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from benchmarks.own_use import print_measured
from benchmarks.peers.peer import PeerMissingError, require, require_module, run_module

_MODULE = "benchmarks.peers.tracking_server"
_START_SECONDS = 90.0
_STOP_SECONDS = 30.0


class MlflowDeployment:
    """A server with an empty store; every version is a run."""

    def __init__(self, address: str) -> None:
        self._address = address

    def up(self, source: Path) -> Mapping[str, float]:
        return run_module(_MODULE, "up", self._address, str(source))

    def down(self, target: Path) -> Mapping[str, float]:
        return run_module(_MODULE, "down", self._address, str(target))


class MlflowServer:
    """`mlflow server --serve-artifacts` with two workers. No sync, no checksums."""

    name = "MLflow server"

    @contextmanager
    def deploy(self, work: Path) -> Iterator[MlflowDeployment]:
        require_module("mlflow")
        work.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        command = [str(require("mlflow")), "server", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--backend-store-uri", f"sqlite:///{work}/runs.db", "--serve-artifacts"]
        command += ["--artifacts-destination", str(work / "artifacts"), "--workers", "2"]
        with (work / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, cwd=work
            )
            try:
                _wait_until_healthy(f"http://127.0.0.1:{port}", process)
                yield MlflowDeployment(f"http://127.0.0.1:{port}")
            finally:
                _stop(process)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    end_at = time.monotonic() + _START_SECONDS
    while time.monotonic() < end_at and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise PeerMissingError("its server did not start")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers, which share a process group of their own."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()


def _up(address: str, source: Path) -> None:
    import mlflow

    mlflow.set_tracking_uri(address)
    with mlflow.start_run():
        cpu, begun_at = time.process_time(), time.perf_counter()
        mlflow.log_artifacts(str(source), artifact_path="data")
        seconds = time.perf_counter() - begun_at
        cpu = time.process_time() - cpu
    print_measured(seconds, cpu, {})


def _down(address: str, target: Path) -> None:
    import mlflow

    mlflow.set_tracking_uri(address)
    newest = mlflow.search_runs(
        experiment_ids=["0"], max_results=1, order_by=["attributes.start_time DESC"]
    )
    run_id = newest["run_id"][0]
    target.mkdir(parents=True)
    cpu, begun_at = time.process_time(), time.perf_counter()
    mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="data", dst_path=str(target))
    seconds = time.perf_counter() - begun_at
    print_measured(seconds, time.process_time() - cpu, {})


if __name__ == "__main__":
    {"up": _up, "down": _down}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
