"""Base - removals + puts, against a model made of dictionaries; and shards that stay put."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from hydria_server.domain.chunks import ChunkRef
from hydria_server.domain.errors import DuplicatePathError, PathConflictError
from hydria_server.domain.manifest import (
    RUN_MAGIC,
    SHARD_MAGIC,
    FileEntry,
    decode_entries,
    decode_entry,
    encode_entries,
    encode_entry,
    encode_removals,
)
from hydria_server.domain.records import ShardRecord, StagedRun
from hydria_server.services.manifest_merge import WholeShard, merge
from hydria_server.services.manifest_writer import ManifestWriter
from tests.examples_tried import of_examples

PATHS = ["a", "a!", "ab", "b/x", "b/y", "b0", "c", "é", "é/z", "z"]
PREFIXES = ["a", "b", "b/", "é", "c", "zz"]
WRITERS = ["", "one", "two"]
Content = int  # stands for a content: one digest each


def entry_of(path: str, content: Content, *, chunks: int = 0) -> FileEntry:
    """Return an entry; `chunks` changes how it is stored, not what it is."""
    listed = tuple(ChunkRef(bytes([at]) * 32, 1) for at in range(chunks))
    return FileEntry(path, content + 1, bytes([content]) * 32, listed)


@dataclass(frozen=True, slots=True)
class Step:
    """One batch of a writer."""

    writer: str
    puts: Mapping[str, Content]
    removed_paths: Sequence[str]
    removed_prefixes: Sequence[str]
    parts: int


STEPS = st.builds(
    Step,
    st.sampled_from(WRITERS),
    st.dictionaries(st.sampled_from(PATHS), st.integers(0, 2), max_size=5),
    st.lists(st.sampled_from(PATHS), max_size=2),
    st.lists(st.sampled_from(PREFIXES), max_size=1),
    st.integers(1, 3),
)
BASES = st.dictionaries(st.sampled_from(PATHS), st.integers(0, 2), max_size=8)


@dataclass(slots=True)
class Store:
    """Keeps runs and shards by their digests."""

    chunks: dict[bytes, bytes] = field(default_factory=dict)
    runs: list[StagedRun] = field(default_factory=list)
    fetched: list[bytes] = field(default_factory=list)

    def fetch(self, digest: bytes, size_bytes: int) -> bytes:
        data = self.chunks[digest]
        assert len(data) == size_bytes
        self.fetched.append(digest)
        return data

    def emit(self, data: bytes) -> bytes:
        digest = blake3(data).digest()
        self.chunks[digest] = data
        return digest

    def stage(self, step: Step) -> None:
        """Keep a batch as the staging service does: sorted puts in parts, then the removals."""
        entries = sorted(step.puts.items(), key=lambda item: item[0].encode())
        size = max(1, -(-len(entries) // step.parts))
        for at in range(0, len(entries), size):
            part = entries[at : at + size]
            raws = [encode_entry(entry_of(path, content)) for path, content in part]
            self._keep(step.writer, encode_entries(RUN_MAGIC, raws), part[0][0], part[-1][0])
        if step.removed_paths or step.removed_prefixes:
            data = encode_removals(step.removed_paths, step.removed_prefixes)
            self._keep(step.writer, data, "", "")

    def _keep(self, writer: str, data: bytes, first: str, last: str) -> None:
        run = StagedRun(
            writer_id=writer,
            seq=1,
            part=0,
            digest=self.emit(data),
            size_bytes=len(data),
            operation_count=1,
            first_path=first,
            last_path=last,
            resolved=True,
            id=len(self.runs) + 1,
        )
        self.runs.append(run)

    def shards_of(self, files: Mapping[str, Content], *, per_shard: int = 2) -> list[ShardRecord]:
        """Keep a base version in small shards."""
        entries = sorted(files.items(), key=lambda item: item[0].encode())
        shards: list[ShardRecord] = []
        for at in range(0, len(entries), per_shard):
            part = entries[at : at + per_shard]
            raws = [encode_entry(entry_of(path, content)) for path, content in part]
            data = encode_entries(SHARD_MAGIC, raws)
            shards.append(
                ShardRecord(self.emit(data), len(data), len(part), part[0][0], part[-1][0])
            )
        return shards


def merged_entries(store: Store, base: Sequence[ShardRecord]) -> Iterator[bytes]:
    """Yield the encoded entries of a merge, those of whole shards among them."""
    for item in merge(store.runs, base, store.fetch):
        if isinstance(item, WholeShard):
            yield from decode_entries(SHARD_MAGIC, item.data)
        else:
            yield item


def model(base: Mapping[str, Content], steps: Sequence[Step]) -> dict[str, Content] | None:
    """Return what the version must hold; None when two writers disagree."""
    by_writer: dict[str, dict[str, Content]] = {}
    kept = dict(base)
    for step in steps:
        by_writer.setdefault(step.writer, {}).update(step.puts)
        for path in base:
            if path in step.removed_paths or path.startswith(tuple(step.removed_prefixes)):
                kept.pop(path, None)
    for puts in by_writer.values():
        for path, content in puts.items():
            if any(other.get(path, content) != content for other in by_writer.values()):
                return None
    for puts in by_writer.values():
        kept.update(puts)
    return kept


@settings(max_examples=of_examples(200))
@given(BASES, st.lists(STEPS, max_size=6))
def test_a_merge_is_what_the_model_says(base: dict[str, Content], steps: list[Step]) -> None:
    store = Store()
    shards = store.shards_of(base)
    for step in steps:
        store.stage(step)
    expected = model(base, steps)
    if expected is None:
        with pytest.raises(DuplicatePathError):
            list(merged_entries(store, shards))
        return
    raws = list(merged_entries(store, shards))
    in_order = sorted(expected.items(), key=lambda item: item[0].encode())
    assert [decode_entry(raw) for raw in raws] == [entry_of(p, c) for p, c in in_order]
    gone = [shard for shard in shards if is_all_removed(shard, steps)]
    sources = len(store.runs) + len(shards) - len(gone)
    assert len(store.fetched) == sources, "each source is read once, what is left out not at all"


def is_all_removed(shard: ShardRecord, steps: Sequence[Step]) -> bool:
    """Tell whether one prefix covers the whole shard."""
    prefixes = [prefix for step in steps for prefix in step.removed_prefixes]
    paths = (shard.first_path, shard.last_path)
    return any(all(path.startswith(prefix) for path in paths) for prefix in prefixes)


def test_the_same_content_in_other_chunks_is_no_contradiction() -> None:
    store = Store()
    for writer, chunks in (("one", 0), ("two", 2)):
        raw = encode_entry(entry_of("a", 1, chunks=chunks))
        store._keep(writer, encode_entries(RUN_MAGIC, [raw]), "a", "a")
    (raw,) = merged_entries(store, [])
    assert decode_entry(raw).content_digest == entry_of("a", 1).content_digest


def test_runs_are_opened_only_when_the_merge_comes_to_them() -> None:
    """What a writer staged in order costs the memory of one run."""
    store = Store()
    for at in range(20):
        store.stage(Step("", {f"{at:02}": 1}, (), (), 1))
    merged = merge(store.runs, [], store.fetch)
    for at in range(20):
        next(merged)
        assert len(store.fetched) <= at + 2
    assert list(merged) == []


# --- shards ---------------------------------------------------------------------------------------


def entries(numbers: Sequence[int]) -> Iterator[FileEntry]:
    """Yield the entries of some files, in order."""
    for number in numbers:
        yield FileEntry(f"data/{number:08}.bin", 1024, blake3(number.to_bytes(8, "big")).digest())


def written(made: Iterator[FileEntry]) -> tuple[ManifestWriter, dict[bytes, bytes]]:
    """Return the writer that took the entries, and the shards it wrote."""
    store = Store()
    writer = ManifestWriter(store.emit)
    for entry in made:
        writer.add(encode_entry(entry))
    writer.finish()
    return writer, store.chunks


def test_shards_hold_every_entry_in_order_and_say_which() -> None:
    writer, chunks = written(entries(range(30_000)))
    assert len(writer.shards) > 2
    assert writer.file_count == 30_000
    assert writer.size_bytes == 30_000 * 1024
    paths: list[str] = []
    for shard in writer.shards:
        data = chunks[shard.digest]
        raws = list(decode_entries(SHARD_MAGIC, data))
        held = [decode_entry(raw).path for raw in raws]
        assert (shard.first_path, shard.last_path) == (held[0], held[-1])
        assert (shard.entry_count, shard.size_bytes) == (len(held), len(data))
        assert len(data) <= 2 << 20, "a shard is a chunk"
        paths += held
    assert paths == [f"data/{number:08}.bin" for number in range(30_000)]


def test_a_change_in_a_large_version_changes_the_shards_it_falls_into() -> None:
    numbers = list(range(40_000))
    before = {shard.digest for shard in written(entries(numbers))[0].shards}
    for changed in (
        [*numbers[:21_000], *numbers[21_001:]],  # one removed
        [*numbers, 40_001],  # one appended
        [number for number in numbers if number not in (5, 20_000, 39_000)],
    ):
        after = {shard.digest for shard in written(entries(changed))[0].shards}
        assert len(after - before) <= 3
        assert len(before & after) >= len(before) - 3


def test_shards_of_long_paths_are_cut_by_their_bytes() -> None:
    made = (FileEntry(f"{at:05}" + "x" * 1000, 1, b"d" * 32) for at in range(5000))
    writer, _ = written(made)
    assert max(shard.size_bytes for shard in writer.shards) <= ManifestWriter.MAX_BYTES + 10
    assert len(writer.shards) >= 4


def test_an_entry_with_the_longest_chunk_list_fits_into_a_shard() -> None:
    chunks = tuple(ChunkRef(b"c" * 32, 1) for _ in range(64))
    writer, _ = written(FileEntry(f"{at:05}", 64, b"d" * 32, chunks) for at in range(2000))
    assert max(shard.size_bytes for shard in writer.shards) <= 2 << 20


def test_a_conflict_is_found_across_shards() -> None:
    writer = ManifestWriter(lambda data: blake3(data).digest())
    writer.add(encode_entry(FileEntry("a", 1, b"d" * 32)))
    for at in range(20_000):
        writer.add(encode_entry(FileEntry(f"a!{at:05}", 1, b"d" * 32)))
    with pytest.raises(PathConflictError):
        writer.add(encode_entry(FileEntry("a/b", 1, b"d" * 32)))
