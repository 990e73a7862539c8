"""New data of four shapes: up, down, and up again with a cold and a warm client cache."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import baseline, data
from benchmarks.measurements import FileSet, Measurement, Scale
from benchmarks.processes import server
from benchmarks.steps import Figures, get, processor, put, rates, ratio, use
from benchmarks.workloads.ceiling import ceilings


@dataclass(frozen=True, slots=True)
class Bars:
    """What a file set is held to."""

    rate_of_cp: str = ""
    files_per_second: str = ""
    cold_speedup: str = ""
    warm_seconds: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """What moving one file set took, each way and again."""

    cp_synced_seconds: float
    up: Figures
    cp_seconds: float
    down: Figures
    cold: Figures
    warm: Figures


def big_file(work: Path, scale: Scale) -> Iterator[Measurement]:
    """One file of 2 GiB, beside `cp` and beside gRPC with nothing behind it."""
    source = work / "source"
    data.write_file(source / "big.bin", scale.big_bytes)
    bars = Bars(rate_of_cp=">= 0.5", cold_speedup=">= 3", warm_seconds="<= 0.2")
    moves = _move(work, source)
    yield from _rows(FileSet(1, scale.big_bytes), moves, bars)
    shutil.rmtree(work / "store")
    bare_up, bare_down = ceilings(scale.big_bytes)
    for way, moved, bare in (("upload", moves.up, bare_up), ("download", moves.down, bare_down)):
        yield ratio(f"{way} / gRPC ceiling", "ceiling", bare["seconds"], moved)
        yield from rates(f"gRPC ceiling, {way}", FileSet(1, scale.big_bytes), bare)
        yield from processor(f"gRPC ceiling, {way}", bare)


def medium_files(work: Path, scale: Scale) -> Iterator[Measurement]:
    """1,000 files of 300 KB, beside `cp`."""
    yield from _many(work, scale.medium_files, Bars())


def small_files(work: Path, scale: Scale) -> Iterator[Measurement]:
    """10,000 files of 100 KB, beside `cp`."""
    yield from _many(work, scale.small_files, Bars())


def tiny_files(work: Path, scale: Scale) -> Iterator[Measurement]:
    """100,000 files of 1 KiB, beside `cp`."""
    yield from _many(work, scale.tiny_files, Bars(files_per_second=">= 8000", warm_seconds="< 2"))


def _many(work: Path, files: FileSet, bars: Bars) -> Iterator[Measurement]:
    source = work / "source"
    data.write_many(source, files.count, files.size_bytes)
    yield from _rows(files, _move(work, source), bars)


def _move(work: Path, source: Path) -> Moves:
    with server(work / "store") as running:
        cp_synced_seconds = baseline.copy_seconds(source, work / "copy", synced=True)
        up = put(running, source, work / "cache")
        cp_seconds = baseline.copy_seconds(source, work / "copy", synced=False)
        down = get(running, work / "down", work / "cache-of-reader")
        shutil.rmtree(work / "down")
        return Moves(
            cp_synced_seconds,
            up,
            cp_seconds,
            down,
            cold=put(running, source, work / "cache-of-another"),
            warm=put(running, source, work / "cache"),
        )


def _rows(files: FileSet, moves: Moves, bars: Bars) -> Iterator[Measurement]:
    for way, moved, copied, reference in (
        ("upload", moves.up, moves.cp_synced_seconds, "cp + sync"),
        ("download", moves.down, moves.cp_seconds, "cp"),
    ):
        yield from rates(way, files, moved, bar=bars.files_per_second)
        yield from rates(f"{reference}, beside the {way}", files, {"seconds": copied})
        yield ratio(f"{way} / ({reference})", "cp", copied, moved, bar=bars.rate_of_cp)
        yield from use(way, moved)
    speedup = moves.up["seconds"] / moves.cold["seconds"]
    yield Measurement("again, cold: speedup", speedup, "x", bars.cold_speedup, moves.cold)
    yield Measurement("again, warm", moves.warm["seconds"], "s", bars.warm_seconds, moves.warm)
    for warmth, again in (("cold", moves.cold), ("warm", moves.warm)):
        yield from rates(f"again, {warmth}", files, again)
        yield Measurement(f"again, {warmth}: sent", again["sent_bytes"], "bytes", "= 0")
        yield from use(f"again, {warmth}", again)
