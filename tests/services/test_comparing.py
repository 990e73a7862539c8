"""Comparing versions: however their lists are cut, and however many passes the chunks take."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.manifest import FileEntry, encode_entry
from hydria_server.domain.records import ShardRecord
from hydria_server.services import comparisons
from hydria_server.services.comparing import FileChange, Side, merge
from tests.conformance.artifact_inspection import compare
from tests.conformance.artifact_staging import entry_of_recipes
from tests.servers import memory_server
from tests.teams import Team, entry, put, recipe

PATHS = [f"{letter}/{number}" for letter in "abcé" for number in range(6)]
TREES = st.dictionaries(st.sampled_from(PATHS), st.integers(1, 3), max_size=len(PATHS))
CUTS = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def entry_of(path: str, number: int) -> FileEntry:
    return FileEntry(path, number, bytes([number]) * 32)


def shards_of(tree: dict[str, int], cuts: Sequence[int]) -> list[list[bytes]]:
    """Return the list of files in parts of these sizes, over and over again."""
    raws = [encode_entry(entry_of(path, tree[path])) for path in sorted(tree, key=str.encode)]
    shards, turn = [], 0
    while raws:
        size = cuts[turn % len(cuts)]
        shards.append(raws[:size])
        raws, turn = raws[size:], turn + 1
    return shards


def compared(old: list[list[bytes]], new: list[list[bytes]]) -> list[FileChange]:
    """Drive the merge as the service does."""
    parts = (list(old), list(new))
    blank = ShardRecord(b"", 0, 0, "", "")
    sides = Side(blank for _ in old), Side(blank for _ in new)
    changes: list[FileChange] = []
    while any(side.shards or side.raws for side in sides):
        for side, shards in zip(sides, parts, strict=True):
            if side.wants_more:
                side.next_shard()
                side.raws.extend(shards.pop(0))
        changes += merge(*sides)
    return changes


@given(old=TREES, new=TREES, old_cuts=CUTS, new_cuts=CUTS)
def test_what_differs_does_not_depend_on_where_the_lists_are_cut(
    old: dict[str, int], new: dict[str, int], old_cuts: Sequence[int], new_cuts: Sequence[int]
) -> None:
    expected = [
        FileChange(
            entry_of(path, old[path]) if path in old else None,
            entry_of(path, new[path]) if path in new else None,
        )
        for path in sorted({*old, *new}, key=str.encode)
        if old.get(path) != new.get(path)
    ]
    assert compared(shards_of(old, old_cuts), shards_of(new, new_cuts)) == expected


@pytest.mark.parametrize("at_once", [1, 3, 10, 100_000])
async def test_totals_do_not_depend_on_how_many_chunks_are_sought_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(comparisons, "_SOUGHT_CHUNKS", at_once)
    chunks = [bytes([number]) * 100 for number in range(80)]
    async with memory_server() as server:
        team = Team.new(server)
        for parts in (chunks[:70], [*chunks[10:70], *chunks[70:]]):
            upload_id = await team.begin()
            await team.send(upload_id, *parts, recipe(*parts), b"alone")
            long = entry_of_recipes("long", parts, [recipe(*parts)])
            others = (put(entry("listed", *parts[-20:])), put(entry("alone", b"alone")))
            await team.stage(upload_id, put(long), *others)
            await team.commit(upload_id)
        _, summary = await compare(team, team.ref(":v0"), team.ref(":v1"))
    assert summary.changed_bytes == 7000 + 2000
    assert summary.new_bytes == 1000 + 1000
    assert summary.shared_bytes == 6000 + 1000 + 5
