"""The version digest: fixed vectors, worked out from the design's words and not by our code.

BLAKE3 of `hydria.version.v1\\0`, then for each entry in the order of the path's UTF-8 bytes: u32le
path length, path, u8 kind, u64le size; kind 0: the 32-byte content digest; kind 1: u32le length +
URI, u32le length + checksum text.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.manifest import FileEntry, encode_entry
from hydria_server.services.manifest_writer import ManifestWriter

EMPTY_FILE = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"  # published
HELLO = blake3(b"hello").digest()

# Each: the entries, the digest's input in hex after the prefix, the digest. The inputs were written
# by hand, and the digests are BLAKE3 of the prefix and them.
VECTORS: list[tuple[Sequence[FileEntry], str, str]] = [
    ([], "", "70182456c149f3d07b141ca942454e25d40ca2dc0dc67ec9facd02321058c4cd"),
    (
        [FileEntry("a", 0, bytes.fromhex(EMPTY_FILE))],
        "0100000061000000000000000000" + EMPTY_FILE,
        "c06c0d1308e465f7f8a3bab1b09d99526de76a73e41b3af86290b466556a5c11",
    ),
    (
        [
            FileEntry("B", 5, HELLO),
            FileEntry("a!", 5, HELLO),
            FileEntry("a/b", 2**40, b"\x11" * 32, (ChunkRef(b"\x22" * 32, 7),)),
            FileEntry("r", 3, ref_uri="s3://b/k", ref_checksum="e"),
            FileEntry("é", 0, bytes.fromhex(EMPTY_FILE)),
        ],
        "0100000042000500000000000000" + HELLO.hex()
        + "020000006121000500000000000000" + HELLO.hex()
        + "03000000612f62000000000000010000" + "11" * 32
        + "01000000720103000000000000000800000073333a2f2f622f6b0100000065"
        + "02000000c3a9000000000000000000" + EMPTY_FILE,
        "746d306c8b1735957f81e5a5f7b7008740758e749d1f9279a6bdb9f011cb12eb",
    ),
]  # fmt: skip


def digest_of(entries: Sequence[FileEntry]) -> bytes:
    """Return the digest that the server makes."""
    writer = ManifestWriter(lambda data: blake3(data).digest())
    for entry in entries:
        writer.add(encode_entry(entry))
    return writer.finish()


@pytest.mark.parametrize(("entries", "covered", "digest"), VECTORS)
def test_the_digest_of_a_version_is_what_the_design_says(
    entries: Sequence[FileEntry], covered: str, digest: str
) -> None:
    assert blake3(b"hydria.version.v1\0" + bytes.fromhex(covered)).hexdigest() == digest
    assert digest_of(entries).hex() == digest


@given(st.integers(min_value=0, max_value=3000))
def test_the_digest_does_not_know_how_entries_are_hashed_or_cut_into_shards(count: int) -> None:
    entries = [FileEntry(f"{at:05}", at, bytes([at % 256]) * 32) for at in range(count)]
    plain = blake3(b"hydria.version.v1\0")
    for entry in entries:
        path = entry.path.encode()
        plain.update(len(path).to_bytes(4, "little") + path + b"\0")
        plain.update(entry.size_bytes.to_bytes(8, "little") + entry.content_digest)
    assert digest_of(entries) == plain.digest()


def test_a_reference_and_a_file_are_never_the_same() -> None:
    stored = FileEntry("a", 3, HELLO)
    reference = FileEntry("a", 3, ref_uri="x")
    assert digest_of([stored]) != digest_of([reference])
