"""`python -m hydria.demo`: the story of a dataset, on real files, with a real server.

It needs nothing but the installed package, keeps to a temporary directory, and fails when
anything is not as it says.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydria.cli.text import count_text, rate_text, seconds_text, size_text
from hydria.errors import HydriaError
from hydria.records import UploadResult
from hydria.sync import Client

NAME = "local/demo/python-library"
LIBRARY_BYTES_MAX = 300_000_000
# What a handful of changes may cost where all of it is hardly more: chunks have up to 2 MiB.
RESENT_BYTES_MAX = 8 << 20
START_SECONDS = 30
STOP_SECONDS = 30

_FOREIGN_FOLDERS = frozenset(("site-packages", "dist-packages"))
_LABEL_COLUMNS = 15


class DemoFailedError(Exception):
    """Something is not as the demo says; the message tells what."""


def main() -> int:
    """Tell the story; return 0 when all of it was true."""
    begun_at = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="hydria-demo-") as folder:
            _tell_story(Path(folder))
    except (DemoFailedError, HydriaError, OSError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything is cleaned up.", file=sys.stderr)
        return 130
    say("cleaned up", f"all of it in {seconds_text(time.monotonic() - begun_at)}")
    return 0


def say(label: str, text: str) -> None:
    """Print one line of the story."""
    print(f"  {label:<{_LABEL_COLUMNS}}{text}", flush=True)


def tell(text: str) -> None:
    """Print a heading of the story."""
    print(f"\n{text}", flush=True)


def require(condition: bool, what: str) -> None:
    """Go on only if `condition` holds.

    Raises:
        DemoFailedError: it does not.
    """
    if not condition:
        raise DemoFailedError(what)


def _tell_story(folder: Path) -> None:
    library, downloaded = folder / "library", folder / "downloaded"
    tell("A dataset: a copy of this Python installation's own library")
    _copy_library(library, size_bytes_max=_room_for(folder))
    with _running_server(folder) as address:
        with Client(address, entity="local", project="demo", cache_dir=folder / "cache") as client:
            _log_twice(client, library)
            _move_alias(client)
            _download(client, library, downloaded)
            _log_equal_content(client, downloaded)
        tell("The end")
    say("server", "stopped: it drained, synced and exited with 0")


# --- the chapters -------------------------------------------------------------------------------


def _log_twice(client: Client, library: Path) -> None:
    tell("Log it: hash, cut, ask what the server has, send the rest, commit")
    first = client.log(NAME, library, type="dataset", aliases=["production"])
    require(first.created and first.version.version == "v0", "the first version is not v0")
    _say_logged(first)

    tell("Change a few files, and log it again")
    for change in _change_files(library):
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
    file_count = _compare_trees(library, downloaded)
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


# --- the files ----------------------------------------------------------------------------------


def _room_for(folder: Path) -> int:
    """Return how large the copy may be: it will lie there three times, beside a reserve."""
    return min(LIBRARY_BYTES_MAX, shutil.disk_usage(folder).free // 5)


def _copy_library(target: Path, *, size_bytes_max: int) -> None:
    """Copy the standard library, and then installed packages, as far as there is room."""
    begun_at = time.monotonic()
    standard = Path(sysconfig.get_path("stdlib"))
    installed = Path(sysconfig.get_path("purelib"))
    file_count = copied_bytes = 0
    for source, skipped, below in (
        (standard, _FOREIGN_FOLDERS, target),
        (installed, frozenset[str](), target / "site-packages"),
    ):
        for file in _files_under(source, skipped=skipped | {"__pycache__"}):
            name, size_bytes = file.relative_to(source), file.stat().st_size
            # Other names may be written in more than one way, and versions know one of them.
            if copied_bytes + size_bytes > size_bytes_max or not str(name).isascii():
                continue
            place = below / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
            file_count, copied_bytes = file_count + 1, copied_bytes + size_bytes
    require(file_count > 0, f"there is nothing to copy from {standard}")
    took = seconds_text(time.monotonic() - begun_at)
    say("copied", f"{count_text(file_count, 'file')}, {size_text(copied_bytes)} in {took}")


def _files_under(root: Path, *, skipped: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Yield the regular files below `root` that can be read, in a fixed order."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if name not in skipped)
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and os.access(path, os.R_OK):
                yield path


def _change_files(library: Path) -> Iterator[str]:
    """Change a few files below `library`, and yield what was done."""
    modules = sorted(library.glob("*.py"))
    for module in modules[:3]:
        with module.open("a", encoding="utf-8") as stream:
            stream.write("# changed by the demo\n")
    yield "a line more in " + ", ".join(module.name for module in modules[:3])
    largest = max(_files_under(library), key=lambda file: file.stat().st_size)
    data = largest.read_bytes()
    largest.write_bytes(data[: len(data) // 2] + b"inserted" + data[len(data) // 2 :])
    yield f"8 bytes inserted into {largest.name} ({size_text(len(data))})"
    removed = modules[3]
    removed.unlink()
    (library / "added by the demo.txt").write_text("a new file\n", encoding="utf-8")
    yield f"{removed.name} removed, a new file added"


def _compare_trees(one: Path, other: Path) -> int:
    """Return how many files both trees have, all of them equal to the last byte.

    Raises:
        DemoFailedError: they differ.
    """
    names = {file.relative_to(one) for file in _files_under(one)}
    others = {file.relative_to(other) for file in _files_under(other)}
    require(names == others, f"only one side has {sorted(map(str, names ^ others))[:5]}")
    for name in sorted(names):
        require((one / name).read_bytes() == (other / name).read_bytes(), f"{name} differs")
    return len(names)


# --- the server ---------------------------------------------------------------------------------


@contextmanager
def _running_server(folder: Path) -> Iterator[str]:
    """Run the server program on an empty store, give its address, and stop it at the end.

    Raises:
        DemoFailedError: it did not start, or did not end well.
    """
    tell("A server: one process, an empty store, on this machine")
    begun_at = time.monotonic()
    log = folder / "server.log"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
    command = [sys.executable, "-P", "-m", "hydria_server", "--listen", "127.0.0.1:0"]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "store")],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=clean,
        )
    with process:
        try:
            address = _announced_address(process, log)
            say("listening", f"on {address} after {seconds_text(time.monotonic() - begun_at)}")
            yield address
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOP_SECONDS)
            require(code == 0, f"the server ended with {code}: {_end_of(log)}")
        finally:
            process.kill()  # which does nothing to one that has ended


def _announced_address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    is_ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if is_ready else ""
    require(bool(line), f"the server did not start: {_end_of(log)}")
    return str(json.loads(line)["address"])


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] or "it logged nothing"


if __name__ == "__main__":
    sys.exit(main())
