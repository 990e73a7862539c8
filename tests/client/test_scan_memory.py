"""What the scan cache remembers, what it distrusts, and that it is never in the way."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from hydria.records import ChunkerParameters
from hydria.scan_cache import FILE_NAME, ScanCache
from hydria.scanned_files import DISTRUST_NS, FileKey, ScannedFile, is_settled, key_of

CHUNKER = ChunkerParameters()
DIGEST = bytes(range(32))
KEY = FileKey(b"/data/a.bin", 10, 1_000_000_000, 1_000_000_001, 42)
BIG = ScannedFile(DIGEST, DIGEST * 3, (7, 2_097_152, 1))


def remember(directory: Path, *found: tuple[FileKey, ScannedFile]) -> None:
    with ScanCache(directory, CHUNKER) as cache:
        cache.remember(found)


def find(directory: Path, *keys: FileKey) -> list[ScannedFile | None]:
    with ScanCache(directory, CHUNKER) as cache:
        return cache.find(keys)


def test_what_was_remembered_is_found(tmp_path: Path) -> None:
    other = KEY._replace(path=b"/data/\xff")
    remember(tmp_path, (KEY, ScannedFile(DIGEST)), (other, BIG))

    assert find(tmp_path, other, KEY) == [BIG, ScannedFile(DIGEST)]


@pytest.mark.parametrize(
    "changed",
    [
        KEY._replace(path=b"/x"),
        KEY._replace(size_bytes=11),
        KEY._replace(mtime_ns=1),
        KEY._replace(ctime_ns=1),
        KEY._replace(inode=43),
    ],
)
def test_a_file_that_differs_in_anything_is_unknown(tmp_path: Path, changed: FileKey) -> None:
    remember(tmp_path, (KEY, ScannedFile(DIGEST)))

    assert find(tmp_path, changed) == [None]


def test_the_contents_of_files_are_found_when_all_of_them_are_known(tmp_path: Path) -> None:
    other = KEY._replace(path=b"/data/b.bin")
    remember(tmp_path, (KEY, BIG), (other, ScannedFile(DIGEST[::-1])))

    with ScanCache(tmp_path, CHUNKER) as cache:
        assert cache.contents([other, KEY]) == [DIGEST[::-1], DIGEST]
        assert cache.contents([KEY, other._replace(inode=43)]) is None
        assert cache.contents([KEY, KEY._replace(path=b"/data/c.bin")]) is None


def test_a_hint_is_no_content_that_is_known(tmp_path: Path) -> None:
    with ScanCache(tmp_path, CHUNKER) as cache:
        cache.remember([(KEY, BIG)], is_certain=False)

        assert cache.contents([KEY]) is None


def test_other_chunker_parameters_know_nothing(tmp_path: Path) -> None:
    remember(tmp_path, (KEY, BIG))

    with ScanCache(tmp_path, ChunkerParameters(average_bytes=1_048_576)) as cache:
        assert cache.find([KEY]) == [None]


def test_more_files_than_one_lookup_takes_are_all_found(tmp_path: Path) -> None:
    keys = [KEY._replace(path=b"/data/%d" % number) for number in range(1201)]
    remember(tmp_path, *((key, ScannedFile(DIGEST)) for key in keys))

    assert find(tmp_path, *keys) == [ScannedFile(DIGEST)] * 1201


def test_a_file_that_changed_within_two_seconds_is_distrusted() -> None:
    newest = max(KEY.mtime_ns, KEY.ctime_ns)

    assert not is_settled(KEY, newest + DISTRUST_NS - 1)
    assert is_settled(KEY, newest + DISTRUST_NS)
    assert not is_settled(KEY, newest - 1)  # a time in the future


def test_the_key_follows_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    before = key_of(str(file), file.stat())
    os.utime(file, ns=(1, 1))

    assert key_of(str(file), file.stat()) != before


def test_a_flipped_bit_in_a_row_makes_the_file_unknown(tmp_path: Path) -> None:
    remember(tmp_path, (KEY, ScannedFile(DIGEST)))
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE files SET content = ?", (bytes(32),))
    database.close()

    assert find(tmp_path, KEY) == [None]
    with ScanCache(tmp_path, CHUNKER) as cache:
        assert cache.contents([KEY]) is None


def test_a_damaged_number_that_no_row_can_hold_makes_the_file_unknown(tmp_path: Path) -> None:
    remember(tmp_path, (KEY, ScannedFile(DIGEST)))
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE files SET inode = 9223372036854775808.0")
    database.close()

    damaged = KEY._replace(inode=1 << 63)
    assert find(tmp_path, damaged) == [None]
    with ScanCache(tmp_path, CHUNKER) as cache:
        assert cache.contents([damaged]) is None


def test_a_damaged_cache_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database, but it is long enough" * 100)

    remember(tmp_path, (KEY, ScannedFile(DIGEST)))

    assert find(tmp_path, KEY) == [ScannedFile(DIGEST)]
    assert (tmp_path / f"{FILE_NAME}.damaged").exists()


def test_a_cache_damaged_inside_is_never_an_error(tmp_path: Path) -> None:
    keys = [KEY._replace(path=b"/data/%d" % number) for number in range(5000)]
    remember(tmp_path, *((key, BIG) for key in keys))
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    content[8192:-4096] = os.urandom(len(content) - 8192 - 4096)
    file.write_bytes(content)

    found = find(tmp_path, *keys)

    assert set(found) <= {None, BIG}
    remember(tmp_path, (KEY, BIG))


def test_a_cache_that_cannot_be_written_is_never_an_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    remember(blocked / "cache", (KEY, BIG))
    assert find(blocked / "cache", KEY) == [None]


def test_a_cache_that_another_process_has_locked_is_never_an_error(tmp_path: Path) -> None:
    remember(tmp_path, (KEY, BIG))
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        remember(tmp_path, (KEY._replace(inode=43), BIG))
        assert find(tmp_path, KEY) == [None]
    finally:
        other.close()

    assert find(tmp_path, KEY) == [BIG]


def test_numbers_that_no_row_can_hold_are_left_out(tmp_path: Path) -> None:
    huge = KEY._replace(inode=1 << 64)
    remember(tmp_path, (huge, BIG), (KEY, BIG))

    assert find(tmp_path, huge, KEY) == [None, BIG]


def _remember_many(arguments: tuple[Path, int]) -> None:
    directory, worker = arguments
    for number in range(20):
        key = KEY._replace(path=b"/%d/%d" % (worker, number))
        remember(directory, (key, ScannedFile(DIGEST)))


def test_several_processes_share_one_cache(tmp_path: Path) -> None:
    remember(tmp_path)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_remember_many, [(tmp_path, 0), (tmp_path, 1)]))
    keys = [KEY._replace(path=b"/%d/%d" % (w, n)) for w in range(2) for n in range(20)]

    assert sum(found is not None for found in find(tmp_path, *keys)) >= 30
