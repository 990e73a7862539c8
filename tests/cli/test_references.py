"""References on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydria.cli.put import split_reference
from tests.cli.conftest import Hydria


@pytest.mark.parametrize(
    ("text", "path", "uri"),
    [
        ("s3://bucket/date=2026/", None, "s3://bucket/date=2026/"),
        ("train/=s3://bucket/date=2026/", "train/", "s3://bucket/date=2026/"),
        ("a.csv=https://host/a?b=c", "a.csv", "https://host/a?b=c"),
        ("https://host/a?to=s3://bucket", None, "https://host/a?to=s3://bucket"),
        ("data/here", None, "data/here"),
    ],
)
def test_a_path_may_stand_before_the_uri(text: str, path: str | None, uri: str) -> None:
    assert split_reference(text) == (path, uri)


def test_references_are_put_listed_fetched_and_left_out(
    served: Hydria, name: str, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    shared = tmp_path / "shared" / "far.txt"
    shared.write_text("far\n")
    put = served(
        "artifact", "put", files / "one.txt", "--name", name, "--type", "dataset", "--alias", "x",
        "--reference", shared.as_uri(), "--reference", f"sub/near={shared.as_uri()}", "--json",
    )  # fmt: skip
    assert put.code == 0, put.err
    assert (put.row()["file_count"], put.row()["sent_bytes"]) == (3, 4)

    rows = {row["path"]: row for row in served("artifact", "files", name, "--json").rows()}
    assert rows["far.txt"]["ref_uri"] == rows["sub/near"]["ref_uri"] == shared.as_uri()
    assert str(rows["far.txt"]["ref_checksum"]).startswith("blake3:")
    assert rows["one.txt"]["ref_uri"] is None
    assert f"-> {shared.as_uri()}" in served("artifact", "files", name).out
    assert served("artifact", "cat", name, "far.txt").out == "far\n"

    got = served("artifact", "get", name, "--root", "all", "--json").row()
    assert (got["file_count"], got["skipped_reference_count"]) == (3, 0)
    assert (tmp_path / "all/sub/near").read_text() == "far\n"

    shared.write_text("new\n")
    failed = served("artifact", "get", name, "--root", "some")
    assert (failed.code, failed.out) == (1, "")
    assert "has changed" in failed.err
    assert "--no-references" in failed.err
    got = served("artifact", "get", name, "--root", "some", "--no-references", "--json").row()
    assert (got["file_count"], got["skipped_reference_count"]) == (1, 2)
    assert "left out  2 references" in served("artifact", "get", name, "--no-references").out


def test_what_cannot_be_referred_to_is_one_line_and_makes_nothing(
    served: Hydria, name: str
) -> None:
    for uri, code in (("nowhere", 1), ("file:///no/such/file", 1), ("gs://bucket/a", 1)):
        failed = served("artifact", "put", "--name", name, "--type", "t", "--reference", uri)
        assert (failed.code, failed.out, failed.err.count("\n")) == (code, "", 1)
    assert served("artifact", "put", "--name", name, "--type", "t").code == 2
    assert served("artifact", "show", name).code == 1
