"""The programs of docs/protocol.md, run as they are printed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from tests.docs.pages import Page
from tests.servers import server_process

PAGE = Page("protocol.md")
PROGRAMS = ("chunker.py", "upload.py", "upload_chunks.py", "download.py")
LARGE = blake3(b"hydria chunker example").digest(length=3_000_000)
FILES = {
    "empty": b"",
    "hello.txt": b"hello, hydria\n",
    "a/b/c.txt": b"deep",
    "a/name with spaces": b"x" * 100_000,
    "large.bin": LARGE,
    "larger.bin": LARGE[:1_000_000] + b"inserted" + LARGE[1_000_000:],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the programs of the page to a directory."""
    directory = tmp_path_factory.mktemp("programs")
    for name in PROGRAMS:
        (directory / name).write_text(PAGE.block(f"example: {name}"), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server_process(tmp_path_factory.mktemp("clients") / "data") as server:
        yield server.address


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@pytest.mark.parametrize("upload", ["upload.py", "upload_chunks.py"])
def test_what_a_program_of_the_page_uploads_its_download_brings_back(
    programs: Path, address: str, source: Path, tmp_path: Path, upload: str
) -> None:
    name = f"demo/birds/{upload.removesuffix('.py')}"
    assert _run(programs / upload, address, name, "dataset", source) == f"{name}:v0 new\n"
    assert _run(programs / "download.py", address, f"{name}:latest", tmp_path) == ""
    found = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == FILES
    assert _run(programs / upload, address, name, "dataset", source) == f"{name}:v0 known\n"


def test_a_damaged_payload_stops_the_download_of_the_page(programs: Path, tmp_path: Path) -> None:
    """The program hashes what it wrote: with another digest in its place it must not finish."""
    text = (programs / "download.py").read_text(encoding="utf-8")
    hashed = "hasher.update(frame.payload[at : at + size])"
    assert hashed in text
    (tmp_path / "download.py").write_text(text.replace(hashed, "hasher.update(b'')"))
    with server_process(tmp_path / "data") as server:
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "file").write_bytes(b"content")
        arguments = (server.address, "demo/birds/calls", "dataset", tmp_path / "source")
        _run(programs / "upload.py", *arguments)
        with pytest.raises(subprocess.CalledProcessError) as failure:
            _run(tmp_path / "download.py", server.address, "demo/birds/calls", tmp_path / "target")
    assert "'file' is not what was stored" in failure.value.stderr
    assert not (tmp_path / "target" / "file").exists()


def test_the_programs_are_about_thirty_lines_long() -> None:
    sizes = {name: len(PAGE.block(f"example: {name}").splitlines()) for name in PROGRAMS}
    assert sizes["upload.py"] <= 40
    assert sizes["download.py"] <= 40


def _run(program: Path, *arguments: str | Path) -> str:
    """Run a program of the page; return what it printed."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, program, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=environ,
    )
    return done.stdout
