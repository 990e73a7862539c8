"""The client for code without an event loop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hydria
from hydria.errors import ClientClosedError, HydriaError, NotFoundError, ServerUnavailableError
from tests.client.trees import SIZES, plant, tree_of
from tests.servers import ServerProcess, server_process

LOOP_THREAD = "hydria-loop"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def client(process: ServerProcess, tmp_path: Path) -> Iterator[hydria.Client]:
    with hydria.Client(
        process.address, entity=tmp_path.name, project="birds", cache_dir=tmp_path / "cache"
    ) as opened:
        yield opened


def loop_threads() -> int:
    return sum(thread.name == LOOP_THREAD for thread in threading.enumerate())


def run(program: str, *arguments: str, seconds: float = 30) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=True,
    )
    return done.stdout


def test_everything_works_without_await(client: hydria.Client, tmp_path: Path) -> None:
    result = client.log("calls", plant(tmp_path / "source", SIZES), type="dataset")
    client.download("calls", tmp_path / "copy")
    with client.draft("calls", base="calls") as draft:
        draft.add_bytes("added", b"added")
        draft.remove_prefix("tiny/")
        draft.commit(tags=["x"])

    assert tree_of(tmp_path / "copy") == SIZES
    assert result.created
    assert sorted(file.path for file in client.files("calls:v0")) == sorted(SIZES)
    assert (
        b"".join(client.iter_bytes("calls", "added")) == client.read("calls", "added") == b"added"
    )
    assert [version.version for version in client.versions("calls")] == ["v1", "v0"]
    assert [each.name for each in client.collections()] == ["calls"]
    assert [each.name for each in client.types()] == ["dataset"]
    assert [each.name for each in client.projects()] == ["birds"]
    assert client.collection("calls").latest_version == "v1"
    assert client.set_aliases("calls:v0", ["old"])[0].version == "v0"
    assert client.remove_aliases("calls:v0", ["old"])[0].version == ""
    assert client.update_version("calls:v1", description="new").description == "new"
    assert client.update_collection("calls", tags=["y"]).tags == ("y",)
    assert client.delete_version("calls:v1").state == hydria.VersionState.DELETED
    assert client.delete_collection("calls") == 1
    assert client.server_info().limits.max_chunk_bytes == 2_097_152
    with pytest.raises(NotFoundError):
        client.version("calls")


def test_no_thread_runs_before_the_first_call_nor_after_the_last(process: ServerProcess) -> None:
    before = loop_threads()
    client = hydria.Client(process.address)
    assert loop_threads() == before
    client.ping()
    assert loop_threads() == before + 1
    client.close()
    client.close()
    assert loop_threads() == before
    with pytest.raises(ClientClosedError):
        client.ping()


def test_a_client_that_was_never_used_closes(process: ServerProcess) -> None:
    hydria.Client(process.address).close()


def test_several_threads_share_one_client(client: hydria.Client, tmp_path: Path) -> None:
    def log(number: int) -> str:
        source = plant(tmp_path / str(number), {"a": b"%d" % number})
        return client.log("calls", source, type="dataset").version.ref

    with ThreadPoolExecutor(4) as threads:
        refs = set(threads.map(log, range(8)))

    assert len(refs) == 8


def test_an_iterator_that_is_left_early_leaves_nothing_behind(
    client: hydria.Client, tmp_path: Path
) -> None:
    client.log("calls", plant(tmp_path / "source", SIZES), type="dataset")
    for _ in client.files("calls"):
        break
    for _ in client.iter_bytes("calls", "deep/er/many chunks.bin"):
        break

    assert client.ping() > 0


def test_a_callback_that_calls_the_client_is_an_error_and_no_deadlock(
    client: hydria.Client, tmp_path: Path
) -> None:
    def report(_: hydria.Progress) -> None:
        client.ping()

    with pytest.raises(ClientClosedError, match="callback"):
        client.log(
            "calls",
            plant(tmp_path / "source", {"a": b"a"}),
            type="dataset",
            progress=report,
        )


def test_nobody_there_is_an_error_that_names_the_address() -> None:
    with (
        hydria.Client("127.0.0.1:1") as client,
        pytest.raises(ServerUnavailableError, match=r"127\.0\.0\.1:1"),
    ):
        client.ping()


FORKING = """
import os, sys, hydria
client = hydria.Client(sys.argv[1])
def child(work):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            print(work())
        except hydria.HydriaError as error:
            print(type(error).__name__)
        finally:
            client.close()
            sys.stdout.flush()
            os._exit(0)
    print(os.waitpid(pid, 0)[1])
child(lambda: client.ping() > 0)  # before the parent used it
client.ping()
child(client.ping)
child(lambda: hydria.Client(sys.argv[1]).ping())
print(client.ping() > 0)  # the parent is none the worse
client.close()
child(lambda: hydria.Client(sys.argv[1]).ping())  # gRPC's threads outlive its channels
"""


def test_a_forked_child_gets_an_error_or_a_fresh_channel_and_never_hangs(
    process: ServerProcess,
) -> None:
    lines = run(FORKING, process.address).split()

    error = "ForkedProcessError"
    assert lines == ["True", "0", error, "0", error, "0", "True", error, "0"]


def test_a_program_that_forgets_to_close_ends_all_the_same(process: ServerProcess) -> None:
    program = "import sys, hydria; c = hydria.Client(sys.argv[1]); print(c.ping() > 0)"

    assert run(program, process.address) == "True\n"


INTERRUPTED = """
import sys, hydria
def report(progress):
    print(progress.phase, flush=True)
with hydria.Client(sys.argv[1], project="birds", cache_dir=sys.argv[3]) as client:
    try:
        client.log("interrupted", sys.argv[2], type="dataset", progress=report)
    except KeyboardInterrupt:
        print("interrupted", client.ping() > 0)
"""


def test_an_interrupt_ends_a_log_and_the_client_goes_on(
    process: ServerProcess, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (source / "large").open("wb") as file:
        file.truncate(1 << 33)
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, process.address, str(source), str(tmp_path / "cache")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    with program:
        assert program.stdout.readline() == "upload\n"
        os.kill(program.pid, signal.SIGINT)
        rest = program.stdout.read()
        assert program.wait(30) == 0

    assert rest.endswith("interrupted True\n")
    with hydria.Client(process.address) as client, pytest.raises(HydriaError):
        client.version("birds/interrupted")


def test_exports_are_all_there_and_documented() -> None:
    for name in hydria.__all__:
        assert getattr(hydria, name).__doc__
    assert set(hydria.__all__) <= set(dir(hydria))
    with pytest.raises(AttributeError):
        hydria.nothing  # noqa: B018


_FORGETS_A_DRAFT = """
import sys, hydria
client = hydria.Client(sys.argv[1])
client.draft("local/birds/forgotten", type="dataset").add_bytes("a", b"a")
if sys.argv[2] == "close":
    client.close()
"""


@pytest.mark.parametrize("ending", ["close", "exit"])
def test_a_draft_that_is_left_open_ends_quietly_with_its_client(
    process: ServerProcess, ending: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FORGETS_A_DRAFT, process.address, ending],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
