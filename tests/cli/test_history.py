"""`hydria events` and `hydria registry watch`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Hydria

_KEYS = {
    "event_id", "type", "time", "actor", "entity", "project", "name", "ref", "alias",
    "previous_version", "data",
}  # fmt: skip


def test_events_are_listed_as_rows(served: Hydria, name: str, files: Path) -> None:
    served("artifact", "put", files, "--name", name, "--type", "dataset", "--alias", "best")
    rows = served("events", name, "--json").rows()
    assert [row["type"] for row in rows] == [
        "alias_set",
        "alias_set",
        "version_committed",
        "collection_created",
    ]
    assert all(row.keys() == _KEYS for row in rows)
    newest = served("events", name, "--alias", "best", "--limit", "1", "--json").rows()
    assert [(row["alias"], row["ref"]) for row in newest] == [("best", f"{name}:v0")]
    assert served("events", name, "--since", "2999-01-01", "--json").rows() == []


def test_events_are_listed_for_people(served: Hydria, name: str, files: Path) -> None:
    served("artifact", "put", files, "--name", name, "--type", "dataset", "--alias", "best")
    shown = served("events", name, "--alias", "best").out
    assert "best -> v0" in shown
    assert "alias_set" in shown


def test_a_wrong_time_or_type_or_place_is_told(served: Hydria, name: str) -> None:
    assert served("events", name, "--since", "monday").code == 2
    assert "alias_set" in served("events", name, "--type", "moved").err
    assert served("events", "a/b/c/d").code == 2
    assert served("registry", "watch", name, "--token", "xyz").code == 2


def test_watch_prints_the_snapshot_and_then_an_object_a_line(
    served: Hydria, server: str, name: str, files: Path
) -> None:
    served("artifact", "put", files, "--name", name, "--type", "dataset", "--alias", "best")
    command = [sys.executable, "-m", "hydria.cli.main", "registry", "watch", name, "--snapshot"]
    watching = subprocess.Popen(
        [*command, "--alias", "best", "--limit", "1", "--json", "--server", server],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    with watching:
        holder = json.loads(watching.stdout.readline())
        assert (holder["type"], holder["ref"]) == ("alias_holder", f"{name}:v0")
        served("artifact", "put", files / "below", "--name", name, "--alias", "best")
        event = json.loads(watching.stdout.readline())
        assert event.keys() == {*_KEYS, "token"}
        assert (event["alias"], event["ref"]) == ("best", f"{name}:v1")
        assert watching.wait(30) == 0
    served("alias", "rm", name, "best")
    again = served(
        "registry", "watch", name, "--token", event["token"], "--alias", "best", "--limit", "1"
    )
    assert again.code == 0
    assert "alias_removed" in again.out
