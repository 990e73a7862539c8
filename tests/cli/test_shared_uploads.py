"""`hydria upload`, `hydria collection` and `hydria artifact cp`, with their keys of `--json`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Finished, Hydria


def succeeded(done: Finished) -> dict[str, object]:
    assert (done.code, done.err) == (0, "")
    return done.row()


def put(served: Hydria, name: str, *arguments: str | Path) -> dict[str, object]:
    done = served("artifact", "put", *arguments, "--name", name, "--type", "dataset", "--json")
    return succeeded(done)


# --- upload --------------------------------------------------------------------------------------


def test_two_writers_make_one_version(served: Hydria, name: str, files: Path) -> None:
    begun = succeeded(served("upload", "create", name, "--type", "dataset", "--json"))
    upload_id = str(begun["upload_id"])
    assert (begun["state"], begun["collection"], begun["writers"]) == ("OPEN", name, [])

    added = succeeded(
        served("upload", "add", upload_id, files, "--writer", "one", "--finish", "--json")
    )
    assert added["sent_bytes"] == 14
    assert added["writers"] == [
        {"writer_id": "one", "staged_through_seq": 2, "operation_count": 3, "is_finished": True}
    ]
    single = files / "one.txt"
    done = served("upload", "add", upload_id, single, "--writer", "two", "--prefix", "more")
    assert (done.code, done.out) == (0, "two: 1 operation staged, sent 0 B\n")

    refused = served("upload", "commit", upload_id, "--writer", "one", "--writer", "two")
    assert refused.code == 1
    assert "two" in refused.err
    assert succeeded(served("upload", "show", upload_id, "--json"))["state"] == "OPEN"
    assert "'two'  1 operation\n" in served("upload", "show", upload_id).out

    assert served("upload", "add", upload_id, "--writer", "two", "--finish").code == 0
    made = succeeded(
        served("upload", "commit", upload_id, "--writer", "two", "--alias", "gold", "--json")
    )
    assert (made["ref"], made["file_count"], made["aliases"]) == (
        f"{name}:v0",
        4,
        ["gold", "latest"],
    )
    shown = succeeded(served("upload", "show", upload_id, "--json"))
    assert (shown["state"], shown["version_ref"]) == ("COMMITTED", f"{name}:v0")


def test_an_upload_changes_a_base_and_may_be_found_by_its_request(
    served: Hydria, name: str, files: Path
) -> None:
    put(served, name, files)
    ids = [
        served("upload", "create", name, "--base", name, "--request-id", "job").out.strip()
        for _ in range(2)
    ]
    assert ids[0] == ids[1]
    assert served("upload", "add", ids[0], "--writer", "one", "--remove", "one.txt").code == 0
    assert "2 files" in served("upload", "commit", ids[0]).out


def test_an_upload_is_given_up(served: Hydria, name: str, files: Path) -> None:
    upload_id = served("upload", "create", name, "--type", "dataset").out.strip()
    assert succeeded(served("upload", "abort", upload_id, "--json"))["state"] == "ABORTED"
    assert served("upload", "add", upload_id, files, "--writer", "one").code == 1
    assert served("upload", "add", upload_id, "--writer", "one").code == 2
    assert served("upload", "add", upload_id, files).code == 2


# --- collection ----------------------------------------------------------------------------------


def test_a_collection_is_renamed_retyped_and_described(
    served: Hydria, name: str, files: Path
) -> None:
    put(served, name, files)
    new = name.replace("things", "renamed")
    changes = ("--rename", "renamed", "--type", "model", "--description", "new", "--tag", "t")
    row = succeeded(served("collection", "update", name, *changes, "--json"))
    assert (row["path"], row["type"], row["description"], row["tags"]) == (
        new,
        "model",
        "new",
        ["t"],
    )
    assert succeeded(served("collection", "show", name, "--json")) == row, "the old name finds it"
    assert f"{new}\n  type      model\n" in served("collection", "show", new).out
    assert succeeded(served("collection", "update", new, "--no-tags", "--json"))["tags"] == []
    assert served("collection", "update", new).code == 2
    assert served("collection", "update", new, "--tag", "t", "--no-tags").code == 2

    gone = succeeded(served("collection", "rm", new, "--json"))
    assert gone == {"name": new, "deleted_version_count": 1}
    assert served("collection", "show", name).code == 1


# --- cp ------------------------------------------------------------------------------------------


def test_a_version_is_copied_to_another_project(served: Hydria, name: str, files: Path) -> None:
    source = put(served, name, files, "--description", "what", "--alias", "best")
    target = name.replace("birds", "fish")
    copied = succeeded(served("artifact", "cp", f"{name}:best", target, "--alias", "a", "--json"))
    assert (copied["ref"], copied["created"]) == (f"{target}:v0", True)
    assert (copied["digest"], copied["description"]) == (source["digest"], "what")
    assert copied["aliases"] == ["a", "latest"]
    again = served("artifact", "cp", name, target)
    assert (again.code, again.out.splitlines()[0]) == (
        0,
        f"{target}:v0 has this content already; no new version",
    )
    assert copied["sent_bytes"] == 0
    far = succeeded(served("artifact", "cp", name, "somebody-else/birds/things", "--json"))
    assert (far["ref"], far["digest"]) == ("somebody-else/birds/things:v0", source["digest"])
    assert far["sent_bytes"] == source["size_bytes"]
