"""From local files to a version."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from pathlib import Path

import pytest

from hydria.client import AsyncClient
from hydria.errors import (
    AliasConflictError,
    AliasNotFoundError,
    DuplicatePathError,
    InvalidArgumentError,
    NotFoundError,
    PathConflictError,
    SourceError,
    TypeMismatchError,
)
from hydria.records import Phase, Progress
from tests.client.trees import MIB, SIZES, content, plant, tree_of


async def test_what_was_logged_comes_back_byte_by_byte(client: AsyncClient, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", SIZES)

    result = await client.log("calls", source, type="dataset")
    await client.download(result.version.ref, tmp_path / "copy")

    assert result.created
    assert result.version.ref == "team/birds/calls:v0"
    assert result.file_count == len(SIZES)
    assert result.size_bytes == sum(map(len, SIZES.values()))
    assert tree_of(tmp_path / "copy") == SIZES


async def test_the_same_content_again_sends_nothing_and_finds_the_version(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", SIZES)
    first = await client.log("calls", source, type="dataset")
    assert first.new_bytes + first.duplicate_bytes == first.size_bytes
    assert first.sent_bytes == first.new_bytes > 12 * MIB

    again = await client.log("calls", source, aliases=["best"], description="ignored")

    assert not again.created
    assert again.version.ref == first.version.ref
    assert set(again.version.aliases) == {"best", "latest"}
    assert again.ignored_fields == ("description",)
    assert (again.sent_bytes, again.new_bytes) == (0, 0)
    assert again.duplicate_bytes == again.size_bytes == first.size_bytes


async def test_words_about_a_version_are_kept_to_the_letter(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {"a": b"a"})

    result = await client.log(
        "calls",
        source,
        type="dataset",
        aliases=["best"],
        tags=["gold", "clean"],
        description="Birds, calling",
        metadata='{"exact": 1.10}',
    )

    version = result.version
    assert (version.aliases, version.tags) == (("best", "latest"), ("clean", "gold"))
    assert version.description == "Birds, calling"
    assert version.metadata_json == '{"exact": 1.10}'
    assert version.metadata == {"exact": 1.1}


async def test_metadata_that_json_cannot_say_is_refused_before_anything_is_sent(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {"a": b"a"})

    for metadata in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(InvalidArgumentError):
            await client.log("calls", source, type="dataset", metadata=metadata)


async def test_equal_parts_of_one_log_are_sent_once(client: AsyncClient, tmp_path: Path) -> None:
    part = content(3 * MIB, 7)
    source = plant(tmp_path / "source", {f"copy {number}": part for number in range(6)})

    result = await client.log("calls", source, type="dataset")

    assert result.sent_bytes == result.new_bytes == len(part)
    assert result.duplicate_bytes == 5 * len(part)


async def test_an_insertion_sends_little(client: AsyncClient, tmp_path: Path) -> None:
    data = content(14 * MIB, 8)
    source = plant(tmp_path / "source", {"big.bin": data})
    await client.log("calls", source, type="dataset")
    plant(source, {"big.bin": data[: 6 * MIB] + b"inserted" + data[6 * MIB :]})

    result = await client.log("calls", source)

    assert result.created
    assert 0 < result.sent_bytes <= 5 * MIB


async def test_an_empty_tree_is_a_version_of_no_files(client: AsyncClient, tmp_path: Path) -> None:
    result = await client.log("calls", plant(tmp_path / "source", {}), type="dataset")

    assert (result.file_count, result.size_bytes) == (0, 0)
    copied = await client.download("calls", tmp_path / "copy")
    assert copied.file_count == 0
    assert tree_of(tmp_path / "copy") == {}


async def test_files_of_the_base_stay_unless_they_are_overwritten(
    client: AsyncClient, tmp_path: Path
) -> None:
    await client.log("calls", plant(tmp_path / "one", {"a": b"1", "b": b"1"}), type="dataset")

    result = await client.log(
        "calls", plant(tmp_path / "two", {"b": b"2", "c": b"2"}), base="calls"
    )
    await client.download("calls", tmp_path / "copy")

    assert result.version.version == "v1"
    assert (result.file_count, result.new_bytes) == (3, 1)
    assert tree_of(tmp_path / "copy") == {"a": b"1", "b": b"2", "c": b"2"}


async def test_several_sources_make_one_version(client: AsyncClient, tmp_path: Path) -> None:
    one = plant(tmp_path / "one", {"a": b"1"})
    two = plant(tmp_path / "two", {"b": b"2"})

    result = await client.log("calls", [one, two / "b"], type="dataset")

    assert [file.path async for file in client.files(result.version.ref)] == ["a", "b"]


async def test_two_files_of_one_path_are_refused(client: AsyncClient, tmp_path: Path) -> None:
    one, two = (plant(tmp_path / name, {"same": name.encode()}) for name in ("one", "two"))

    with pytest.raises(DuplicatePathError):
        await client.log("calls", [one, two], type="dataset")


async def test_a_file_that_is_also_a_directory_is_refused_by_the_server(
    client: AsyncClient, tmp_path: Path
) -> None:
    one = plant(tmp_path / "one", {"a": b"a file"})
    two = plant(tmp_path / "two", {"a/b": b"below it"})

    with pytest.raises(PathConflictError):
        await client.log("calls", [one, two], type="dataset")


async def test_a_log_that_fails_leaves_nothing_visible(client: AsyncClient, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {f"{number}": content(MIB, number) for number in range(9)})
    os.mkfifo(source / "pipe")

    with pytest.raises(SourceError, match="pipe"):
        await client.log("calls", source, type="dataset")
    with pytest.raises(NotFoundError):
        await client.version("calls")

    (source / "pipe").unlink()
    assert (await client.log("calls", source, type="dataset")).version.version == "v0"


async def test_the_type_of_a_collection_is_needed_once_and_holds(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {"a": b"a"})
    with pytest.raises(InvalidArgumentError):
        await client.log("calls", source)
    await client.log("calls", source, type="dataset")

    with pytest.raises(TypeMismatchError) as failure:
        await client.log("calls", plant(source, {"a": b"b"}), type="model")
    assert failure.value.details["actual"] == "dataset"


async def test_versions_are_numbered_in_the_order_of_the_calls(
    client: AsyncClient, tmp_path: Path
) -> None:
    sizes = [9 * MIB, 5 * MIB, MIB, 1000, 1]  # the first call has the most to do
    sources = [
        plant(tmp_path / str(number), {"data": content(size, number)})
        for number, size in enumerate(sizes)
    ]

    results = await asyncio.gather(
        *(client.log("calls", source, type="dataset") for source in sources)
    )

    assert [result.version.version for result in results] == ["v0", "v1", "v2", "v3", "v4"]


async def test_a_log_that_fails_does_not_hold_up_the_next(
    client: AsyncClient, tmp_path: Path
) -> None:
    good = plant(tmp_path / "good", {"a": b"a"})

    failed, done = await asyncio.gather(
        client.log("calls", tmp_path / "not there", type="dataset"),
        client.log("calls", good, type="dataset"),
        return_exceptions=True,
    )

    assert isinstance(failed, FileNotFoundError)
    assert not isinstance(done, BaseException)
    assert done.version.version == "v0"


async def test_progress_only_grows_and_ends_with_everything_done(
    client: AsyncClient, tmp_path: Path
) -> None:
    reports: list[Progress] = []
    source = plant(tmp_path / "source", SIZES)
    size_bytes = sum(map(len, SIZES.values()))

    await client.log("calls", source, type="dataset", progress=reports.append)

    last = reports[-1]
    assert last.phase is Phase.DONE
    assert (last.files_done, last.files_total) == (len(SIZES), len(SIZES))
    assert (last.bytes_done, last.bytes_total) == (size_bytes, size_bytes)
    assert all(
        (one.bytes_done, one.sent_bytes) <= (two.bytes_done, two.sent_bytes)
        for one, two in pairwise(reports)
    )


async def test_a_cancelled_log_leaves_nothing_visible_and_the_client_usable(
    client: AsyncClient, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {f"{n}": content(4 * MIB, n) for n in range(16)})
    task: asyncio.Task[object]

    def cancel(progress: Progress) -> None:
        if progress.sent_bytes:
            task.cancel()

    task = asyncio.create_task(client.log("calls", source, type="dataset", progress=cancel))
    with pytest.raises(asyncio.CancelledError):
        await task

    with pytest.raises(NotFoundError):
        await client.version("calls")
    assert (await client.log("calls", source, type="dataset")).version.version == "v0"


async def test_lists_page_by_themselves(client: AsyncClient, tmp_path: Path) -> None:
    files = {f"{number:04}": b"%d" % number for number in range(1012)}
    await client.log("calls", plant(tmp_path / "source", files), type="dataset")
    await client.log("songs", plant(tmp_path / "other", {"x": b"x"}), type="music")

    assert [file.path async for file in client.files("calls")] == sorted(files)
    assert [file.path async for file in client.files("calls", "001")] == sorted(files)[10:20]
    assert [each.name async for each in client.collections()] == ["calls", "songs"]
    assert [each.name async for each in client.types()] == ["dataset", "music"]
    assert [each.name async for each in client.projects()] == ["birds"]
    assert [each.ref async for each in client.versions("songs")] == ["team/birds/songs:v0"]
    found = client.versions(filter='type = "dataset"')
    assert [each.ref async for each in found] == ["team/birds/calls:v0"]


async def test_aliases_move_and_go(client: AsyncClient, tmp_path: Path) -> None:
    for number in range(2):
        await client.log("calls", plant(tmp_path / "s", {"a": b"%d" % number}), type="dataset")

    (change,) = await client.set_aliases("calls:v0", ["best"])
    assert (change.version, change.previous_version) == ("v0", "")
    (change,) = await client.set_aliases("calls", ["best"])
    assert (change.version, change.previous_version) == ("v1", "v0")
    await client.remove_aliases("calls:v1", ["best"])

    with pytest.raises(AliasNotFoundError):
        await client.version("calls:best")


async def test_an_alias_is_removed_only_from_the_version_that_was_named(
    client: AsyncClient, tmp_path: Path
) -> None:
    for number in range(2):
        await client.log("calls", plant(tmp_path / "s", {"a": b"%d" % number}), type="dataset")
    await client.set_aliases("calls:v1", ["best"])

    with pytest.raises(AliasConflictError):
        await client.remove_aliases("calls:v0", ["best"])
    await client.remove_aliases("calls", ["best"])


async def test_words_change_and_versions_go(client: AsyncClient, tmp_path: Path) -> None:
    first = await client.log("calls", plant(tmp_path / "s", {"a": b"1"}), type="dataset")

    changed = await client.update_version("calls:v0", tags=["x"], metadata={"n": 1})
    assert (changed.tags, changed.metadata, changed.description) == (("x",), {"n": 1}, "")
    renamed = await client.update_collection("calls", new_name="songs", description="now songs")
    assert (renamed.name, renamed.description, renamed.version_count) == ("songs", "now songs", 1)
    assert (await client.version(first.version.ref)).ref == "team/birds/songs:v0"

    deleted = await client.delete_version("songs:v0")
    assert deleted.state == "DELETED"
    assert await client.delete_collection("songs") == 0
