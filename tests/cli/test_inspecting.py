"""`hydria artifact verify` and `diff`: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Hydria
from tests.faults.damage import damage, flip
from tests.servers import server_process

FILES = {"one.txt": b"one\n", "two words.txt": b"two\n", "below/three.txt": b"three\n"}


@pytest.fixture
def put(served: Hydria, name: str, files: Path) -> Hydria:
    """Log the small tree, and give the command."""
    assert served("artifact", "put", files, "--name", name, "--type", "dataset").code == 0
    return served


def test_a_healthy_version_is_as_it_should_be(put: Hydria, name: str) -> None:
    done = put("artifact", "verify", name, "--json")
    row = done.row()
    assert (done.code, done.err) == (0, "")
    assert row.pop("seconds") > 0  # type: ignore[operator]
    assert row == {
        "ref": f"{name}:v0",
        "root": None,
        "intact": True,
        "file_count": 3,
        "size_bytes": 14,
        "reference_count": 0,
        "damage_count": 0,
        "damaged": [],
        "missing": [],
        "changed": [],
        "extra": [],
    }
    said = put("artifact", "verify", name).out
    assert said.startswith(f"{name}:v0  as it should be; checked 3 files, 14 B in ")


def test_an_untouched_directory_is_as_it_should_be(put: Hydria, name: str, files: Path) -> None:
    done = put("artifact", "verify", name, files, "--json")
    assert done.code == 0
    assert (done.row()["intact"], done.row()["root"]) == (True, str(files))


def test_what_differs_in_a_directory_is_listed_and_ends_with_1(
    put: Hydria, name: str, files: Path
) -> None:
    (files / "one.txt").write_text("0ne\n")
    (files / "two words.txt").unlink()
    (files / "below" / "new").touch()
    done = put("artifact", "verify", name, files, "--json")
    assert done.code == 1
    row = done.row()
    assert (row["missing"], row["changed"], row["extra"]) == (
        ["two words.txt"],
        ["one.txt"],
        ["below/new"],
    )
    said = put("artifact", "verify", name, files)
    assert said.code == 1
    assert said.out.splitlines()[:3] == [
        "missing  two words.txt",
        "changed  one.txt",
        "extra    below/new",
    ]
    assert "(1 missing, 1 changed, 1 extra)" in said.out


def test_a_directory_that_is_not_there_is_a_failure_that_names_it(put: Hydria, name: str) -> None:
    done = put("artifact", "verify", name, "nowhere")
    assert (done.code, done.out) == (1, "")
    assert done.err == "hydria: nowhere: No such file or directory\n"


@pytest.fixture
def damaged(hydria: Hydria, tmp_path: Path, files: Path) -> Iterator[str]:
    """Serve a version with a damaged file, and give the address."""
    data = tmp_path / "store"
    with server_process(data) as server:
        arguments = ("--name", "team/birds/things", "--type", "dataset", "--server")
        assert hydria("artifact", "put", files, *arguments, server.address).code == 0
        server.terminate()
    damage(data, b"two\n", flip(1))
    with server_process(data) as server:
        yield server.address


def test_damage_at_the_server_is_told_with_its_file_and_ends_with_1(
    hydria: Hydria, damaged: str
) -> None:
    done = hydria("artifact", "verify", "team/birds/things", "--json", "--server", damaged)
    assert (done.code, done.err) == (1, "")
    row = done.row()
    assert (row["intact"], row["damage_count"]) == (False, 1)
    (found,) = json.loads(done.out)["damaged"]
    assert (found["kind"], found["path"], found["size_bytes"]) == ("chunk", "two words.txt", 4)
    said = hydria("artifact", "verify", "team/birds/things", "--server", damaged)
    assert said.code == 1
    assert said.out.startswith("damaged  two words.txt  4 B at byte 0\n")
    assert "DAMAGED; checked 3 files, 10 B" in said.out


def test_diff_tells_what_was_added_removed_and_changed(put: Hydria, name: str, files: Path) -> None:
    (files / "one.txt").write_text("longer\n")
    (files / "two words.txt").rename(files / "renamed.txt")
    put("artifact", "put", files, "--name", name)
    done = put("artifact", "diff", f"{name}:v0", name, "--json")
    assert (done.code, done.err) == (0, "")
    row = json.loads(done.out)
    assert (row["from"], row["to"]) == (f"{name}:v0", f"{name}:v1")
    assert [file["path"] for file in row["added"]] == ["renamed.txt"]
    assert [file["path"] for file in row["removed"]] == ["two words.txt"]
    (changed,) = row["changed"]
    assert changed.keys() == {
        "path", "size_bytes", "digest", "ref_uri",
        "previous_size_bytes", "previous_digest", "previous_ref_uri",
    }  # fmt: skip
    assert (changed["path"], changed["size_bytes"], changed["previous_size_bytes"]) == (
        "one.txt", 7, 4,
    )  # fmt: skip
    assert (row["added_count"], row["removed_count"], row["changed_count"]) == (1, 1, 1)
    assert (row["unchanged_count"], row["unchanged_bytes"]) == (1, 6)
    assert (row["shared_bytes"], row["new_bytes"]) == (10, 7)


def test_diff_is_printed_by_path_for_people(put: Hydria, name: str, files: Path) -> None:
    (files / "one.txt").write_text("longer\n")
    (files / "two words.txt").unlink()
    (files / "a").touch()
    put("artifact", "put", files, "--name", name)
    said = put("artifact", "diff", f"{name}:v0", f"{name}:v1").out.splitlines()
    assert said == [
        "A  a  0 B",
        "M  one.txt  4 B -> 7 B",
        "D  two words.txt  4 B",
        f"{name}:v0 -> {name}:v1",
        "  files  1 added (0 B), 1 removed (4 B), 1 changed (7 B), 1 unchanged (6 B)",
        "  bytes  6 B shared, 7 B new",
    ]


def test_diff_of_what_does_not_exist_is_a_failure(put: Hydria, name: str) -> None:
    done = put("artifact", "diff", name, f"{name}:v9")
    assert (done.code, done.out) == (1, "")
    assert "has no version v9" in done.err
