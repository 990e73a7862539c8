"""What lies right below a directory, however much lies deeper."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria.client import AsyncClient
from hydria.download.listing import VersionListing
from hydria.errors import NotFoundError
from hydria.reading.ranges import Range, fetches_for
from tests.client.trees import plant

FILES = {
    **{f"a/{at:04}": b"" for at in range(1800)},
    **{f"a/deep/{at:04}": b"" for at in range(1700)},
    "a!": b"",
    "a.b/c": b"",
    "z": b"",
    "zz/y/x": b"",
}


async def test_directories_that_hold_much_are_passed_over(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = await client.log("calls", plant(tmp_path / "source", FILES), type="dataset")
    calls: list[str] = []
    below = VersionListing._below

    async def counted(listing: VersionListing, prefix: str, after: str, *lists: list) -> str | None:  # type: ignore[type-arg]
        calls.append(after)
        return await below(listing, prefix, after, *lists)

    monkeypatch.setattr(VersionListing, "_below", counted)
    root = await client.list_directory(logged.version, "")

    assert root.directories == ("a", "a.b", "zz")
    assert [file.path for file in root.files] == ["a!", "z"]
    assert calls == ["", "a/\U0010ffff"]
    inside = await client.list_directory("calls", "a")
    assert (len(inside.files), inside.directories) == (1800, ("deep",))
    nothing = await client.list_directory("calls", "nobody")
    assert (nothing.files, nothing.directories) == ((), ())
    with pytest.raises(NotFoundError):
        await client.list_directory("calls:v7")


BOUNDS = st.none() | st.integers(-30, 130)


@given(st.lists(st.tuples(st.sampled_from("ab"), BOUNDS, BOUNDS), max_size=12), st.integers(0, 20))
def test_ranges_that_are_fetched_together_come_apart_as_they_were_asked_for(
    asked: list[tuple[str, int | None, int | None]], gap_bytes_max: int
) -> None:
    data = {"a": bytes(range(100)), "b": bytes(range(100, 200))}
    found: dict[int, bytes] = {}
    for fetch in fetches_for(
        [Range(index, *each) for index, each in enumerate(asked)], gap_bytes_max=gap_bytes_max
    ):
        fetched = data[fetch.path][fetch.start : fetch.end]
        found |= {each.index: fetch.part(each, fetched) for each in fetch.ranges}
    assert found == {i: data[path][start:end] for i, (path, start, end) in enumerate(asked)}
