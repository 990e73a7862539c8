"""How fast one thread hashes and cuts, in a process of its own.

`python -m benchmarks.hashing_step BYTES` prints the GB/s of each function as one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable

import xxhash
from blake3 import blake3
from pyfastcdc import FastCDC

from benchmarks.data import random_blocks

_PASSES = 3


def main(size_bytes: int) -> None:
    """Run each function some times over the same memory; print the median rates."""
    data = b"".join(random_blocks(size_bytes))
    cutter = FastCDC(524_288, min_size=131_072, max_size=2_097_152, normalized_chunking=2, seed=0)
    functions: dict[str, Callable[[], object]] = {
        "XXH3-64": lambda: xxhash.xxh3_64_digest(data),
        "XXH3-128": lambda: xxhash.xxh3_128_digest(data),
        "BLAKE3": lambda: blake3(data, max_threads=1).digest(),
        "SHA-256": lambda: hashlib.sha256(data).digest(),
        "MD5": lambda: hashlib.md5(data, usedforsecurity=False).digest(),
        "FastCDC": lambda: [cut.length for cut in cutter.cut_buf(data)],
    }
    rates = {name: size_bytes / 1e9 / _seconds(run) for name, run in functions.items()}
    print(json.dumps(rates))


def _seconds(run: Callable[[], object]) -> float:
    taken = []
    for _pass in range(_PASSES):
        begun_at = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun_at)
    return statistics.median(taken)


if __name__ == "__main__":
    main(int(sys.argv[1]))
