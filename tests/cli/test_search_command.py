"""`hydria search`: what is found, what is printed, and how wrong usage ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Hydria


@pytest.fixture
def entity(served: Hydria, name: str, files: Path) -> str:
    """Give an entity with two versions of a model, of which the second is linked."""
    for at in range(2):
        (files / "one.txt").write_text(f"{at}")
        metadata = f'{{"val": {{"acc": 0.{8 + at}}}}}'
        put = ("artifact", "put", files, "--name", name, "--type", "model")
        assert served(*put, "--metadata", metadata).code == 0
    owner = name.split("/")[0]
    model = f"{owner}/model-registry/Things"
    assert served("registry", "link", f"{name}:v1", model, "--alias", "staging").code == 0
    return owner


def test_each_kind_is_found_by_a_filter(served: Hydria, name: str, entity: str) -> None:
    def found(*arguments: str) -> list[object]:
        rows = served("search", *arguments, "--within", entity, "--json").rows()
        return [row.get("ref", row["name"]) for row in rows]

    link = f"{entity}/model-registry/Things:v0"
    assert found() == [f"{name}:v1", f"{name}:v0"]
    assert found("metadata.val.acc > 0.85") == [f"{name}:v1"]
    assert found("metadata.val.acc:*", "--order-by", "metadata.val.acc") == [
        f"{name}:v0",
        f"{name}:v1",
    ]
    assert found("--limit", "1") == [f"{name}:v1"]
    assert found("metadata.val.acc > 0.85", "--in", "links") == [link]
    assert found("metadata.val.acc < 0.85", "--in", "links") == []
    assert found("type = model", "--in", "collections") == ["things"]
    assert found("alias:staging", "--in", "models") == ["Things"]
    assert found('name:"model-*"', "--in", "registries") == ["model-registry"]


def test_people_get_a_table(served: Hydria, name: str, entity: str) -> None:
    done = served("search", "metadata.val.acc = 0.9", "--within", f"{entity}/birds")
    assert done.out.split()[:2] == ["VERSION", "TYPE"]
    assert f"{name}:v1" in done.out
    assert f"{name}:v0" not in done.out
    assert "things" in served("search", "--in", "collections", "--within", entity).out
    assert served("search", "tag:none", "--within", entity).err == "nothing there\n"


def test_a_wrong_filter_says_where(served: Hydria, entity: str) -> None:
    done = served("search", "type = model AND metadata.acc >", "--within", entity)
    assert (done.code, done.out) == (2, "")
    assert "column 32" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--within", "a//b"),
        ("--within", "a/b/c/d"),
        ("--in", "registries", "--within", "a/b"),
        ("--in", "collections", "--within", "a/b/c"),
        ("--in", "files"),
        ("--limit", "0"),
    ],
)
def test_wrong_usage_ends_with_2(served: Hydria, arguments: tuple[str, ...]) -> None:
    assert served("search", *arguments).code == 2
