"""The hand-off: a model is promoted by moving an alias, and whoever serves it follows."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from hydria.cli.text import seconds_text, size_text
from hydria.demo.ancestry import show_ancestry
from hydria.demo.server import STOP_SECONDS, clean_environment
from hydria.demo.training import MODEL_FILE, TrainedModel, accuracy_of
from hydria.demo.words import require, say, tell
from hydria.sync import Client

MODEL = "local/model-registry/Digits"
WAIT_SECONDS = 30.0

Notice = Mapping[str, object]


class Follower:
    """`hydria registry follow` in a process of its own, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._notices: queue.Queue[Notice] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._notices.put(cast("Notice", json.loads(line)))

    def wait_until_swapped(self, version: str) -> Notice:
        """Return what it says once it serves a version of the model.

        Raises:
            DemoFailedError: it does not, in time.
        """
        ref = f"{MODEL}:{version}"
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                notice = self._notices.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                break
            if (notice["event"], notice["ref"]) == ("swapped", ref):
                return notice
        require(False, f"the follower did not swap to {ref}")
        raise AssertionError


def hand_on(client: Client, models: Sequence[TrainedModel], folder: Path, pictures: Path) -> None:
    """Link two versions of a model, follow `production`, promote, look back, and roll back."""
    _link(client, models)
    root = folder / "served"
    with _following(str(client.address), root, folder) as follower:
        follower.wait_until_swapped("v0")
        say("serves", f"{MODEL}:v0, in {root.name}/, a link that is swapped in one step")
        _promote(client, follower, root)
        _require_as_good(client, root, models[1])
        show_ancestry(client, f"{MODEL}:production", models[1].report_ref, pictures)
        _roll_back(client, follower, root)
    (deployment,) = client.deployments.list(MODEL, filter="state = ENDED")
    require(deployment.version_ref == f"{MODEL}:v0", "the end of the follower was not reported")
    say("follower", "stopped: it told the server that it serves no longer")


def _link(client: Client, models: Sequence[TrainedModel]) -> None:
    tell("Hand the model on: link it in the registry, the newer version as 'staging'")
    for number, (model, alias) in enumerate(zip(models, ("production", "staging"), strict=True)):
        link = client.registry.link(model.ref, MODEL, aliases=[alias]).version
        require(link.version == f"v{number}", f"the link is {link.version}, not v{number}")
        say(alias, f"{link.ref} -> {link.source_ref}, {size_text(link.size_bytes)}, none copied")


def _promote(client: Client, follower: Follower, root: Path) -> None:
    tell("Promote it: 'production' moves, and the follower is told")
    begun_at = time.monotonic()
    client.set_aliases(f"{MODEL}:staging", ["production"])
    swapped = follower.wait_until_swapped("v1")
    reaction_seconds = time.monotonic() - begun_at
    _require_served(client, root, "v1")
    received = size_text(int(cast("int", swapped["received_bytes"])))
    say("swapped", f"{seconds_text(reaction_seconds)} after the move began: it fetched {received},")
    say("", "verified and synced all of it, and then moved the link")
    deadline = time.monotonic() + WAIT_SECONDS
    while not (live := list(client.deployments.list(MODEL, filter="version = 1 state = LIVE"))):
        require(time.monotonic() < deadline, "the follower did not report what it serves")
        time.sleep(0.05)
    say("deployments", f"the server knows: {live[0].name} serves v1, current: {live[0].current}")


def _roll_back(client: Client, follower: Follower, root: Path) -> None:
    tell("Roll back: the version before is still there")
    begun_at = time.monotonic()
    client.registry.rollback(MODEL, "production")
    swapped = follower.wait_until_swapped("v0")
    reaction_seconds = time.monotonic() - begun_at
    require(swapped["received_bytes"] == 0, "what was there was fetched again")
    _require_served(client, root, "v0")
    say(
        "swapped",
        f"back {seconds_text(reaction_seconds)} after the move began; nothing was fetched",
    )


def _require_served(client: Client, root: Path, version: str) -> None:
    expected = client.read(f"{MODEL}:{version}", MODEL_FILE)
    require((root / MODEL_FILE).read_bytes() == expected, f"what is served is not {version}")


def _require_as_good(client: Client, root: Path, model: TrainedModel) -> None:
    accuracy = accuracy_of(root / MODEL_FILE, client)
    require(accuracy == model.accuracy, f"what is served tells {accuracy:.1%} right")
    say("predicts", f"{accuracy:.1%} of the digits right, as its report says")


@contextmanager
def _following(address: str, root: Path, folder: Path) -> Iterator[Follower]:
    """Run the follower, and stop it at the end.

    Raises:
        DemoFailedError: it did not end well.
    """
    tell("Serve it: a follower of 'production', in a second process")
    arguments = ("registry", "follow", f"{MODEL}:production", "--root", str(root), "--json")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hydria.cli.main", "--server", address, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**clean_environment(), "HYDRIA_CACHE_DIR": str(folder / "follower-cache")},
    )
    with process:
        try:
            yield Follower(process)
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOP_SECONDS)
            require(code == 0, f"the follower ended with {code}")
        finally:
            process.kill()  # which does nothing to one that has ended
