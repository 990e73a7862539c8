"""Manifests, runs and recipes that were harmed: a value that comes back as it is, or ValueError."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.manifest import (
    RUN_MAGIC,
    SHARD_MAGIC,
    decode_entries,
    decode_entry,
    decode_recipe,
    decode_removals,
    encode_entries,
    encode_entry,
    encode_recipe,
    encode_removals,
)
from tests.domain.test_manifest_codecs import CHUNKS, ENTRIES, TEXTS
from tests.fuzz.mutations import mutated

MAGICS = st.sampled_from([SHARD_MAGIC, RUN_MAGIC])
ENCODED = ENTRIES.map(encode_entry)
SHARDS = st.builds(encode_entries, MAGICS, st.lists(ENCODED, max_size=4))


# A reference without a URI, which would be written as a file without a digest.
@example(raw=b"\x01\0\0\0a\x01" + bytes(8 + 4 + 4))
@given(raw=mutated(ENCODED) | st.binary(max_size=120))
def test_an_entry_is_read_or_refused(raw: bytes) -> None:
    try:
        entry = decode_entry(raw)
    except ValueError:
        return
    assert decode_entry(encode_entry(entry)) == entry


@given(MAGICS, mutated(SHARDS) | st.binary(max_size=200))
def test_a_shard_is_read_or_refused(magic: bytes, data: bytes) -> None:
    try:
        raws = list(decode_entries(magic, data))
    except ValueError:
        return
    assert encode_entries(magic, raws) == data


@given(mutated(st.builds(encode_removals, st.lists(TEXTS, max_size=3), st.lists(TEXTS))))
def test_removals_are_read_or_refused(data: bytes) -> None:
    try:
        paths, prefixes = decode_removals(data)
    except ValueError:
        return
    assert sum(map(len, (*paths, *prefixes))) <= len(data)


@given(mutated(st.lists(CHUNKS, min_size=1, max_size=5).map(encode_recipe)))
def test_a_recipe_is_read_or_refused(data: bytes) -> None:
    try:
        chunks = decode_recipe(data, field="recipe")
    except FieldViolationError:
        return
    assert encode_recipe(chunks) == data
