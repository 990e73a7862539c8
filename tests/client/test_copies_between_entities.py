"""Versions copied into another entity: through the client, chunk by chunk."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.errors import NotFoundError, TypeMismatchError
from tests.client.lines import Line
from tests.client.trees import MIB, content, plant, tree_of

BIG = content(14 * MIB)
FILES = {
    "a": b"a",
    "b/empty": b"",
    "b/large": BIG,
    "b/other": content(3 * MIB, seed=1),
    "twice": b"a",
}
MANY = FILES | {f"many/{at:04}": b"%d" % at for at in range(1200)}  # more than a batch


def names_in(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


async def test_a_copy_has_the_files_the_words_and_the_digest_of_its_source(
    client: AsyncClient, tmp_path: Path
) -> None:
    logged = await client.log(
        "source",
        plant(tmp_path / "source", MANY),
        type="dataset",
        description="of birds",
        metadata={"n": 3},
        tags=["gold"],
        aliases=["best"],
    )
    elsewhere = names_in(tmp_path)
    copied = await client.copy("source:best", "guests/zoo/calls", tags=["ours"], aliases=["new"])
    assert copied.created
    assert copied.version.ref == "guests/zoo/calls:v0"
    assert copied.version.digest == logged.version.digest
    assert (copied.version.type, copied.version.description) == ("dataset", "of birds")
    assert copied.version.metadata_json == logged.version.metadata_json
    assert copied.version.tags == ("gold", "ours")
    assert set(copied.version.aliases) == {"latest", "new"}
    assert names_in(tmp_path) == elsewhere  # nothing went to this disk
    await client.download("guests/zoo/calls", tmp_path / "copy")
    assert tree_of(tmp_path / "copy") == MANY


async def test_what_the_other_entity_has_is_neither_fetched_nor_sent(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("source", plant(tmp_path / "source", FILES), type="dataset")
    first = await client.copy("source", "guests/zoo/calls")
    assert first.sent_bytes >= len(BIG)
    again = await client.copy("source", "guests/zoo/calls", aliases=["again"])
    assert (again.created, again.sent_bytes) == (False, 0)
    assert again.version.ref == first.version.ref
    assert "again" in again.version.aliases
    other = await client.copy("source", "guests/zoo/others")
    assert (other.created, other.sent_bytes) == (True, 0)
    changed = bytearray(BIG)
    changed[7 * MIB] ^= 1
    await client.log("source", plant(tmp_path / "next", {**FILES, "b/large": bytes(changed)}))
    following = await client.copy("source", "guests/zoo/calls")
    assert following.version.ref == "guests/zoo/calls:v1"
    assert 0 < following.sent_bytes <= 6 * MIB


async def test_references_stay_references_and_an_empty_version_is_copied_too(
    client: AsyncClient, tmp_path: Path
) -> None:
    local = plant(tmp_path / "local", {"x": b"bytes elsewhere"})
    async with client.draft("source", type="dataset") as draft:
        await draft.add_reference(f"file://{local}/x", "m")
        await draft.add_reference("odd://unknown", "z", checksum=False)
        await draft.add_bytes("a", b"a")
        logged = await draft.commit()
    copied = await client.copy("source", "guests/zoo/calls")
    assert copied.version.digest == logged.version.digest
    assert copied.sent_bytes == 1
    listed = [await client.files(ref).to_list() for ref in ("source", "guests/zoo/calls")]
    assert listed[0] == listed[1]
    (tmp_path / "nothing").mkdir()
    await client.log("empty", tmp_path / "nothing", type="dataset")
    assert (await client.copy("empty", "guests/zoo/empty")).version.file_count == 0


async def test_a_copy_takes_no_more_memory_than_some_chunks(
    client: AsyncClient, tmp_path: Path
) -> None:
    huge = {"one": content(72 * MIB, seed=2)}
    await client.log("source", plant(tmp_path / "source", huge), type="dataset")
    del huge
    tracemalloc.start()
    await client.copy("source", "guests/zoo/calls")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 48 * MIB  # the server's share, in this process, included


async def test_a_copy_that_cannot_be_is_an_error_and_leaves_nothing_visible(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("source", plant(tmp_path / "source", {"a": b"a"}), type="dataset")
    await client.log("guests/zoo/models", plant(tmp_path / "other", {"b": b"b"}), type="model")
    with pytest.raises(TypeMismatchError):
        await client.copy("source", "guests/zoo/models", type="dataset")
    with pytest.raises(NotFoundError):
        await client.copy("nothing", "guests/zoo/models")
    assert len(await client.versions("guests/zoo/models").to_list()) == 1
    copied = await client.copy("source", "guests/zoo/models")  # its type is the collection's
    assert copied.version.type == "model"


async def test_a_copy_goes_on_after_the_line_broke(
    client: AsyncClient, client_on_line: AsyncClient, line: Line, tmp_path: Path
) -> None:
    files = {**FILES, "b/larger": content(20 * MIB, seed=3)}
    size_bytes = sum(map(len, files.values()))
    logged = await client.log("source", plant(tmp_path / "source", files), type="dataset")
    line.cut_after_received_bytes[:] = [5 * MIB, 9 * MIB]
    line.cut_after_sent_bytes[:] = [12 * MIB]
    copied = await client_on_line.copy("source", "guests/zoo/calls")
    assert line.cuts == 3
    assert copied.version.digest == logged.version.digest
    assert copied.sent_bytes < 2 * size_bytes
