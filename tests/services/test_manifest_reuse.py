"""A version that differs little from its base takes the shards of the base over as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydria_server.domain.errors import PathConflictError
from hydria_server.domain.manifest import (
    SHARD_MAGIC,
    FileEntry,
    decode_entries,
    digested_part,
    digested_parts,
    encode_entries,
    encode_entry,
    entry_size,
)
from hydria_server.domain.records import ShardRecord
from hydria_server.services.manifest_merge import WholeShard, merge
from hydria_server.services.manifest_writer import ManifestWriter
from tests.examples_tried import of_examples
from tests.services.test_manifest_merge import Step, Store, entry_of

# Names that are prefixes, files and directories of one another.
PATHS = st.lists(st.sampled_from(["a", "a!", "ab", "b", "0"]), min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.integers(0, 2), max_size=40)


class SmallShards(ManifestWriter):
    """Cuts as the writer does, but small: a boundary comes after about four entries."""

    MIN_ENTRIES = 2
    MAX_ENTRIES = 7
    MAX_BYTES = 400
    BOUNDARY_MASK = 3


Written = tuple[bytes, int, int, list[ShardRecord]] | str


def written(store: Store, items: Iterable[bytes | WholeShard]) -> Written:
    """Return what a writer makes of a merge, or the path of the conflict it finds."""
    writer = SmallShards(store.emit)
    try:
        for item in items:
            writer.take(item)
        return writer.finish(), writer.file_count, writer.size_bytes, writer.shards
    except PathConflictError as error:
        return error.details["path"]


def one_by_one(items: Iterable[bytes | WholeShard]) -> Iterable[bytes]:
    """Yield every entry, also those of whole shards."""
    for item in items:
        if isinstance(item, WholeShard):
            yield from decode_entries(SHARD_MAGIC, item.data)
        else:
            yield item


def shards_of(store: Store, files: Mapping[str, int]) -> Sequence[ShardRecord] | None:
    """Return the shards of a base version; None when there can be none like that."""
    ordered = sorted(files.items(), key=lambda item: item[0].encode())
    base = written(store, [encode_entry(entry_of(path, content)) for path, content in ordered])
    return None if isinstance(base, str) else base[3]


@settings(max_examples=of_examples(400))
@given(TREES, TREES, st.lists(PATHS, max_size=4), st.lists(PATHS, max_size=1))
def test_shards_taken_over_make_what_their_entries_one_by_one_make(
    base: dict[str, int], puts: dict[str, int], removed: list[str], prefixes: list[str]
) -> None:
    store = Store()
    shards = shards_of(store, base)
    if shards is None:
        return
    store.stage(Step("", dict(list(puts.items())[:5]), removed, prefixes, 2))

    expected = written(store, one_by_one(merge(store.runs, shards, store.fetch)))
    assert written(store, merge(store.runs, shards, store.fetch)) == expected


@pytest.mark.parametrize(
    ("base", "added"),
    [
        (["0", "a", "a!", "a!0", "a!1", "a!2"], "a/b"),  # the file is in a shard taken over
        (["0", "1", "2", "a/b", "a/c", "a/d"], "a"),  # the directory is
    ],
)
def test_a_conflict_with_a_file_in_a_shard_that_stays_is_found(base: list[str], added: str) -> None:
    store = Store()
    shards = shards_of(store, dict.fromkeys(base, 1))
    assert shards is not None
    store.stage(Step("", {added: 1}, (), (), 1))
    assert written(store, merge(store.runs, shards, store.fetch)) == "a"


def test_ten_changes_leave_all_but_a_few_shards_untouched() -> None:
    store = Store()
    writer = ManifestWriter(store.emit)
    for number in range(60_000):
        writer.add(encode_entry(entry_of(f"data/{number:08}", number % 3)))
    writer.finish()
    changed = {f"data/{number:08}": 7 for number in range(30_000, 30_010)}
    store.stage(Step("", changed, (), (), 1))

    again = ManifestWriter(store.emit)
    for item in merge(store.runs, writer.shards, store.fetch):
        again.take(item)
    again.finish()
    assert again.file_count == 60_000
    assert len(again.reused) >= len(writer.shards) - 2
    assert {shard.digest for shard in again.reused} <= {shard.digest for shard in writer.shards}


def test_what_is_digested_of_a_shard_is_what_is_digested_of_its_entries() -> None:
    entries = [
        encode_entry(entry_of("a", 1)),
        encode_entry(entry_of("b", 2, chunks=3)),
        encode_entry(FileEntry("c", 9, ref_uri="s3://bucket/key", ref_checksum="etag")),
        encode_entry(entry_of("é/z", 0)),
    ]
    parts, size_bytes = digested_parts(SHARD_MAGIC, encode_entries(SHARD_MAGIC, entries))
    assert parts == [digested_part(raw) for raw in entries]
    assert size_bytes == sum(entry_size(raw) for raw in entries)


def test_a_shard_that_is_cut_short_or_something_else_is_refused() -> None:
    data = encode_entries(SHARD_MAGIC, [encode_entry(entry_of("a", 1))])
    for damaged in (data[:-1], b"HYRN\x01" + data[5:]):
        with pytest.raises(ValueError, match=r"entry is cut short|expected magic"):
            digested_parts(SHARD_MAGIC, damaged)
