"""Files put together from ranges of others, shared where the disk can do that."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from hydria.copying import BLOCK_BYTES, share_range
from hydria.download.assembling import Assembly, parts_of
from hydria.download.disk import forget, reserve
from hydria.download.frames import Wanted
from hydria.download.plans import Plan, Run, Source
from hydria.scanned_files import FileKey, ScannedFile, key_of
from hydria.threads import Stop

SOMEWHERE = Source("somewhere", FileKey(b"", 0, 0, 0, 0))
OFFSETS = st.integers(0, 5 * BLOCK_BYTES)


@given(offset=OFFSETS, size_bytes=st.integers(1, 5 * BLOCK_BYTES), source_offset=OFFSETS)
def test_the_parts_of_a_run_are_all_of_it_in_order(
    offset: int, size_bytes: int, source_offset: int
) -> None:
    run = Run(offset, size_bytes, SOMEWHERE, source_offset)

    parts = list(parts_of([run]))

    at = offset
    for part in parts:
        assert (part.offset, part.source) == (at, SOMEWHERE)
        assert part.source_offset - source_offset == part.offset - offset
        at += part.size_bytes
    assert at == offset + size_bytes
    if (offset - source_offset) % BLOCK_BYTES == 0:
        whole = [part for part in parts if not (part.offset | part.size_bytes) % BLOCK_BYTES]
        left = size_bytes - sum(part.size_bytes for part in whole)
        assert left <= 2 * (BLOCK_BYTES - 1), "what cannot be shared is less than a block, twice"


def put_together(
    tmp_path: Path, old: bytes, new: bytes, at: int, *, into: str = "elsewhere"
) -> bool:
    """Make `new` of `old` and what differs at `at`, to go to `into`; tell whether that came out."""
    with (tmp_path / "old").open("wb") as file:
        file.write(old)
        os.fsync(file.fileno())
    source = Source(f"{tmp_path}/old", key_of(f"{tmp_path}/old", (tmp_path / "old").stat()))
    size, digest = len(new), blake3(new).digest()
    changed = new[at : at + 1000]
    runs = [
        Run(0, at, source, 0),
        Run(at, 1000, None, at),
        Run(at + 1000, size - at - 1000, source, at + 1000),
    ]
    plan = Plan(Wanted("f", size, digest), ScannedFile(digest), runs, {b"c": 1000}, {b"c": [at]})
    assembly = Assembly(plan, f"{tmp_path}/new", place=f"{tmp_path}/{into}", syncs=False)
    assembly.put(b"c", memoryview(changed))
    try:
        return assembly.finish(Stop())
    finally:
        assembly.close()


def test_a_change_in_place_comes_out_and_a_wrong_source_is_noticed(tmp_path: Path) -> None:
    old = os.urandom(5 * 1024 * 1024 + 77)
    new = old[:2_000_000] + b"x" * 1000 + old[2_001_000:]

    assert put_together(tmp_path, old, new, 2_000_000)
    assert (tmp_path / "new").read_bytes() == new

    (tmp_path / "new").unlink()
    assert not put_together(tmp_path, old[:-1] + bytes([old[-1] ^ 1]), new, 2_000_000)


def pages_in_memory(file: Path) -> int:
    """Return how many pages of a file the system keeps in memory."""
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        flags = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
        start = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        length, pointer = ctypes.c_size_t(len(mapped)), ctypes.c_void_p(start)
        assert ctypes.CDLL(None).mincore(pointer, length, flags) == 0
    return sum(flag & 1 for flag in flags)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are not told")
def test_only_what_is_about_to_be_replaced_is_let_go_from_memory(tmp_path: Path) -> None:
    old = os.urandom(4 << 20)
    new = old[:5000] + os.urandom(1000) + old[6000:]
    (tmp_path / "old").write_bytes(old)
    with (tmp_path / "old").open("r+b") as file:
        os.fsync(file.fileno())
        forget(file.fileno(), len(old))
    if pages_in_memory(tmp_path / "old"):
        pytest.skip("this file system lives in memory")

    for into, is_let_go in (("elsewhere", False), ("old", True)):
        (tmp_path / "new").unlink(missing_ok=True)
        assert put_together(tmp_path, old, new, 5000, into=into)
        assert (pages_in_memory(tmp_path / "old") < 512) == is_let_go
        assert (tmp_path / "new").read_bytes() == new


def test_what_is_shared_takes_no_room(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1" * BLOCK_BYTES)
    with (tmp_path / "one").open("rb") as one, (tmp_path / "two").open("w+b") as two:
        assert not share_range(one.fileno(), 0, two.fileno(), 0, BLOCK_BYTES - 1)
        if not share_range(one.fileno(), 0, two.fileno(), BLOCK_BYTES, BLOCK_BYTES):
            pytest.skip("this disk cannot share")
    assert (tmp_path / "two").read_bytes() == bytes(BLOCK_BYTES) + b"1" * BLOCK_BYTES


def test_a_large_file_has_a_place_on_the_disk_before_it_is_renamed(tmp_path: Path) -> None:
    old = os.urandom(3 << 20)
    new = old[:5000] + os.urandom(1000) + old[6000:]
    assert put_together(tmp_path, old, new, 5000)

    with (tmp_path / "room").open("wb") as file:
        reserve(file.fileno(), 3 << 20)
        reserved = os.fstat(file.fileno())

    assert reserved.st_size == 0
    assert (tmp_path / "new").read_bytes() == new
    if reserved.st_blocks * 512 < 3 << 20:
        pytest.skip("this disk cannot reserve room")


def test_room_that_is_not_there_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with (tmp_path / "room").open("wb") as file:
        reserve(file.fileno(), 1 << 20)
        if not os.fstat(file.fileno()).st_blocks:
            pytest.skip("this disk cannot reserve room")
        with pytest.raises(OSError, match=r"No space left|too large|quota"):
            reserve(file.fileno(), 1 << 61)
