"""The same data through us and through each peer, in one round."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import baseline, data
from benchmarks.measurements import FileSet, Measurement, Scale
from benchmarks.peers.dvc_remote import DvcRemote
from benchmarks.peers.ours import Ours
from benchmarks.peers.peer import Deployment, Peer, PeerMissingError
from benchmarks.peers.tracking_server import MlflowServer
from benchmarks.peers.xet_engine import XetEngine

PEERS: Sequence[Peer] = (Ours(), XetEngine(), MlflowServer(), DvcRemote())
_FAILURES = (PeerMissingError, subprocess.CalledProcessError)


def compare(work: Path, scale: Scale, peers: Sequence[Peer] = PEERS) -> Iterator[Measurement]:
    """2 GiB in one file, 1 GiB and its next version, and tiny files, up and down."""
    sources = _write_sources(work, scale)
    for peer in peers:
        store = work / "peer"
        try:
            with peer.deploy(store) as deployment:
                yield from _through(peer.name, deployment, sources, work / "down")
            is_complete = True
        except _FAILURES as error:
            print(f"  {peer.name} is left out: {error}", file=sys.stderr)
            is_complete = False
        yield Measurement(f"{peer.name}: measured (1) or left out (0)", is_complete, "")
        shutil.rmtree(store, ignore_errors=True)
        shutil.rmtree(work / "down", ignore_errors=True)


def _write_sources(work: Path, scale: Scale) -> Mapping[str, tuple[FileSet, Path]]:
    big, first, next_, tiny = (work / name for name in ("big", "first", "next", "tiny"))
    data.write_file(big / "data.bin", scale.big_bytes)
    data.write_file(first / "data.bin", scale.insertion_bytes)
    data.insert(first / "data.bin", next_ / "data.bin", count=10, inserted_bytes=1000)
    tiny_files = scale.peer_tiny_files
    data.write_many(tiny, tiny_files.count, tiny_files.size_bytes)
    return {
        "one file": (FileSet(1, scale.big_bytes), big),
        "half as large": (FileSet(1, scale.insertion_bytes), first),
        "that with ten insertions": (FileSet(1, scale.insertion_bytes), next_),
        "tiny files": (tiny_files, tiny),
    }


def _through(
    peer: str, deployment: Deployment, sources: Mapping[str, tuple[FileSet, Path]], target: Path
) -> Iterator[Measurement]:
    for shape, (files, source) in sources.items():
        baseline.settle()
        yield from _row(f"{peer}: {shape}, up", files, deployment.up(source))
        baseline.settle()
        yield from _row(f"{peer}: {shape}, down", files, deployment.down(target))
        shutil.rmtree(target)


def _row(name: str, files: FileSet, measured: Mapping[str, float]) -> Iterator[Measurement]:
    if files.count > 1:
        yield Measurement(name, files.count / measured["seconds"], "files/s", "", measured)
    else:
        rate = files.total_bytes / 1e6 / measured["seconds"]
        yield Measurement(name, rate, "MB/s", "", measured)
