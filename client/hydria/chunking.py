"""Where a file is cut, so that equal parts of different files become equal chunks."""

from __future__ import annotations

from typing import Literal

from pyfastcdc import FastCDC

from hydria.errors import InvalidArgumentError
from hydria.records import ChunkerParameters

_LEVELS: dict[int, Literal[0, 1, 2, 3]] = {0: 0, 1: 1, 2: 2, 3: 3}


class Chunker:
    """FastCDC-2020 over buffers. One per thread; it keeps nothing between calls.

    It never maps a file: a mapped file that shrinks kills the process that reads it.
    """

    def __init__(self, parameters: ChunkerParameters) -> None:
        if parameters.normalization not in _LEVELS:
            raise InvalidArgumentError(f"normalization {parameters.normalization} is not known")
        self.max_bytes = parameters.max_bytes
        self._cdc = FastCDC(
            parameters.average_bytes,
            min_size=parameters.min_bytes,
            max_size=parameters.max_bytes,
            normalized_chunking=_LEVELS[parameters.normalization],
            seed=parameters.seed,
        )

    def cut(self, data: memoryview, *, is_end: bool) -> list[int]:
        """Return the sizes of the chunks that `data` begins with.

        Unless `is_end`, the last cut is left out, because it may come from where `data` ends: its
        bytes belong at the beginning of the next `data`. With `is_end` the sizes add up to all of
        `data`.
        """
        sizes = [chunk.length for chunk in self._cdc.cut_buf(data)]
        return sizes if is_end else sizes[:-1]
