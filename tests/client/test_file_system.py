"""Versions through fsspec, and what reads through fsspec: the real libraries on a real server."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator

import fsspec
import numpy as np
import pytest

import hydria
from hydria.errors import HydriaError, ServerUnavailableError
from hydria.reading.file_system import HydriaFileSystem
from tests.client.tables import parquet, table
from tests.client.trees import MIB, content, plant
from tests.servers import server_process

BIG = content(5 * MIB, 4)
FILES = {
    "rows.csv": b"a,b\n1,2\n3,4\n",
    "data/year=2024/x.txt": b"x",
    "data/year=2025/deep/y z.txt": b"yz",
    "odd/[1]*?.txt": b"odd",
    "é.txt": b"accent",
    "big": BIG,
    "empty": b"",
} | {f"many/{at:04}": b"%d" % at for at in range(1100)}
TABLES = ("data/part-0.parquet", "data/part-1.parquet")
ROOT = "team/birds/two words:gold"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hydria.Client]:
    root = tmp_path_factory.mktemp("fsspec")
    with (
        server_process(root / "data") as process,
        hydria.Client(process.address, entity="team", cache_dir=root / "cache") as opened,
    ):
        source = plant(root / "source", FILES | dict.fromkeys(TABLES, parquet()))
        opened.log("birds/two words", source, type="dataset", aliases=["gold"])
        yield opened


@pytest.fixture
def options(client: hydria.Client) -> dict[str, str]:
    return {"address": str(client.address)}


@pytest.fixture
def files(options: dict[str, str]) -> HydriaFileSystem:
    found = fsspec.filesystem("hydria", **options)
    assert isinstance(found, HydriaFileSystem)
    return found


def names(root: str, *paths: str) -> list[str]:
    return [f"{root}/{path}" for path in paths]


def test_directories_are_those_that_files_are_in(files: HydriaFileSystem) -> None:
    assert files.ls(ROOT, detail=False) == names(
        ROOT, "big", "data", "empty", "many", "odd", "rows.csv", "é.txt"
    )
    assert files.ls(f"hydria://{ROOT}/data/", detail=False) == names(
        ROOT, "data/part-0.parquet", "data/part-1.parquet", "data/year=2024", "data/year=2025"
    )
    assert len(files.ls(f"{ROOT}/many")) == 1100
    assert files.ls(f"{ROOT}/rows.csv", detail=False) == names(ROOT, "rows.csv")
    assert [files.isdir(f"{ROOT}/{path}") for path in ("", "data", "dat", "rows.csv")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [files.isfile(f"{ROOT}/{path}") for path in ("", "data", "rows.csv")] == [
        False, False, True,
    ]  # fmt: skip


def test_above_the_versions_are_projects_and_collections(files: HydriaFileSystem) -> None:
    assert files.ls("team", detail=False) == ["team/birds"]
    assert files.ls("hydria://team/birds", detail=False) == ["team/birds/two words"]
    assert files.exists("team/birds")
    assert not files.exists("team/cats")
    assert files.cat("team/birds/two words/rows.csv") == FILES["rows.csv"]  # :latest
    with pytest.raises(FileNotFoundError, match="name one"):
        files.ls("")


def test_what_is_not_there_is_not_found(files: HydriaFileSystem) -> None:
    for path in (f"{ROOT}/nothing", f"{ROOT}/dat", "team/birds/two words:v9/rows.csv",
                 "team/birds/nobody/x", f"{ROOT}/a//b"):  # fmt: skip
        assert not files.exists(path)
        for ask in (files.info, files.ls, files.open, files.cat_file):
            with pytest.raises(FileNotFoundError):
                ask(path)
    with pytest.raises(IsADirectoryError):
        files.open(f"{ROOT}/data")
    assert files.find(f"{ROOT}/nothing") == []


def test_info_tells_size_digest_and_version(files: HydriaFileSystem) -> None:
    info = files.info(f"{ROOT}/rows.csv")
    assert (info["name"], info["size"], info["type"]) == (f"{ROOT}/rows.csv", 12, "file")
    assert info["version_ref"] == "team/birds/two words:v0"
    assert files.ukey(f"{ROOT}/rows.csv") == info["digest"]
    assert files.checksum(f"{ROOT}/rows.csv") != files.checksum(f"{ROOT}/big")
    assert files.created(f"{ROOT}/rows.csv") == files.modified(ROOT)
    assert files.size(f"{ROOT}/big") == len(BIG)
    assert files.du(f"{ROOT}/data/year=2024") == 1


def test_find_and_glob_see_the_whole_version(files: HydriaFileSystem) -> None:
    assert files.find(ROOT) == sorted(names(ROOT, *FILES, *TABLES))
    assert files.find(f"{ROOT}/data", maxdepth=1) == names(
        ROOT, "data/part-0.parquet", "data/part-1.parquet"
    )
    assert files.find(f"{ROOT}/data/year=2025", withdirs=True) == names(
        ROOT, "data/year=2025", "data/year=2025/deep", "data/year=2025/deep/y z.txt"
    )
    assert files.glob(f"hydria://{ROOT}/data/*.parquet") == names(
        ROOT, "data/part-0.parquet", "data/part-1.parquet"
    )
    assert files.glob(f"{ROOT}/**/*.txt") == sorted(
        names(ROOT, "data/year=2024/x.txt", "data/year=2025/deep/y z.txt", "odd/[1]*?.txt", "é.txt")
    )
    assert files.glob(f"{ROOT}/data/year*") == names(ROOT, "data/year=2024", "data/year=2025")
    walked = {path: (dirs, found) for path, dirs, found in files.walk(f"{ROOT}/data")}
    assert walked[f"{ROOT}/data"][0] == ["year=2024", "year=2025"]


def test_bytes_whole_and_in_ranges(files: HydriaFileSystem) -> None:
    assert files.cat_file(f"{ROOT}/big") == BIG
    for start, end in ((0, 10), (5, None), (-7, None), (None, 9), (-20, -10), (3, 3), (9, 2)):
        assert files.cat_file(f"{ROOT}/big", start, end) == BIG[start:end]
    assert files.cat(names(ROOT, "rows.csv", "é.txt")) == {
        f"{ROOT}/rows.csv": FILES["rows.csv"],
        f"{ROOT}/é.txt": b"accent",
    }
    assert files.cat_file(f"{ROOT}/e\u0301.txt") == b"accent"  # the same name, decomposed
    assert files.cat_file(f"{ROOT}/odd/[1]*?.txt") == b"odd"
    assert files.cat_file(f"{ROOT}/empty") == b""
    with files.open(f"hydria://{ROOT}/rows.csv", "rt", encoding="utf-8") as text:
        assert text.readlines() == ["a,b\n", "1,2\n", "3,4\n"]
    assert files.head(f"{ROOT}/big", 3) + files.tail(f"{ROOT}/big", 3) == BIG[:3] + BIG[-3:]


def test_many_ranges_come_in_their_order_and_say_what_failed(files: HydriaFileSystem) -> None:
    bounds = [(at * 37_000, at * 37_000 + 100_000) for at in range(140)] + [(-5, None), (7, 3)]
    paths = names(ROOT, *["big"] * len(bounds))
    starts, ends = [low for low, _ in bounds], [high for _, high in bounds]
    assert files.cat_ranges(paths, starts, ends) == [BIG[low:high] for low, high in bounds]
    mixed = files.cat_ranges(names(ROOT, "nothing", "rows.csv", "data"), 0, 3)
    assert isinstance(mixed[0], FileNotFoundError)
    assert mixed[1] == b"a,b"
    assert isinstance(mixed[2], IsADirectoryError)
    with pytest.raises(FileNotFoundError):
        files.cat_ranges(names(ROOT, "nothing"), 0, 3, on_error="raise")


def test_nothing_is_ever_written(files: HydriaFileSystem) -> None:
    path = f"{ROOT}/new"
    changes: list[Callable[[], object]] = [
        lambda: files.open(path, "wb"),
        lambda: files.open(path, "a"),
        lambda: files.pipe_file(path, b"x"),
        lambda: files.put_file(__file__, path),
        lambda: files.touch(path),
        lambda: files.mkdir(path),
        lambda: files.makedirs(path, exist_ok=True),
        lambda: files.rm(f"{ROOT}/big"),
        lambda: files.rm_file(f"{ROOT}/big"),
        lambda: files.mv(f"{ROOT}/big", path),
        lambda: files.cp_file(f"{ROOT}/big", path),
    ]
    for change in changes:
        with pytest.raises(OSError, match="versions never change"):
            change()


def test_an_alias_that_moved_is_followed_and_open_files_stay(
    client: hydria.Client, files: HydriaFileSystem
) -> None:
    first = client.draft("birds/moving", type="dataset")
    first.add_bytes("a", b"first")
    first.commit()
    path = "team/birds/moving/a"
    opened = files.open(path)
    assert files.cat_file(path) == b"first"
    with client.draft("birds/moving") as draft:
        draft.add_bytes("a", b"second")
        draft.commit()
    assert files.cat_file(path) == b"second"
    assert opened.read() == b"first"
    assert files.cat_file("team/birds/moving:v0/a") == b"first"
    files.invalidate_cache()
    assert files.info(path)["version_ref"] == "team/birds/moving:v1"


def test_a_server_that_is_away_is_no_missing_file() -> None:
    away = fsspec.filesystem("hydria", address="127.0.0.1:1")
    for ask in (away.exists, away.find):
        with pytest.raises(ServerUnavailableError):
            ask(ROOT)
    assert issubclass(ServerUnavailableError, HydriaError)


# --- what reads through it --------------------------------------------------------------------


def test_pandas_reads_a_ref(options: dict[str, str]) -> None:
    import pandas as pd

    rows = pd.read_csv(f"hydria://{ROOT}/rows.csv", storage_options=options)
    assert rows.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    read = pd.read_parquet(
        f"hydria://{ROOT}/data/part-0.parquet", columns=["b"], storage_options=options
    )
    assert (read["b"].to_numpy() == table()["b"].to_numpy()).all()


def test_pyarrow_reads_tables_and_datasets(files: HydriaFileSystem) -> None:
    import pyarrow.compute
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    assert pq.read_table(f"{ROOT}/data/part-1.parquet", filesystem=files).equals(table())
    found = ds.dataset(
        names(ROOT, *TABLES),
        filesystem=files,
        format="parquet",
    )
    assert found.count_rows() == 2 * table().num_rows
    whole = ds.dataset(
        f"{ROOT}/data", filesystem=files, format="parquet", exclude_invalid_files=True
    )
    rows = whole.to_table(columns=["b"], filter=pyarrow.compute.field("b") < 10)
    assert sorted(rows["b"].to_pylist()) == sorted([*range(10), *range(10)])


def test_fsspec_opens_urls_in_text_and_by_globs(options: dict[str, str]) -> None:
    with fsspec.open(f"hydria://{ROOT}/é.txt", "r", **options) as text:
        assert text.read() == "accent"
    opened = fsspec.open_files(f"hydria://{ROOT}/many/000*", **options)
    assert [file.open().read() for file in opened] == [b"%d" % at for at in range(10)]


def test_files_are_copied_to_the_disk(
    files: HydriaFileSystem, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import pyarrow.parquet as pq

    target = tmp_path_factory.mktemp("copied")
    files.get(f"{ROOT}/data", str(target), recursive=True)
    assert (target / "data/year=2025/deep/y z.txt").read_bytes() == b"yz"
    assert np.array_equal(pq.read_table(target / "data/part-0.parquet")["a"], table()["a"])


# --- other processes --------------------------------------------------------------------------


def read_in_worker(pickled: bytes, path: str) -> bytes:
    found = pickle.loads(pickled)
    assert isinstance(found, HydriaFileSystem)
    data: bytes = found.cat_file(path)
    return data


def test_it_survives_pickling_and_other_processes(files: HydriaFileSystem) -> None:
    assert files.exists(ROOT)  # connected, and pickled nevertheless
    pickled = pickle.dumps(files)
    assert pickle.loads(pickled) is files
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        found = pool.starmap(read_in_worker, [(pickled, f"{ROOT}/rows.csv")] * 4)
    assert found == [FILES["rows.csv"]] * 4
