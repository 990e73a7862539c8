"""FastCDC-2020: the cut points on which every client and every server must agree.

The public vectors are those of the Remote Execution API (`fastcdc2020_test_vectors.txt`): offsets
and lengths for one image, `Akashita` by Toriyama Sekien (1712-1788, in the public domain), with two
seeds. The ones for our own parameters were frozen from pyfastcdc 0.3.1, which passes the public
ones: they show that nothing has moved, not that it was right to begin with.
"""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from pyfastcdc import FastCDC

from hydria_server.domain.chunks import (
    CHUNKER_AVERAGE_BYTES,
    CHUNKER_MIN_BYTES,
    MAX_CHUNK_BYTES,
)

IMAGE = Path(__file__).parent / "vectors" / "SekienAkashita.jpg"
IMAGE_SHA256 = "d9e749d9367fc908876749d6502eb212fee88c9a94892fb07da5ef3ba8bc39ed"
PUBLIC = {
    0: [19186, 19279, 17354, 16387, 19940, 17320],
    666: [17635, 17334, 19136, 17467, 23593, 14301],
}
# Of 8 MiB: SHA-256 in counter mode, so that any language can make the same bytes.
FROZEN = [
    560905,
    636753,
    708026,
    322071,
    533378,
    662298,
    556544,
    573335,
    617449,
    660916,
    541350,
    602020,
    495627,
    588824,
    329112,
]


def counted_bytes(size_bytes: int) -> bytes:
    """Return SHA-256 of the 8-byte little-endian numbers 0, 1, 2, ..., one after the other."""
    blocks = (hashlib.sha256(at.to_bytes(8, "little")).digest() for at in range(size_bytes // 32))
    return b"".join(blocks)


def our_chunker() -> FastCDC:
    return FastCDC(
        CHUNKER_AVERAGE_BYTES,
        min_size=CHUNKER_MIN_BYTES,
        max_size=MAX_CHUNK_BYTES,
        normalized_chunking=2,
        seed=0,
    )


@pytest.mark.parametrize("seed", sorted(PUBLIC))
def test_the_public_vectors_are_cut_as_published(seed: int) -> None:
    image = IMAGE.read_bytes()
    assert hashlib.sha256(image).hexdigest() == IMAGE_SHA256
    chunker = FastCDC(16_384, min_size=4096, max_size=65_535, normalized_chunking=2, seed=seed)
    assert [chunk.length for chunk in chunker.cut_buf(image)] == PUBLIC[seed]


def test_our_parameters_are_those_of_the_design() -> None:
    assert (CHUNKER_MIN_BYTES, CHUNKER_AVERAGE_BYTES, MAX_CHUNK_BYTES) == (
        131_072,
        524_288,
        2_097_152,
    )


def test_our_parameters_cut_where_they_always_did() -> None:
    data = counted_bytes(8 << 20)
    assert [chunk.length for chunk in our_chunker().cut_buf(data)] == FROZEN


def test_an_insertion_changes_the_chunks_beside_it_and_no_others() -> None:
    data = counted_bytes(8 << 20)
    edited = data[: 3 << 20] + b"inserted" + data[3 << 20 :]
    before, after = (
        {bytes(buffer[c.offset : c.offset + c.length]) for c in our_chunker().cut_buf(buffer)}
        for buffer in (data, edited)
    )
    assert len(after - before) <= 2


def test_bytes_without_features_are_cut_at_the_largest_size() -> None:
    lengths = [chunk.length for chunk in our_chunker().cut_buf(bytes(5 << 20))]
    assert lengths == [2_097_152, 2_097_152, 1_048_576]


def test_where_a_buffer_ends_moves_no_earlier_cut() -> None:
    """What the server relies on when it cuts a file a buffer at a time."""
    data = counted_bytes(8 << 20)
    whole = [chunk.length for chunk in our_chunker().cut_buf(data)]
    source = random.Random(5)
    for _ in range(10):
        end = source.randrange(1 << 20, len(data))
        some = [chunk.length for chunk in our_chunker().cut_buf(data[:end])]
        assert some[:-1] == whole[: len(some) - 1]
