"""Where the server cuts long chunk lists, so that an insertion changes one recipe."""

from __future__ import annotations

import random

from blake3 import blake3

from hydria_server.domain.chunks import ChunkRef
from hydria_server.services.recipes import _cut


def chunks(count: int, seed: int) -> list[ChunkRef]:
    source = random.Random(seed)
    return [ChunkRef(source.randbytes(32), source.randrange(1, 1 << 21)) for _ in range(count)]


def names(parts: list[list[ChunkRef]]) -> set[bytes]:
    return {blake3(b"".join(ref.digest for ref in part)).digest() for part in parts}


def test_the_parts_are_the_whole_and_none_is_too_long() -> None:
    for count in (65, 255, 256, 4096, 4097, 20_000):
        listed = chunks(count, count)
        parts = [list(part) for part in _cut(listed)]
        assert [ref for part in parts for ref in part] == listed
        assert all(256 <= len(part) <= 4096 for part in parts[:-1])


def test_an_insertion_changes_the_part_it_falls_into() -> None:
    listed = chunks(20_000, 1)
    before = names([list(part) for part in _cut(listed)])
    for at in (0, 777, 10_000, 19_999):
        edited = [*listed[:at], *chunks(3, 2), *listed[at:]]
        after = names([list(part) for part in _cut(edited)])
        assert len(after - before) <= 3
        assert len(before) > 10


def test_chunks_without_a_boundary_are_cut_by_their_count() -> None:
    same = [ChunkRef(b"\xff" * 32, 1)] * 10_000
    assert [len(part) for part in _cut(same)] == [4096, 4096, 1808]
