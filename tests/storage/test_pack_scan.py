"""Rebuilding what an index knows from a pack alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydria_server.domain.chunks import Chunk
from hydria_server.storage.packs.disk import DiskPackStore
from hydria_server.storage.packs.record import RECORD_HEADER_BYTES, RecordDamagedError
from hydria_server.storage.packs.scan import FoundRecord, scan
from tests.conformance.pack_store import DOMAIN, OTHER_DOMAIN, chunks_of, stored


def pack_below(root: Path) -> Path:
    (path,) = root.rglob("*.pack")
    return path


@pytest.fixture
async def pack(tmp_path: Path) -> tuple[Path, list[FoundRecord]]:
    """Return a pack with records of two domains, and what they are."""
    store = await DiskPackStore.open(tmp_path / "packs")
    written = []
    for domain, chunks in (
        (DOMAIN, chunks_of(10, 0, 3000)),
        (OTHER_DOMAIN, chunks_of(77, 8, seed=1)),
    ):
        found = stored(chunks, await store.append(domain, chunks))
        written += [FoundRecord(domain, chunk) for chunk in found]
    await store.close()
    return pack_below(tmp_path), written


def test_a_scan_finds_every_record(pack: tuple[Path, list[FoundRecord]]) -> None:
    path, written = pack

    assert list(scan(path)) == written


def test_a_scan_of_a_torn_pack_ends_before_the_tear(
    pack: tuple[Path, list[FoundRecord]],
) -> None:
    path, written = pack
    whole = path.read_bytes()
    ends = [
        record.chunk.location.offset + RECORD_HEADER_BYTES + record.chunk.size_bytes
        for record in written
    ]
    for length in (*range(0, len(whole), 13), *ends, *(end - 1 for end in ends)):
        path.write_bytes(whole[:length])

        assert list(scan(path)) == [
            record for record, end in zip(written, ends, strict=True) if end <= length
        ]


@pytest.mark.parametrize("tail", [b"", bytes(5000), b"HYRC", b"\xff" * 500])
def test_a_scan_ends_at_bytes_that_are_no_record(
    pack: tuple[Path, list[FoundRecord]], tail: bytes
) -> None:
    path, written = pack
    with path.open("ab") as file:
        file.write(tail)

    assert list(scan(path)) == written


def test_a_record_with_a_damaged_payload_is_left_out(
    pack: tuple[Path, list[FoundRecord]],
) -> None:
    path, written = pack
    damaged = bytearray(path.read_bytes())
    damaged[written[2].chunk.location.offset + RECORD_HEADER_BYTES + 1000] ^= 1
    path.write_bytes(damaged)

    assert list(scan(path)) == written[:2] + written[3:]


def test_a_scan_ends_at_a_damaged_header(pack: tuple[Path, list[FoundRecord]]) -> None:
    path, written = pack
    damaged = bytearray(path.read_bytes())
    damaged[written[2].chunk.location.offset + 20] ^= 1
    path.write_bytes(damaged)

    assert list(scan(path)) == written[:2]


async def test_records_inside_a_payload_are_never_taken_for_records(
    pack: tuple[Path, list[FoundRecord]], tmp_path: Path
) -> None:
    path, _ = pack
    store = await DiskPackStore.open(tmp_path / "others")
    chunks = [Chunk(bytes(32), path.read_bytes())]  # a user may store a pack like any other file
    found = stored(chunks, await store.append(OTHER_DOMAIN, chunks))
    await store.close()
    outer = pack_below(tmp_path / "others")
    assert list(scan(outer)) == [FoundRecord(OTHER_DOMAIN, found[0])]

    damaged = bytearray(outer.read_bytes())
    damaged[found[0].location.offset] ^= 1
    outer.write_bytes(damaged)

    assert list(scan(outer)) == []


def test_a_pack_under_another_name_is_refused(pack: tuple[Path, list[FoundRecord]]) -> None:
    path, _ = pack
    other = path.rename(path.with_name("0" * 26 + ".pack"))

    with pytest.raises(RecordDamagedError):
        list(scan(other))


def test_a_file_that_is_not_a_pack_is_refused(tmp_path: Path) -> None:
    stranger = tmp_path / ("0" * 26 + ".pack")
    stranger.write_bytes(b"#!/usr/bin/env python3\n" * 10)

    with pytest.raises(RecordDamagedError):
        list(scan(stranger))
