"""`hydria registry`: the whole way of a model, what is printed, and how wrong usage ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Hydria


@pytest.fixture
def source(served: Hydria, name: str, files: Path) -> str:
    """Give a version of a model."""
    done = served("artifact", "put", files, "--name", name, "--type", "model")
    assert done.code == 0
    return f"{name}:v0"


def test_a_model_is_linked_shown_read_and_unlinked(
    served: Hydria, name: str, source: str, tmp_path: Path
) -> None:
    entity = name.split("/")[0]
    model = f"{entity}/model-registry/Model Registry Tutorial"

    linked = served("registry", "link", source, model, "--alias", "staging", "--json").row()
    assert (linked["ref"], linked["source_ref"], linked["created"]) == (f"{model}:v0", source, True)
    assert linked["aliases"] == ["latest", "staging"]
    again = served("registry", "link", source, model)
    assert again.out == f"{model}:v0 links already {source} (latest, staging)\n"

    shown = served("artifact", "show", f"{model}:staging")
    assert f"source       {source}\n" in shown.out
    got = served("artifact", "get", f"{model}:staging", "--root", "got", "--json").row()
    assert (got["ref"], got["file_count"]) == (f"{model}:v0", 3)
    assert (tmp_path / "got" / "one.txt").read_text() == "one\n"
    assert served("artifact", "cat", model, "one.txt").out == "one\n"
    assert "two words.txt" in served("artifact", "files", f"{model}:v0").out

    assert served("registry", "links", source, "--json").rows()[0]["ref"] == f"{model}:v0"
    listed = served("registry", "ls", model, "--json").rows()
    assert [row["source_ref"] for row in listed] == [source]
    assert source in served("registry", "ls", model).out

    refused = served("artifact", "rm", source)
    assert (refused.code, model in refused.err) == (1, True)
    kept = served("registry", "unlink", f"{model}:v0")
    assert (kept.code, "aliases" in kept.err) == (1, True)
    gone = served("registry", "unlink", f"{model}:v0", "--delete-aliases")
    assert gone.out == f"{model}:v0 unlinked; {source} stays\n"
    assert served("artifact", "show", source).code == 0


def test_registries_are_made_listed_changed_and_deleted(
    served: Hydria, name: str, source: str
) -> None:
    entity = name.split("/")[0]
    field = f"{entity}/registry-field"

    made = served("registry", "create", field, "--type", "model", "--json").row()
    assert (made["path"], made["types"], made["collection_count"]) == (field, ["model"], 0)
    model = served("registry", "create", f"{field}/Net", "--type", "model", "--json").row()
    assert (model["path"], model["version_count"]) == (f"{field}/Net", 0)
    assert served("registry", "link", source, f"{field}/Net").code == 0
    names = [row["name"] for row in served("registry", "ls", entity, "--json").rows()]
    assert names == ["model-registry", "registry-field"]
    assert [row["name"] for row in served("registry", "ls", field, "--json").rows()] == ["Net"]
    assert served("registry", "show", field).out.splitlines()[:3] == [
        *(field, "  models   1", "  types    model"),
    ]
    changed = served("registry", "update", field, "--rename", "registry-b", "--any-type", "--json")
    assert (changed.row()["name"], changed.row()["types"]) == ("registry-b", [])
    renamed = served("registry", "update", f"{field}/Net", "--rename", "Network", "--json").row()
    assert renamed["path"] == f"{entity}/registry-b/Network"
    assert served("registry", "show", f"{field}/Net", "--json").row()["name"] == "Network"

    assert served("registry", "rm", field).code == 1
    done = served("registry", "rm", f"{entity}/registry-b", "--force")
    assert done.out == f"{entity}/registry-b deleted (1 registered model)\n"
    empty = f"{entity}/model-registry/Net"
    assert served("registry", "link", source, empty).code == 0
    assert served("registry", "rm", empty, "--json").row() == {
        "name": empty,
        "deleted_version_count": 1,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "acme"),
        ("create", "acme/registry-a/b/c"),
        ("create", "acme/registry-a/Net"),
        ("show", "acme"),
        ("update", "acme/registry-a"),
        ("update", "acme/registry-a", "--type", "a", "--any-type"),
        ("update", "acme/registry-a/Net", "--type", "a"),
        ("ls", "a//b"),
        ("link", "acme/p/net"),
        ("create", "acme/birds"),
        ("link", "acme/p/net", "acme/birds/Net"),
    ],
)
def test_wrong_usage_is_two(served: Hydria, arguments: tuple[str, ...]) -> None:
    done = served("registry", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_what_is_not_there_is_one(served: Hydria, source: str, name: str) -> None:
    entity = name.split("/")[0]
    done = served("registry", "link", source, f"{entity}/registry-none/Net")
    assert done.code == 1
    assert "make it first" in done.err
