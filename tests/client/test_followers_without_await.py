"""`Client.follow`: a follower in the background of code without an event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hydria.errors import CallTimeoutError
from hydria.following.errors import FollowRootError
from hydria.following.records import ServedVersion
from hydria.sync import Client
from tests.servers import server_process

REF = "team/birds/calls:production"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with (
        server_process(tmp_path / "data") as server,
        Client(server.address, entity="team", project="birds", cache_dir=tmp_path) as opened,
    ):
        yield opened


def log(client: Client, tmp_path: Path, content: str) -> None:
    (tmp_path / "weights").write_text(content)
    client.log("calls", tmp_path / "weights", type="model", aliases=["production"])


def test_the_callback_runs_in_a_thread_and_may_call_the_client(
    client: Client, tmp_path: Path
) -> None:
    loaded: list[tuple[str, int]] = []
    is_loaded = threading.Event()

    def load(version: ServedVersion) -> None:
        size_bytes = len(client.read(version.version_ref, "weights"))
        loaded.append(((version.path / "weights").read_text(), size_bytes))
        is_loaded.set()

    log(client, tmp_path, "0")
    with client.follow(REF, tmp_path / "model", on_swap=load) as follower:
        assert follower.current is not None
        assert is_loaded.wait(30)
        is_loaded.clear()
        log(client, tmp_path, "11")
        assert is_loaded.wait(30)
        assert follower.error is None
    assert loaded == [("0", 1), ("11", 2)]
    assert (tmp_path / "model" / "weights").read_text() == "11"
    (ended,) = client.deployments.list(filter="state = ENDED")
    assert ended.version_ref == "team/birds/calls:v1"


def test_what_can_never_be_done_is_raised_at_the_start(client: Client, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    follower = client.follow(REF, tmp_path / "model")
    with pytest.raises(FollowRootError):
        follower.start()
    assert isinstance(follower.error, FollowRootError)
    follower.close()
    follower.close()


def test_what_does_not_come_in_time_is_still_waited_for(client: Client, tmp_path: Path) -> None:
    follower = client.follow(REF, tmp_path / "model")
    with pytest.raises(CallTimeoutError):
        follower.start(timeout_seconds=0.2)
    log(client, tmp_path, "0")
    assert follower.start(timeout_seconds=30).version_ref == "team/birds/calls:v0"
    follower.close()
