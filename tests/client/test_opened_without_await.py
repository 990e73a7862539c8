"""What takes a binary file takes a file of a version: real libraries on a real server."""

from __future__ import annotations

import csv
import io
import os
import pickle
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import hydria
from hydria.errors import ClientClosedError
from tests.client.tables import ROWS, parquet, table
from tests.client.trees import MIB, content
from tests.servers import server_process

BIG = content(9 * MIB + 3, 1)


@cache
def archive() -> bytes:
    """Return a zip file with three members, of which one is large."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        written.writestr("a.txt", "first")
        written.writestr("big.bin", BIG)
        written.writestr("z.txt", "last")
    return target.getvalue()


@cache
def array() -> bytes:
    target = io.BytesIO()
    np.save(target, np.arange(ROWS * 30).reshape(ROWS, 30))
    return target.getvalue()


TEXT = "".join(f"{at},número {at}\r\n" for at in range(20_000))
FILES: dict[str, Callable[[], bytes]] = {
    "archive.zip": archive,
    "array.npy": array,
    "table.parquet": parquet,
    "rows.csv": TEXT.encode,
    "big": lambda: BIG,
    "empty": bytes,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hydria.Client]:
    root = tmp_path_factory.mktemp("opened")
    with (
        server_process(root / "data") as process,
        hydria.Client(process.address, project="birds", cache_dir=root / "cache") as opened,
    ):
        with opened.draft("calls", type="dataset") as draft:
            for path, made in FILES.items():
                draft.add_bytes(path, made())
            draft.commit()
        yield opened


def test_it_is_a_file(client: hydria.Client) -> None:
    with client.open("calls", "big") as file:
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        assert (file.name, file.mode) == ("local/birds/calls:v0/big", "rb")
        assert (file.version_ref, file.path, file.size_bytes) == (
            "local/birds/calls:v0",
            "big",
            len(BIG),
        )
        assert file.digest.startswith("blake3:")
        assert file.seek(-3, os.SEEK_END) == len(BIG) - 3
        assert file.read() == BIG[-3:]
        assert file.read() == b""
        assert file.seek(1000) == 1000
        assert file.seek(24, os.SEEK_CUR) == file.tell() == 1024
        buffer = bytearray(5 * MIB)
        assert file.readinto(buffer) == 5 * MIB
        assert buffer == BIG[1024 : 1024 + 5 * MIB]
        assert file.read1(10) == BIG[1024 + 5 * MIB :][:10]
        assert file.seek(len(BIG) + 5) == len(BIG) + 5
        assert file.read(1) == b""
        for wrong in ((-1, os.SEEK_SET), (0, 7)):
            with pytest.raises(ValueError):
                file.seek(*wrong)
        assert file.read_at(5, 5) == BIG[5:10]
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"x")
        with pytest.raises(OSError):
            file.fileno()
        with pytest.raises(TypeError):
            pickle.dumps(file)
    with pytest.raises(ValueError):
        file.read(1)


@pytest.mark.parametrize("path", sorted(FILES))
def test_reading_all_gives_all(client: hydria.Client, path: str) -> None:
    with client.open("calls", path) as file:
        assert file.read() == FILES[path]()


def test_numpy_loads_an_array(client: hydria.Client) -> None:
    with client.open("calls", "array.npy") as file:
        loaded = np.load(file, mmap_mode=None)
    assert (loaded == np.arange(ROWS * 30).reshape(ROWS, 30)).all()


def test_zipfile_reads_members(client: hydria.Client) -> None:
    with client.open("calls", "archive.zip") as file, zipfile.ZipFile(file) as opened:
        assert opened.namelist() == ["a.txt", "big.bin", "z.txt"]
        assert opened.read("z.txt") == b"last"
        assert opened.read("big.bin") == BIG
        assert opened.testzip() is None


def test_pyarrow_reads_a_table_and_single_columns(client: hydria.Client) -> None:
    import pyarrow.parquet as pq

    with client.open("calls", "table.parquet") as file:
        assert pq.read_table(file).equals(table())
    with client.open("calls", "table.parquet") as file:
        assert pq.read_table(file, columns=["c"]).equals(table().select(["c"]))


def test_text_and_csv_are_read_line_by_line(client: hydria.Client) -> None:
    with (
        client.open("calls", "rows.csv") as file,
        io.TextIOWrapper(file, "utf-8", newline="") as text,
    ):
        rows = list(csv.reader(text))
    assert rows == [[str(at), f"número {at}"] for at in range(20_000)]
    with client.open("calls", "rows.csv") as file:
        assert file.readline() == TEXT.splitlines(keepends=True)[0].encode()
        assert next(file) == TEXT.splitlines(keepends=True)[1].encode()


def test_several_threads_read_one_file(client: hydria.Client) -> None:
    with client.open("calls", "big", read_ahead_bytes=MIB) as file:
        places = range(0, len(BIG), 300_000)
        with ThreadPoolExecutor(8) as threads:
            parts = list(threads.map(lambda at: file.read_at(at, 300_000), places))
    assert b"".join(parts) == BIG


def test_a_file_outlived_by_its_client_says_so(client: hydria.Client, tmp_path: Path) -> None:
    with hydria.Client(str(client.address), project="birds", cache_dir=tmp_path) as other:
        file = other.open("calls", "big")
    with pytest.raises(ClientClosedError):
        file.read(1)
    file.close()
    assert threading.active_count() < 50
