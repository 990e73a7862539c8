"""`hydria cache`, and the options of `get` that have to do with what is here already."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Hydria
from tests.client.trees import MIB, content


@pytest.fixture
def kept(served: Hydria, name: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> Hydria:
    """Give the function that runs commands, after a download of which everything was kept."""
    monkeypatch.setenv("HYDRIA_CACHE", "on")
    served("artifact", "put", files, "--name", name, "--type", "dataset")
    assert served("artifact", "get", name, "--root", "copy").code == 0
    return served


def test_info_says_where_it_is_and_how_much_is_in_it(kept: Hydria, tmp_path: Path) -> None:
    assert kept("cache", "info", "--json").row() == {
        "directory": str(tmp_path / "cache/objects-v1"),
        "file_count": 3,
        "size_bytes": 14,
        "size_bytes_max": 10 << 30,
        "use": "on",
    }
    assert "3 files, 14 B of at most 10.7 GB (on)" in kept("cache", "info").out


def test_clean_leaves_what_was_asked_for(kept: Hydria) -> None:
    assert kept("cache", "clean", "--to", "1kB").out == "removed 0 files, 0 B; 14 B left\n"
    row = kept("cache", "clean", "--to", "6", "--json").row()
    assert row["file_count"] == 3 - int(str(row["removed_file_count"]))
    assert int(str(row["size_bytes"])) <= 6
    assert kept("cache", "clean", "--json").row()["size_bytes"] == 0


def test_an_empty_cache_needs_no_server(hydria: Hydria) -> None:
    assert hydria("cache", "info", "--json").row()["file_count"] == 0
    assert hydria("cache", "clean", "--json").row() == {
        "removed_file_count": 0,
        "removed_bytes": 0,
        "file_count": 0,
        "size_bytes": 0,
    }


@pytest.mark.parametrize("size", ["", "much", "-1", "1 parsec"])
def test_what_is_no_size_is_said(hydria: Hydria, size: str) -> None:
    done = hydria("cache", "clean", "--to", size)
    assert (done.code, done.out) == (2, "")
    assert "is no size" in done.err


def test_a_variable_with_a_wrong_value_is_said(
    hydria: Hydria, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRIA_CACHE_SIZE", "large")
    done = hydria("cache", "info")
    assert (done.code, done.out) == (1, "")
    assert "HYDRIA_CACHE_SIZE" in done.err


def test_get_links_to_what_is_kept(kept: Hydria, name: str, tmp_path: Path) -> None:
    for root in ("first", "second"):
        row = kept("artifact", "get", name, "--root", root, "--link", "--json").row()
        assert row["received_bytes"] == 0
    assert (tmp_path / "first/one.txt").samefile(tmp_path / "second/one.txt")
    assert not (tmp_path / "first/one.txt").samefile(tmp_path / "copy/one.txt")


def test_get_takes_from_directories_beside(served: Hydria, name: str, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "large/data").write_bytes(content(5 * MIB))
    served("artifact", "put", "large", "--name", name, "--type", "dataset")

    get = ("artifact", "get", name, "--root", "copy", "--beside")
    assert served(*get, "large", "--json").row()["received_bytes"] == 0
    assert served(*get, "nowhere").code == 2


def test_put_keeps_what_it_uploads_when_asked(served: Hydria, name: str, files: Path) -> None:
    put = ("artifact", "put", files, "--name", name, "--type", "dataset")
    assert served(*put).code == 0
    assert served("cache", "info", "--json").row()["file_count"] == 0

    assert served(*put, "--cache").code == 0

    assert served("artifact", "get", name, "--root", "copy", "--json").row()["received_bytes"] == 0
