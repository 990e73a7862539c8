"""`hydria registry history`, `rollback` and `protect`, and `artifact show --as-of`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Hydria


@pytest.fixture
def moved(served: Hydria, name: str, files: Path) -> str:
    """Give a collection whose alias `production` went from v0 to v1."""
    for at in range(2):
        (files / "at").write_text(str(at))
        done = served("artifact", "put", files, "--name", name, "--type", "model")
        assert done.code == 0
        assert served("alias", "set", f"{name}:v{at}", "production").code == 0
    return name


def test_the_history_of_an_alias_is_told(served: Hydria, moved: str) -> None:
    newer, older = served("registry", "history", moved, "production", "--json").rows()
    assert newer == {
        "alias": "production",
        "version": "v1",
        "ref": f"{moved}:v1",
        "from_time": older["to_time"],
        "to_time": None,
        "actor": "anonymous",
        "state": "COMMITTED",
    }
    assert older["version"] == "v0"
    then = str(older["from_time"])
    lines = served("registry", "history", moved).out.splitlines()
    assert lines[0].split() == ["ALIAS", "VERSION", "FROM", "UNTIL", "BY"]
    assert len(lines) == 5
    assert lines[1].split()[:2] == ["production", "v1"]
    assert len(served("registry", "history", moved, "--limit", "1", "--json").rows()) == 1
    as_of = served("registry", "history", moved, "--as-of", then, "--json").rows()
    assert [row["version"] for row in as_of] == ["v0", "v0"]
    assert served("artifact", "rm", f"{moved}:v0").code == 0
    assert "v0 (deleted)" in served("registry", "history", moved, "production").out


def test_a_version_is_shown_as_of_a_time_of_any_time_zone(served: Hydria, moved: str) -> None:
    _, older = served("registry", "history", moved, "production", "--json").rows()
    then = datetime.fromisoformat(str(older["from_time"]))
    local = then.astimezone().replace(tzinfo=None).isoformat(sep=" ")
    for time in (str(older["from_time"]), then.isoformat(), local):
        shown = served("artifact", "show", f"{moved}:production", "--as-of", time, "--json")
        assert shown.row()["version"] == "v0"
    early = served("artifact", "show", f"{moved}:production", "--as-of", "2001-01-01")
    assert (early.code, early.out) == (1, "")
    assert "pointed nowhere at that time" in early.err


def test_an_alias_is_rolled_back(served: Hydria, moved: str) -> None:
    done = served("registry", "rollback", moved, "production", "--expect", "v1")
    assert done.out == f"production -> {moved}:v0 (was v1)\n"
    late = served("registry", "rollback", moved, "production", "--expect", "v1")
    assert (late.code, late.out) == (1, "")
    assert served("registry", "rollback", moved, "production", "--json").row() == {
        "alias": "production",
        "version": "v1",
        "previous_version": "v0",
        "ref": f"{moved}:v1",
    }


def test_a_protected_alias_holds_its_version(served: Hydria, moved: str) -> None:
    assert served("registry", "protect", moved, "production", "--json").row() == {
        "name": moved,
        "protected_aliases": ["production"],
    }
    refusal = served("artifact", "rm", f"{moved}:v1", "--delete-aliases", "--force")
    assert (refusal.code, refusal.out) == (1, "")
    assert "registry protect --off" in refusal.err
    assert "protects  production" in served("collection", "show", moved).out
    done = served("registry", "protect", moved, "production", "--off")
    assert done.out == f"{moved} protects no alias\n"
    assert served("artifact", "rm", f"{moved}:v1", "--delete-aliases").code == 0


def test_a_registry_protects_aliases_of_all_its_models(served: Hydria, name: str) -> None:
    registry = f"{name.split('/')[0]}/registry-field"
    assert served("registry", "create", registry).code == 0
    done = served("registry", "protect", registry, "production", "gold")
    assert done.out == f"{registry} protects gold, production\n"
    assert served("registry", "show", registry, "--json").row()["protected_aliases"] == [
        *("gold", "production")
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("registry", "history", "a/b/c/d"),
        ("registry", "history", "acme/p/net", "--as-of", "monday"),
        ("registry", "rollback", "acme/p/net"),
        ("registry", "protect", "acme", "a"),
        ("registry", "protect", "acme/p/net"),
        ("registry", "protect", "acme/p//", "a"),
        ("artifact", "show", "acme/p/net", "--as-of", "2026-13-01"),
    ],
)
def test_wrong_usage_is_two(served: Hydria, arguments: tuple[str, ...]) -> None:
    done = served(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err
