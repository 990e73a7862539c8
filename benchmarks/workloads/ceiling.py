"""The rate of gRPC alone, taken in the run that it is compared with."""

from __future__ import annotations

from benchmarks.processes import announced
from benchmarks.steps import Figures, step


def ceilings(size_bytes: int) -> tuple[Figures, Figures]:
    """Move the bytes up to a bare server and down from it, and return what each took."""
    with announced(["benchmarks.bare_grpc", "serve"]) as bare:
        up = step(bare, "benchmarks.bare_grpc", "up", bare.address, str(size_bytes))
        down = step(bare, "benchmarks.bare_grpc", "down", bare.address, str(size_bytes))
    return up, down
