"""Xet's own engine, without any network: `local://` in the process of the caller.

In the peers' environment: `python -m benchmarks.peers.xet_engine up SOURCE STORE` or
`... down STORE TARGET`. What was stored where is kept in a file beside the store.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.own_use import print_measured
from benchmarks.peers.peer import require_module, run_module

_MODULE = "benchmarks.peers.xet_engine"


class XetDeployment:
    """A local store of the engine."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def up(self, source: Path) -> Mapping[str, float]:
        return run_module(_MODULE, "up", str(source), str(self._store))

    def down(self, target: Path) -> Mapping[str, float]:
        return run_module(_MODULE, "down", str(self._store), str(target))


class XetEngine:
    """The data path of Hugging Face's storage, in-process: no server, no wire, no sync."""

    name = "hf_xet, local://"

    @contextmanager
    def deploy(self, work: Path) -> Iterator[XetDeployment]:
        require_module("hf_xet")
        (work / "store").mkdir(parents=True)
        yield XetDeployment(work / "store")


def _up(source: Path, store: Path) -> None:
    import hf_xet

    files = [path for path in source.rglob("*") if path.is_file()]
    cpu, begun_at = time.process_time(), time.perf_counter()
    commit = hf_xet.XetSession().new_upload_commit(endpoint=f"local://{store}")
    handles = [commit.start_upload_file(str(path), sha256=hf_xet.SKIP_SHA256) for path in files]
    commit.wait_to_finish()
    infos = [handle.result().xet_info for handle in handles]
    seconds, cpu = time.perf_counter() - begun_at, time.process_time() - cpu
    stored = [
        [str(path.relative_to(source)), info.hash, info.file_size]
        for path, info in zip(files, infos, strict=True)
    ]
    _index_of(store).write_text(json.dumps(stored))
    print_measured(seconds, cpu, {"files": len(files)})


def _down(store: Path, target: Path) -> None:
    import hf_xet

    stored = json.loads(_index_of(store).read_text())
    cpu, begun_at = time.process_time(), time.perf_counter()
    group = hf_xet.XetSession().new_file_download_group(endpoint=f"local://{store}")
    for path, digest, size_bytes in stored:
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        group.start_download_file(hf_xet.XetFileInfo(digest, size_bytes), str(file))
    group.wait_to_finish()
    seconds = time.perf_counter() - begun_at
    print_measured(seconds, time.process_time() - cpu, {"files": len(stored)})


def _index_of(store: Path) -> Path:
    return store.with_name("stored.json")


if __name__ == "__main__":
    {"up": _up, "down": _down}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
