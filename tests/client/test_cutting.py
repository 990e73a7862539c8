"""Where files are cut: the same places whatever the buffers."""

from __future__ import annotations

import random

import pytest

from hydria.chunking import Chunker
from hydria.errors import InvalidArgumentError
from hydria.records import ChunkerParameters

SMALL = ChunkerParameters(min_bytes=256, average_bytes=1024, max_bytes=4096)


def content(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def cut_in_buffers(data: bytes, buffer_bytes: int) -> list[int]:
    chunker, sizes, at = Chunker(SMALL), [], 0
    while at < len(data):
        is_end = at + buffer_bytes >= len(data)
        cut = chunker.cut(memoryview(data)[at : at + buffer_bytes], is_end=is_end)
        assert cut
        sizes += cut
        at += sum(cut)
    return sizes


@pytest.mark.parametrize("buffer_bytes", [4097, 8192, 10_000, 65_536])
def test_the_cuts_do_not_depend_on_the_buffers(buffer_bytes: int) -> None:
    data = content(300_000)
    whole = Chunker(SMALL).cut(memoryview(data), is_end=True)

    assert cut_in_buffers(data, buffer_bytes) == whole
    assert sum(whole) == len(data)
    assert max(whole) <= SMALL.max_bytes
    assert min(whole[:-1]) >= SMALL.min_bytes


def test_an_insertion_moves_few_cuts() -> None:
    data = content(500_000)
    edited = data[:250_000] + b"inserted" + data[250_000:]

    def chunks(whole: bytes) -> set[bytes]:
        found, at = set(), 0
        for size in Chunker(SMALL).cut(memoryview(whole), is_end=True):
            found.add(whole[at : at + size])
            at += size
        return found

    assert len(chunks(edited) - chunks(data)) <= 3


def test_zeros_are_cut_at_the_largest_size() -> None:
    sizes = Chunker(SMALL).cut(memoryview(bytes(10_000)), is_end=True)

    assert sizes == [4096, 4096, 1808]


def test_parameters_of_another_algorithm_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        Chunker(ChunkerParameters(normalization=9))
