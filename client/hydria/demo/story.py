"""The story of a dataset, and of a model that is handed on."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from hydria.cli.text import count_text, rate_text, seconds_text, size_text
from hydria.demo import library as files
from hydria.demo.handoff import hand_on
from hydria.demo.server import running_server
from hydria.demo.training import require_scikit_learn, train_models
from hydria.demo.words import DemoFailedError, require, say, tell
from hydria.errors import HydriaError
from hydria.records import UploadResult
from hydria.sync import Client

NAME = "local/demo/python-library"
# What a handful of changes may cost where all of it is hardly more: chunks have up to 2 MiB.
RESENT_BYTES_MAX = 8 << 20


PICTURES = Path("hydria-demo")


def main(pictures: Path = PICTURES) -> int:
    """Tell the story; return 0 when all of it was true. Only `pictures` stays behind."""
    begun_at = time.monotonic()
    try:
        require_scikit_learn()
        with tempfile.TemporaryDirectory(prefix="hydria-demo-") as folder:
            _tell_story(Path(folder), pictures)
    except (DemoFailedError, HydriaError, OSError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything is cleaned up.", file=sys.stderr)
        return 130
    say("cleaned up", f"all of it in {seconds_text(time.monotonic() - begun_at)}")
    return 0


def _tell_story(folder: Path, pictures: Path) -> None:
    library, downloaded = folder / "library", folder / "downloaded"
    tell("A dataset: a copy of this Python installation's own library")
    files.copy_library(library, size_bytes_max=files.room_for(folder))
    with running_server(folder) as address:
        with Client(address, entity="local", project="demo", cache_dir=folder / "cache") as client:
            _log_twice(client, library)
            _move_alias(client)
            _download(client, library, downloaded)
            _log_equal_content(client, downloaded)
            models = train_models(client, folder / "training")
            hand_on(client, models, folder, pictures)
        tell("The end")
    say("server", "stopped: it drained, synced and exited with 0")


# --- the chapters -------------------------------------------------------------------------------


def _log_twice(client: Client, library: Path) -> None:
    tell("Log it: hash, cut, ask what the server has, send the rest, commit")
    first = client.log(NAME, library, type="dataset", aliases=["production"])
    require(first.created and first.version.version == "v0", "the first version is not v0")
    _say_logged(first)

    tell("Change a few files, and log it again")
    for change in files.change_files(library):
        say("changed", change)
    second = client.log(NAME, library, description="a few files changed")
    require(second.created and second.version.version == "v1", "the second version is not v1")
    allowed_bytes = max(first.sent_bytes // 10, RESENT_BYTES_MAX)
    require(second.sent_bytes <= allowed_bytes, f"v1 sent {size_text(second.sent_bytes)} again")
    _say_logged(second)
    ratio = second.sent_bytes / max(second.size_bytes, 1)
    say("which is", f"{ratio:.2%} of its bytes: the rest was there, to be found below file level")


def _move_alias(client: Client) -> None:
    tell("Move an alias: whoever asks for 'production' gets v1 from now on")
    (change,) = client.set_aliases(f"{NAME}:v1", ["production"])
    require((change.previous_version, change.version) == ("v0", "v1"), "the alias did not move")
    say("production", f"{change.previous_version} -> {change.version}")


def _download(client: Client, library: Path, downloaded: Path) -> None:
    tell("Download by alias into a new folder; every chunk and every file is verified")
    result = client.download(f"{NAME}:production", downloaded)
    require(result.version == "v1", f"the alias led to {result.version}")
    rate = rate_text(result.size_bytes, result.seconds)
    content = f"{count_text(result.file_count, 'file')}, {size_text(result.size_bytes)}"
    say("received", f"{result.ref}: {content} in {seconds_text(result.seconds)} ({rate})")
    begun_at = time.monotonic()
    file_count = files.compare_trees(library, downloaded)
    took = seconds_text(time.monotonic() - begun_at)
    say("compared", f"{count_text(file_count, 'file')} byte by byte in {took}: no difference")


def _log_equal_content(client: Client, downloaded: Path) -> None:
    tell("Log what was downloaded: equal content makes no new version")
    again = client.log(NAME, downloaded)
    require(not again.created and again.version.version == "v1", "equal content made a version")
    require(again.sent_bytes == 0, "equal content was sent again")
    took = seconds_text(again.seconds)
    say("already there", f"it is {again.version.ref}; nothing was sent ({took})")


def _say_logged(result: UploadResult) -> None:
    content = f"{count_text(result.file_count, 'file')}, {size_text(result.size_bytes)}"
    rate = rate_text(result.size_bytes, result.seconds)
    say("logged", f"{result.version.ref}: {content} in {seconds_text(result.seconds)} ({rate})")
    sent, known = size_text(result.sent_bytes), size_text(result.duplicate_bytes)
    say("sent", f"{sent}; {known} did not have to be")
