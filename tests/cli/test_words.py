"""What people read when nothing is asked for in JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Hydria


def put(served: Hydria, name: str, *arguments: str | Path) -> str:
    done = served("artifact", "put", *arguments, "--name", name, "--type", "dataset")
    assert done.code == 0, done.err
    return done.out


def test_put_tells_the_ref_the_content_and_what_was_sent(
    served: Hydria, name: str, files: Path
) -> None:
    first, second = put(served, name, files).splitlines()[:2]

    assert first.startswith(f"{name}:v0  3 files, 14 B in ")
    assert "sent     14 B, 0 B known already" in second


def test_a_second_put_says_which_version_has_the_content_already(
    served: Hydria, name: str, files: Path
) -> None:
    put(served, name, files)

    again = put(served, name, files, "--description", "new words")

    assert again.startswith(f"{name}:v0 already has this content (3 files, 14 B); no new version")
    assert "kept     its description, not what was given now" in again


def test_a_new_collection_needs_a_type_and_is_told_so_before_bytes_go(
    served: Hydria, name: str, files: Path
) -> None:
    done = served("artifact", "put", files, "--name", name)

    assert done.code == 1
    assert f"{name} is a new collection" in done.err
    assert "--type dataset" in done.err


def test_an_old_collection_keeps_its_type(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files)

    assert served("artifact", "put", files / "one.txt", "--name", name).code == 0
    done = served("artifact", "put", files, "--name", name, "--type", "model")

    assert done.code == 1
    assert "has the type 'dataset', not 'model'" in done.err


def test_lists_are_tables(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files, "--alias", "gold", "--tag", "t 1", "--description", "the first")
    project = name.rpartition("/")[0]

    versions = served("artifact", "ls", name).out.splitlines()
    collections = served("artifact", "ls", project).out.splitlines()
    listed = served("artifact", "files", name).out

    assert versions[0].split() == [
        "VERSION", "FILES", "SIZE", "CREATED", "ALIASES", "TAGS", "DESCRIPTION",
    ]  # fmt: skip
    assert versions[1].startswith("v0           3  14 B  ")
    assert versions[1].endswith("gold, latest  t 1   the first")
    assert collections[1].startswith("things  dataset         1  v0      gold, latest  ")
    assert listed == "SIZE  PATH\n 6 B  below/three.txt\n 4 B  one.txt\n 4 B  two words.txt\n"


def test_an_empty_list_says_so_on_standard_error(served: Hydria) -> None:
    done = served("artifact", "ls", "nobody")

    assert (done.code, done.out, done.err) == (0, "", "nothing there\n")


def test_show_leaves_out_what_is_empty(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files)

    lines = served("artifact", "show", name).out.splitlines()

    assert [line.split()[0] for line in lines] == [
        "ref", "type", "content", "digest", "aliases", "state", "created",
    ]  # fmt: skip


def test_words_that_could_harm_a_terminal_are_escaped(
    served: Hydria, name: str, tmp_path: Path
) -> None:
    (tmp_path / "a\x1b[2Jb").touch()
    put(
        served, name, tmp_path / "a\x1b[2Jb", "--description", "bell \a", "--metadata", '{\n"a": 1}'
    )

    shown = served("artifact", "show", name).out
    assert "bell \\x07" in shown
    assert 'metadata     {\\n"a": 1}\n' in shown
    assert "a\\x1b[2Jb" in served("artifact", "files", name).out
    assert served("artifact", "cat", name, "a\x1b[2Jb").code == 0


def test_alias_moves_are_told(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files / "one.txt", "--alias", "prod")
    put(served, name, files)

    assert served("alias", "set", name, "prod").out == "prod -> v1 (was v0)\n"
    assert served("alias", "set", name, "prod").out == "prod -> v1 (as before)\n"
    assert served("alias", "rm", f"{name}:v1", "prod").out == "prod removed (was v1)\n"
    assert served("alias", "rm", f"{name}:v1", "prod").code == 1


def test_latest_is_not_for_moving(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files)

    done = served("alias", "set", name, "latest")

    assert done.code == 1
    assert "'latest' is kept by the server" in done.err


def test_rm_of_a_version_with_aliases_names_them_and_the_flag(
    served: Hydria, name: str, files: Path
) -> None:
    put(served, name, files, "--alias", "prod")

    refused = served("artifact", "rm", f"{name}:v0")
    assert refused.code == 1
    assert "(prod): --delete-aliases" in refused.err

    done = served("artifact", "rm", f"{name}:prod", "--delete-aliases")
    assert (done.code, done.out) == (0, f"{name}:v0 deleted (3 files, 14 B)\n")
    assert "was deleted" in served("artifact", "show", f"{name}:v0").err


def test_get_goes_to_a_folder_named_after_the_version(
    served: Hydria, name: str, files: Path
) -> None:
    put(served, name, files)

    done = served("artifact", "get", name)

    assert "into      artifacts/things:v0" in done.out
    assert Path("artifacts/things:v0/below/three.txt").read_text() == "three\n"


def test_get_takes_prefixes_globs_and_files(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files)

    served("artifact", "get", name, "--root", "some", "--prefix", "below/", "--file", "one.txt")
    found = sorted(str(f.relative_to("some")) for f in Path("some").rglob("*") if f.is_file())
    assert found == ["below/three.txt", "one.txt"]

    served("artifact", "get", name, "--root", "more", "--glob", "two*", "--glob", "*/t*.txt")
    found = sorted(str(f.relative_to("more")) for f in Path("more").rglob("*") if f.is_file())
    assert found == ["below/three.txt", "two words.txt"]

    missing = served("artifact", "get", name, "--root", "none", "--file", "nope")
    assert missing.code == 1
    assert f"{name}:v0 has no file 'nope'" in missing.err

    for command in (("get", name, "--root", "none"), ("files", name)):
        bad = served("artifact", *command, "--glob", "[a")
        assert bad.code == 1
        assert "the glob '[a' has a '[' without its ']'" in bad.err


def test_base_keeps_the_files_of_another_version(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files)
    Path("four.txt").write_text("four\n")

    put(served, name, "four.txt", "--base", f"{name}:v0")

    rows = served("artifact", "files", name, "--json").rows()
    assert [row["path"] for row in rows] == [
        "below/three.txt", "four.txt", "one.txt", "two words.txt",
    ]  # fmt: skip


def test_a_directory_without_files_is_a_version_of_none(
    served: Hydria, name: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    assert put(served, name, tmp_path / "empty").startswith(f"{name}:v0  0 files, 0 B in ")


def test_what_a_name_leaves_out_is_filled_in_from_the_environment(
    served: Hydria, name: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entity, project, collection = name.split("/")
    monkeypatch.setenv("HYDRIA_ENTITY", entity)
    assert put(served, f"{project}/{collection}", files).startswith(f"{name}:v0  ")

    monkeypatch.setenv("HYDRIA_PROJECT", project)
    assert put(served, collection, files).startswith(f"{name}:v0 already")
