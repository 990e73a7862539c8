"""The manifest's bytes: what is written stays readable for ever, so they are written down here."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.manifest import (
    MAX_RECIPE_CHUNKS,
    RUN_MAGIC,
    SHARD_MAGIC,
    FileEntry,
    RecipeRef,
    decode_entries,
    decode_entry,
    decode_recipe,
    decode_removals,
    digested_part,
    encode_entries,
    encode_entry,
    encode_recipe,
    encode_removals,
    entry_path,
    entry_size,
)

A, B, C = b"\xaa" * 32, b"\xbb" * 32, b"\xcc" * 32

# --- strategies -----------------------------------------------------------------------------------

DIGESTS = st.binary(min_size=32, max_size=32)
U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
CHUNKS = st.builds(ChunkRef, DIGESTS, U32)
RECIPES = st.builds(RecipeRef, DIGESTS, U32, U32, U64)
STORED = st.one_of(
    st.builds(FileEntry, TEXTS, U64, DIGESTS, chunks=st.lists(CHUNKS, max_size=5).map(tuple)),
    st.builds(
        FileEntry, TEXTS, U64, DIGESTS, recipes=st.lists(RECIPES, min_size=1, max_size=4).map(tuple)
    ),
)
REFERENCES = st.builds(FileEntry, TEXTS, U64, ref_uri=TEXTS, ref_checksum=st.text(max_size=5))
ENTRIES = STORED | REFERENCES


# --- fixed bytes ----------------------------------------------------------------------------------


def test_the_bytes_of_a_file_of_one_chunk() -> None:
    entry = FileEntry("a/é", 258, A)
    expected = "04000000" + "612fc3a9" + "00" + "0201000000000000" + "aa" * 32 + "0000"
    assert encode_entry(entry).hex() == expected


def test_the_bytes_of_a_file_of_two_chunks() -> None:
    entry = FileEntry("f", 300, A, (ChunkRef(B, 256), ChunkRef(C, 44)))
    expected = (
        "01000000" + "66" + "00" + "2c01000000000000" + "aa" * 32 + "0200"
        + "bb" * 32 + "00010000" + "cc" * 32 + "2c000000"
    )  # fmt: skip
    assert encode_entry(entry).hex() == expected


def test_the_bytes_of_a_file_in_recipes() -> None:
    entry = FileEntry("f", 2**33, A, recipes=(RecipeRef(B, 41, 1, 2**32), RecipeRef(C, 77, 2, 1)))
    expected = (
        "01000000" + "66" + "00" + "0000000002000000" + "aa" * 32 + "ffff" + "0200"
        + "bb" * 32 + "29000000" + "01000000" + "0000000001000000"
        + "cc" * 32 + "4d000000" + "02000000" + "0100000000000000"
    )  # fmt: skip
    assert encode_entry(entry).hex() == expected


def test_the_bytes_of_a_reference() -> None:
    entry = FileEntry("r", 7, ref_uri="s3://b/k", ref_checksum="etag")
    expected = (
        "01000000" + "72" + "01" + "0700000000000000"
        + "08000000" + b"s3://b/k".hex() + "04000000" + b"etag".hex()
    )  # fmt: skip
    assert encode_entry(entry).hex() == expected


def test_the_bytes_of_a_shard_and_of_a_run() -> None:
    for magic, first in ((SHARD_MAGIC, b"HYMS\x01"), (RUN_MAGIC, b"HYRN\x01")):
        data = encode_entries(magic, [b"one", b"", b"four"])
        assert data == first + b"\3\0\0\0one" + b"\0\0\0\0" + b"\4\0\0\0four"


def test_the_bytes_of_removals() -> None:
    data = encode_removals(["a", "é"], ["d/"])
    assert data == b"HYRM\x01" + b"\2\0\0\0Pa" + b"\3\0\0\0P\xc3\xa9" + b"\3\0\0\0Dd/"
    assert decode_removals(data) == ([b"a", "é".encode()], [b"d/"])


def test_the_bytes_of_a_recipe() -> None:
    data = encode_recipe([ChunkRef(A, 1), ChunkRef(B, 2_097_152)])
    assert data == b"HYRC\x01" + A + b"\1\0\0\0" + B + b"\0\0\x20\0"


# --- round trips ----------------------------------------------------------------------------------


@given(ENTRIES)
def test_an_entry_comes_back_as_it_was(entry: FileEntry) -> None:
    raw = encode_entry(entry)
    assert decode_entry(raw) == entry
    assert entry_path(raw) == entry.path.encode()
    assert entry_size(raw) == entry.size_bytes


@given(STORED, st.lists(CHUNKS, max_size=3))
def test_what_the_version_digest_covers_does_not_know_the_chunks(
    entry: FileEntry, chunks: list[ChunkRef]
) -> None:
    other = FileEntry(entry.path, entry.size_bytes, entry.content_digest, tuple(chunks))
    covered = digested_part(encode_entry(entry))
    assert covered == digested_part(encode_entry(other))
    path = entry.path.encode()
    assert (
        covered
        == (struct.pack("<I", len(path)) + path + struct.pack("<BQ", 0, entry.size_bytes))
        + entry.content_digest
    )


@given(REFERENCES)
def test_of_a_reference_it_covers_everything(entry: FileEntry) -> None:
    assert digested_part(encode_entry(entry)) == encode_entry(entry)


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_entries_come_back_in_order(raws: list[bytes]) -> None:
    data = encode_entries(SHARD_MAGIC, raws)
    assert list(decode_entries(SHARD_MAGIC, data)) == raws
    with pytest.raises(ValueError, match="magic"):
        list(decode_entries(RUN_MAGIC, data))


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4), st.data())
def test_entries_that_are_cut_short_are_never_taken_for_whole_ones(
    raws: list[bytes], data: st.DataObject
) -> None:
    whole = encode_entries(SHARD_MAGIC, raws)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        found = list(decode_entries(SHARD_MAGIC, cut))
    except ValueError:
        return
    assert found == raws[: len(found)]
    assert len(found) < len(raws)


@given(st.lists(TEXTS, max_size=5), st.lists(TEXTS, max_size=5))
def test_removals_come_back(paths: list[str], prefixes: list[str]) -> None:
    found_paths, found_prefixes = decode_removals(encode_removals(paths, prefixes))
    assert found_paths == [path.encode() for path in paths]
    assert found_prefixes == [prefix.encode() for prefix in prefixes]


@given(st.lists(CHUNKS, min_size=1, max_size=10))
def test_a_recipe_comes_back(chunks: list[ChunkRef]) -> None:
    assert decode_recipe(encode_recipe(chunks)) == chunks


@given(st.binary(max_size=100))
def test_bytes_of_a_client_are_a_recipe_or_refused(data: bytes) -> None:
    for candidate in (data, b"HYRC\x01" + data):
        try:
            chunks = decode_recipe(candidate, field="f")
        except FieldViolationError:
            continue
        assert encode_recipe(chunks) == candidate


def test_a_recipe_has_at_most_32768_chunks() -> None:
    chunks = [ChunkRef(A, 1)] * MAX_RECIPE_CHUNKS
    assert len(decode_recipe(encode_recipe(chunks))) == 32_768
    with pytest.raises(FieldViolationError):
        decode_recipe(encode_recipe([*chunks, chunks[0]]))


@given(STORED)
def test_the_chunks_of_a_file_without_a_list(entry: FileEntry) -> None:
    listed = entry.listed_chunks()
    if entry.chunks or entry.recipes:
        assert listed == entry.chunks
    elif entry.size_bytes:
        assert listed == (ChunkRef(entry.content_digest, entry.size_bytes),)
    else:
        assert listed == ()
