"""`--json`: one document on standard output, with keys that scripts may depend on."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

from tests.cli.conftest import Hydria

DIGEST = re.compile(r"blake3:[0-9a-f]{64}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
VERSION_KEYS = {
    "ref", "version", "type", "aliases", "tags", "metadata", "description", "digest",
    "file_count", "size_bytes", "state", "created_at",
}  # fmt: skip


def put(served: Hydria, name: str, *arguments: str | Path) -> dict[str, object]:
    done = served("artifact", "put", *arguments, "--name", name, "--type", "dataset", "--json")
    assert (done.code, done.err) == (0, "")
    return done.row()


def test_put_says_what_it_made_and_what_that_cost(served: Hydria, name: str, files: Path) -> None:
    row = put(served, name, files, "--alias", "gold")

    assert row.pop("seconds") > 0  # type: ignore[operator]
    assert DIGEST.fullmatch(str(row.pop("digest")))
    assert row == {
        "ref": f"{name}:v0",
        "version": "v0",
        "created": True,
        "file_count": 3,
        "size_bytes": 14,
        "new_bytes": 14,
        "duplicate_bytes": 0,
        "sent_bytes": 14,
        "aliases": ["gold", "latest"],
        "ignored_fields": [],
    }


def test_put_of_equal_content_says_which_version_has_it(
    served: Hydria, name: str, files: Path
) -> None:
    first = put(served, name, files)
    again = put(served, name, files, "--description", "another", "--metadata", '{"a": 1}')

    assert (again["ref"], again["created"]) == (first["ref"], False)
    assert (again["new_bytes"], again["duplicate_bytes"], again["sent_bytes"]) == (0, 14, 0)
    assert again["ignored_fields"] == ["description", "metadata_json"]


def test_show_has_all_that_is_known_and_keeps_numbers_to_the_letter(
    served: Hydria, name: str, files: Path
) -> None:
    metadata = '{"rows": 3, "share": 1.0, "huge": 12345678901234567890123, "tiny": 1e-400}'
    made = put(
        served, name, files, "--metadata", metadata, "--description", "fïrst", "--tag", "t 1"
    )

    done = served("artifact", "show", name, "--json")
    row = done.row()

    assert row.keys() >= VERSION_KEYS
    assert f'"metadata": {metadata}' in done.out
    assert (row["ref"], row["version"], row["type"]) == (f"{name}:v0", "v0", "dataset")
    assert (row["aliases"], row["tags"], row["description"]) == (["latest"], ["t 1"], "fïrst")
    assert (row["digest"], row["file_count"], row["size_bytes"]) == (made["digest"], 3, 14)
    assert row["state"] == "COMMITTED"
    assert MOMENT.fullmatch(str(row["created_at"]))


def test_metadata_comes_from_a_file_too(served: Hydria, name: str, files: Path) -> None:
    Path("meta.json").write_text('\ufeff{"a": 1.50}', encoding="utf-8")

    put(served, name, files, "--metadata", "@meta.json")

    assert '"metadata": {"a": 1.50}' in served("artifact", "show", name, "--json").out


def test_get_says_where_the_files_are(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files)

    row = served("artifact", "get", f"{name}:v0", "--root", "here", "--json").row()

    assert row.pop("seconds") > 0  # type: ignore[operator]
    assert row == {
        "ref": f"{name}:v0",
        "version": "v0",
        "root": str(Path("here").absolute()),
        "file_count": 3,
        "size_bytes": 14,
        "received_bytes": 14,
        "skipped_reference_count": 0,
    }
    again = served("artifact", "get", name, "--root", "here", "--json").row()
    assert (again["file_count"], again["received_bytes"]) == (3, 0)


def test_files_have_paths_sizes_and_digests(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files)

    rows = served("artifact", "files", name, "--json").rows()

    assert [row["path"] for row in rows] == ["below/three.txt", "one.txt", "two words.txt"]
    assert [row["size_bytes"] for row in rows] == [6, 4, 4]
    assert all(DIGEST.fullmatch(str(row["digest"])) and row["ref_uri"] is None for row in rows)
    assert served("artifact", "files", name, "--prefix", "below/", "--json").rows() == rows[:1]
    assert served("artifact", "files", name, "--glob", "below/*.txt", "--json").rows() == rows[:1]
    assert served("artifact", "files", name, "--glob", "*.nothing", "--json").rows() == []
    assert served("artifact", "files", name, "--limit", "2", "--json").rows() == rows[:2]


def test_ls_has_names_and_types_and_for_versions_what_show_has(
    served: Hydria, name: str, files: Path
) -> None:
    entity, project, collection = name.split("/")
    put(served, name, files / "one.txt", "--tag", "gold")
    put(served, name, files)

    (projects,) = [
        row for row in served("artifact", "ls", entity, "--json").rows() if row["name"] == project
    ]
    (collections,) = served("artifact", "ls", f"{entity}/{project}", "--json").rows()
    versions = served("artifact", "ls", name, "--json").rows()

    assert (projects["type"], projects["collection_count"]) == (None, 1)
    assert (collections["name"], collections["type"]) == (collection, "dataset")
    assert (collections["version_count"], collections["latest_version"]) == (2, "v1")
    assert [row["version"] for row in versions] == ["v1", "v0"]
    assert all(row["name"] == collection and row.keys() >= VERSION_KEYS for row in versions)
    assert versions[0] == served("artifact", "show", name, "--json").row()


def test_ls_filters_orders_and_limits(served: Hydria, name: str, files: Path) -> None:
    put(served, name, files / "one.txt", "--tag", "gold")
    put(served, name, files)

    def versions(*arguments: str) -> list[object]:
        return [
            row["version"] for row in served("artifact", "ls", name, "--json", *arguments).rows()
        ]

    assert versions("--filter", "tag:gold") == ["v0"]
    assert versions("--order-by", "created_at") == ["v0", "v1"]
    assert versions("--limit", "1") == ["v1"]
    assert versions("--filter", "tag:none") == []


def test_nothing_to_list_is_an_empty_array(served: Hydria) -> None:
    assert served("artifact", "ls", "nobody", "--json").out == "[]\n"


def test_cat_has_the_bytes_in_base64(served: Hydria, name: str, tmp_path: Path) -> None:
    data = os.urandom(5_000_001)  # several pieces, whose sizes are no multiples of three
    (tmp_path / "big").write_bytes(data)
    (tmp_path / "empty").touch()
    put(served, name, tmp_path / "big", tmp_path / "empty")

    row = served("artifact", "cat", name, "big", "--json").row()

    assert base64.b64decode(str(row["content_base64"]), validate=True) == data
    assert (row["ref"], row["path"], row["size_bytes"]) == (f"{name}:v0", "big", len(data))
    assert DIGEST.fullmatch(str(row["digest"]))
    assert served("artifact", "cat", name, "empty", "--json").row()["content_base64"] == ""


def test_alias_commands_say_where_aliases_were_and_are(
    served: Hydria, name: str, files: Path
) -> None:
    put(served, name, files / "one.txt", "--alias", "a")
    put(served, name, files)

    assert served("alias", "set", f"{name}:v1", "a", "b c", "--json").rows() == [
        {"alias": "a", "version": "v1", "previous_version": "v0"},
        {"alias": "b c", "version": "v1", "previous_version": None},
    ]
    assert served("alias", "rm", name, "b c", "--json").rows() == [
        {"alias": "b c", "version": None, "previous_version": "v1"}
    ]


def test_rm_says_what_was_deleted(served: Hydria, name: str, files: Path) -> None:
    made = put(served, name, files)

    row = served("artifact", "rm", f"{name}:v0", "--json").row()

    assert row.keys() >= VERSION_KEYS
    assert (row["ref"], row["state"], row["digest"]) == (made["ref"], "DELETED", made["digest"])


def test_ping_says_who_answers(served: Hydria, server: str) -> None:
    row = served("ping", "--json").row()

    assert row["address"] == f"grpc://{server}"
    assert row.keys() == {"address", "server_version", "store_id", "seconds"}


def test_common_options_may_stand_before_the_command(hydria: Hydria, server: str) -> None:
    assert hydria("--server", server, "--json", "ping").row()["address"] == f"grpc://{server}"
    assert hydria("artifact", "--json", "--server", server, "ls", "nobody").rows() == []
    overruled = hydria("--server", "127.0.0.1:1", "ping", "--server", server)
    assert overruled.code == 0


def test_after_an_error_standard_output_is_empty(served: Hydria, name: str) -> None:
    for command in ("show", "get", "files", "ls"):
        done = served("artifact", command, name, "--json")
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("hydria: ")
        assert done.err.count("\n") == 1
    assert served("artifact", "cat", name, "x", "--json").out == ""
