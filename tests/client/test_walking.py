"""Which files a walk finds, in which order, and what it refuses."""

from __future__ import annotations

import os
import socket
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria.errors import DuplicatePathError, HydriaError, PathInvalidError, SourceError
from hydria.walk import checked_prefix, walk


def paths_of(*sources: Path, prefix: str = "") -> list[str]:
    return [file.path for file in walk(sources, prefix=prefix)]


def touch(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_the_contents_of_a_directory_go_to_the_root(tmp_path: Path) -> None:
    touch(tmp_path / "data/a.txt")
    touch(tmp_path / "data/sub/b.txt")

    assert paths_of(tmp_path / "data") == ["a.txt", "sub/b.txt"]


def test_a_file_goes_under_its_own_name(tmp_path: Path) -> None:
    file = touch(tmp_path / "data/a.txt", "hello")

    (found,) = walk([file])

    assert (found.path, found.local, found.size_bytes) == ("a.txt", str(file), 5)


def test_a_prefix_is_put_before_every_path(tmp_path: Path) -> None:
    touch(tmp_path / "a.txt")

    assert paths_of(tmp_path, prefix=checked_prefix("deep/er/")) == ["deep/er/a.txt"]
    with pytest.raises(PathInvalidError):
        checked_prefix("../up")


def test_files_come_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    names = ["a/z", "a.b", "a-b", "a0", "\u00e9", "z", "Z", "a/b/c", "\U0001f600", "\uffee"]
    for name in names:
        touch(tmp_path / name)

    assert paths_of(tmp_path) == sorted(names, key=str.encode)


NAMES = st.lists(st.sampled_from(["a", "a.", "a0", "b", "-"]), min_size=1, max_size=3)


@given(st.sets(NAMES.map(tuple)))
def test_the_order_holds_for_any_tree(
    tmp_path_factory: pytest.TempPathFactory, tree: set[tuple[str, ...]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for parts in tree:
        path = root.joinpath(*parts)
        if not path.exists() and not any(above.is_file() for above in path.parents):
            touch(path)
    found = paths_of(root)

    assert found == sorted(found, key=str.encode)
    assert len(found) == sum(path.is_file() for path in root.rglob("*"))


def test_several_sources_are_one_sorted_list(tmp_path: Path) -> None:
    touch(tmp_path / "one/b")
    touch(tmp_path / "one/d")
    touch(tmp_path / "two/a")
    single = touch(tmp_path / "c")

    assert paths_of(tmp_path / "one", tmp_path / "two", single) == ["a", "b", "c", "d"]


def test_two_sources_with_one_path_are_an_error_that_names_both(tmp_path: Path) -> None:
    touch(tmp_path / "one/same.txt")
    touch(tmp_path / "two/same.txt")

    with pytest.raises(DuplicatePathError) as failure:
        paths_of(tmp_path / "one", tmp_path / "two")
    assert "one/same.txt" in str(failure.value)
    assert "two/same.txt" in str(failure.value)


def test_links_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/sub/b.txt")
    touch(tmp_path / "real.txt", "real")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.txt").symlink_to(tmp_path / "real.txt")
    (root / "dir").symlink_to(tmp_path / "elsewhere")

    assert paths_of(root) == ["dir/sub/b.txt", "link.txt"]


def test_one_directory_linked_twice_is_no_cycle(tmp_path: Path) -> None:
    touch(tmp_path / "shared/x")
    root = tmp_path / "root"
    root.mkdir()
    (root / "one").symlink_to(tmp_path / "shared")
    (root / "two").symlink_to(tmp_path / "shared")

    assert paths_of(root) == ["one/x", "two/x"]


def test_a_cycle_is_an_error_that_names_it(tmp_path: Path) -> None:
    touch(tmp_path / "a/b/x")
    (tmp_path / "a/b/loop").symlink_to(tmp_path / "a")

    with pytest.raises(SourceError, match="a/b/loop"):
        paths_of(tmp_path)


@pytest.mark.parametrize("target", ["nowhere", "itself"])
def test_a_link_that_leads_nowhere_is_an_error_that_names_it(tmp_path: Path, target: str) -> None:
    (tmp_path / "itself").symlink_to(tmp_path / target)

    with pytest.raises(SourceError, match="itself"):
        paths_of(tmp_path)


def test_a_pipe_is_an_error_that_names_it_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SourceError, match="pipe"):
        paths_of(tmp_path)
    with pytest.raises(SourceError, match="pipe"):
        paths_of(tmp_path / "pipe")


def test_a_socket_and_a_device_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(SourceError, match="socket"):
            paths_of(tmp_path)
    with pytest.raises(SourceError, match="null"):
        paths_of(Path("/dev/null"))


def test_names_are_normalized_to_nfc(tmp_path: Path) -> None:
    touch(tmp_path / unicodedata.normalize("NFD", "\u00e9t\u00e9.txt"))

    assert paths_of(tmp_path) == ["\u00e9t\u00e9.txt"]


def test_two_names_that_collapse_in_nfc_are_an_error(tmp_path: Path) -> None:
    touch(tmp_path / "\u00e9")
    touch(tmp_path / "e\u0301")

    with pytest.raises(DuplicatePathError):
        paths_of(tmp_path)


def test_a_name_that_is_no_utf8_is_an_error_that_names_it(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/bad\xff", "wb"):  # noqa: PTH123
        pass

    with pytest.raises(PathInvalidError, match="bad"):
        paths_of(tmp_path)


def test_a_backslash_in_a_name_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path / "a\\b")

    with pytest.raises(PathInvalidError):
        paths_of(tmp_path)


def test_a_path_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path.joinpath(*["d" * 200] * 5, "x" * 30))

    with pytest.raises(PathInvalidError, match="1024"):
        paths_of(tmp_path)


def test_a_source_that_is_not_there_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        paths_of(tmp_path / "nothing")


def test_a_deep_tree_needs_no_deep_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 490  # a path in a version has 1,024 bytes at most
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    touch(Path("x"))
    os.chdir(tmp_path)

    assert paths_of(Path()) == ["d/" * depth + "x"]


def test_an_empty_directory_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()

    assert paths_of(tmp_path) == []
    assert issubclass(SourceError, HydriaError)
