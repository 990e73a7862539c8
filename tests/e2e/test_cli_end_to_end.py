"""The installed `hydria` command, as a script would use it: processes, pipes, exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.servers import ServerProgram, server_program

HYDRIA = Path(sys.executable).with_name("hydria")
NAME = "team ü/my project/data set"
SECONDS = 60

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProgram]:
    with server_program(tmp_path_factory.mktemp("e2e") / "data") as running:
        yield running


@pytest.fixture
def environment(server: ServerProgram, tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HYDRIA_")}
    return {
        **clean,
        "HYDRIA_BASE_URL": server.address,
        "HYDRIA_CACHE_DIR": str(tmp_path / "cache"),
        "HYDRIA_DATA": str(tmp_path / "no server here"),
    }


@pytest.fixture
def hydria(environment: dict[str, str], tmp_path: Path) -> Run:
    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [HYDRIA, *arguments],
            cwd=tmp_path,
            env={**environment, **changes},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
        )

    return run


def test_a_dataset_goes_up_comes_down_and_is_deleted(hydria: Run, tmp_path: Path) -> None:
    def rows(*arguments: str) -> list[dict[str, object]]:
        done = hydria(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, b""), done
        document: object = json.loads(done.stdout)
        return document if isinstance(document, list) else [cast("dict[str, object]", document)]

    def command(*arguments: str) -> dict[str, object]:
        (row,) = rows(*arguments)
        return row

    source = tmp_path / "source dir"
    (source / "unter ordner").mkdir(parents=True)
    (source / "unter ordner" / "größe 数.bin").write_bytes(os.urandom(3_000_001))
    (source / "plain.txt").write_text("plain\n")
    words = ("--type", "dataset", "--alias", "stable", "--tag", "t 1", "--metadata", '{"n": 1.0}')

    assert command("ping").keys() >= {"address", "seconds"}
    made = command("artifact", "put", str(source), "--name", NAME, *words)
    assert (made["ref"], made["created"], made["file_count"]) == (f"{NAME}:v0", True, 2)
    again = command("artifact", "put", str(source), "--name", NAME)
    assert (again["ref"], again["created"], again["sent_bytes"]) == (f"{NAME}:v0", False, 0)
    (tmp_path / "more.txt").write_text("more\n")
    based = command("artifact", "put", "more.txt", "--name", NAME, "--base", f"{NAME}:stable")
    assert (based["ref"], based["file_count"]) == (f"{NAME}:v1", 3)
    assert (based["new_bytes"], based["sent_bytes"]) == (5, 5)

    moved = command("alias", "set", f"{NAME}:v1", "stable")
    assert moved == {"alias": "stable", "version": "v1", "previous_version": "v0"}
    got = command("artifact", "get", f"{NAME}:stable", "--root", "dest dir")
    assert (got["version"], got["root"], got["file_count"]) == ("v1", str(tmp_path / "dest dir"), 3)
    (source / "more.txt").write_text("more\n")
    assert contents(tmp_path / "dest dir") == contents(source)

    paths = [row["path"] for row in rows("artifact", "files", NAME)]
    assert paths == ["more.txt", "plain.txt", "unter ordner/größe 数.bin"]
    cat = hydria("artifact", "cat", NAME, "unter ordner/größe 数.bin")
    assert cat.stdout == (source / "unter ordner" / "größe 数.bin").read_bytes()
    assert command("artifact", "show", f"{NAME}:v0")["metadata"] == {"n": 1.0}
    assert [row["version"] for row in rows("artifact", "ls", NAME)] == ["v1", "v0"]
    assert command("alias", "rm", NAME, "stable")["previous_version"] == "v1"
    assert command("artifact", "rm", f"{NAME}:v1")["state"] == "DELETED"
    assert command("artifact", "show", NAME)["version"] == "v0"


def contents(root: Path) -> dict[str, bytes]:
    return {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()}


def test_failures_exit_with_1_and_one_line(hydria: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "back").symlink_to(tmp_path / "loop")

    for arguments, words in (
        (("artifact", "put", "fifo", "--name", "e/p/n", "--type", "t"), "fifo' is no regular file"),
        (("artifact", "put", "loop", "--name", "e/p/n", "--type", "t"), "a cycle"),
        (("artifact", "show", "e/p/nothing"), "there is no collection e/p/nothing"),
        (("artifact", "put", "cache", "--name", "e/model-registry/n", "--type", "t"), "registry"),
    ):
        (tmp_path / "cache").mkdir(exist_ok=True)
        done = hydria(*arguments)
        assert done.returncode == 1, done
        assert words in done.stderr.decode()
        assert (done.stdout, done.stderr.count(b"\n")) == (b"", 1)


def test_usage_exits_with_2(hydria: Run) -> None:
    assert hydria("artifact", "rm", NAME).returncode == 2
    assert hydria("artifact", "put", "nowhere", "--name", NAME).returncode == 2
    assert hydria().returncode == 2


def test_without_a_server_it_says_how_to_start_one(hydria: Run) -> None:
    done = hydria("artifact", "ls", "team", HYDRIA_BASE_URL="127.0.0.1:1")

    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert b"no Hydria server answers at grpc://127.0.0.1:1" in done.stderr
    assert b"start one with 'hydria server'" in done.stderr


def test_a_socket_and_the_address_file_lead_to_the_server_too(hydria: Run, tmp_path: Path) -> None:
    address, data = f"unix://{tmp_path}/socket", tmp_path / "data"
    with server_program(data, "--listen", address):
        asked = hydria("--server", address, "ping", "--json", HYDRIA_BASE_URL="")
        found = hydria("ping", "--json", HYDRIA_BASE_URL="", HYDRIA_DATA=str(data))

    assert json.loads(asked.stdout)["address"] == address
    assert json.loads(found.stdout)["address"] == address


def test_a_reader_that_has_had_enough_is_no_failure(
    hydria: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(8_000_000))
    name = "team/pipes/big"
    assert hydria("artifact", "put", "big", "--name", name, "--type", "t").returncode == 0

    with subprocess.Popen(
        [HYDRIA, "artifact", "cat", name, "big"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        head = process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
        code = process.wait(SECONDS)

    assert (tmp_path / "big").read_bytes().startswith(head)
    assert (code, errors) == (0, b"")


def test_progress_is_drawn_on_a_terminal_and_leaves_standard_output_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(8_000_000))
    terminal, terminal_of_child = pty.openpty()
    with subprocess.Popen(
        [HYDRIA, "artifact", "put", "big", "--name", "team/bars/big", "--type", "t", "--json"],
        cwd=tmp_path,
        env={**environment, "TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=terminal_of_child,
    ) as process:
        os.close(terminal_of_child)
        drawn = read_until_closed(terminal)
        assert process.stdout is not None
        printed = process.stdout.read()

    assert json.loads(printed)["created"] is True
    assert b"1 of 1 files" in drawn
    assert b"MB" in drawn


def read_until_closed(terminal: int) -> bytes:
    """Return all that is written to a terminal; Linux ends it with an error."""
    drawn = b""
    try:
        while piece := os.read(terminal, 1 << 16):
            drawn += piece
    except OSError:
        pass
    os.close(terminal)
    return drawn


def test_control_c_exits_with_130_and_leaves_no_version(
    server: ServerProgram, hydria: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(200_000_000_000)  # zeros that lie nowhere, and take long to read
    name = "team/interrupted/huge"
    is_asking = wait_for_another_line(server.log, "FindMissingChunks")
    with subprocess.Popen(
        [HYDRIA, "artifact", "put", "huge", "--name", name, "--type", "t"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            is_asking()
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=SECONDS)
        finally:
            process.kill()

    assert process.returncode == 130
    assert (out, errors.strip()) == (b"", b"")
    assert hydria("artifact", "show", name).returncode == 1


def wait_for_another_line(log: Path, words: str) -> Callable[[], None]:
    """Return what waits until the log has one line with `words` more than now."""
    before = log.read_text().count(words)

    def wait() -> None:
        give_up_at = time.monotonic() + SECONDS
        while log.read_text().count(words) <= before:
            assert time.monotonic() < give_up_at, f"no {words} in {log}"
            time.sleep(0.01)

    return wait
