"""docs/storage-format.md says what is on the disk: compared with what the code writes."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3

from hydria_server.domain import manifest
from hydria_server.domain.chunks import Chunk, ChunkState
from hydria_server.domain.manifest import FileEntry, encode_entries, encode_entry
from hydria_server.services import recipes, staging
from hydria_server.services.manifest_writer import ManifestWriter
from hydria_server.storage.metadata.engine_tables import CHUNK
from hydria_server.storage.packs import record
from hydria_server.storage.packs.disk import DEFAULT_SEAL_BYTES, DiskPackStore
from hydria_server.storage.packs.pack_id import decode
from hydria_server.storage.packs.scan import scan
from tests.docs.pages import Page, bytes_of
from tests.servers import disk_server

PAGE = Page("storage-format.md")
HELLO = b"hello, hydria\n"
ENTRY = FileEntry("hello.txt", len(HELLO), blake3(HELLO).digest())


def test_the_headers_have_the_printed_fields_at_the_printed_places() -> None:
    for marker, struct, extra_bytes in (
        ("layout: pack header", record._PACK_HEADER, 0),
        ("layout: record header", record._GUARDED, record._GUARD.size),
    ):
        at = 0
        for offset, size, _ in PAGE.table(marker):
            assert int(offset) == at
            at += int(size)
        assert at == struct.size + extra_bytes
    assert record.PACK_HEADER_BYTES == 32
    assert record.RECORD_HEADER_BYTES == 80


def test_the_printed_pack_is_what_the_code_writes_and_reads(tmp_path: Path) -> None:
    printed = bytes_of(PAGE.block("layout: pack"))
    pack_id = "01KAG000000000000000000001"
    assert pack_id in PAGE.text
    encoded = record.encode_records(bytes(range(16)), [Chunk(blake3(HELLO).digest(), HELLO)])
    assert printed == record.encode_pack_header(decode(pack_id)) + b"".join(encoded.pieces)
    path = tmp_path / f"{pack_id}.pack"
    path.write_bytes(printed)
    (found,) = scan(path)
    assert found.chunk.digest == blake3(HELLO).digest()


def test_the_printed_shard_is_what_the_code_writes() -> None:
    entry = encode_entry(ENTRY)
    printed = bytes_of(PAGE.block("layout: shard"))
    assert printed == encode_entries(manifest.SHARD_MAGIC, [entry])
    sizes = [size for size, _ in PAGE.table("layout: entry")]
    fixed = sum(int(size) for size in sizes if size.isdigit())
    assert len(entry) == fixed + len(ENTRY.path)
    assert manifest._CHUNK.size == 36
    assert manifest._RECIPE.size == 32 + 4 + 4 + 8
    assert manifest._RECIPES == 65_535


def test_the_containers_have_the_printed_magics() -> None:
    magics = [magic for _, magic, _ in PAGE.table("layout: containers")]
    assert [magic.split(" ")[0].encode() + bytes([int(magic[-1])]) for magic in magics] == [
        manifest.SHARD_MAGIC,
        manifest.RUN_MAGIC,
        manifest.REMOVALS_MAGIC,
        manifest.RECIPE_MAGIC,
    ]


def test_the_numbers_are_those_of_the_code() -> None:
    assert [int(value) for _, value in PAGE.table("layout: numbers")] == [
        DEFAULT_SEAL_BYTES,
        ManifestWriter.MIN_ENTRIES,
        ManifestWriter.MAX_ENTRIES,
        ManifestWriter.MAX_BYTES,
        ManifestWriter.BOUNDARY_MASK.bit_length(),
        staging.RUN_BYTES,
        manifest.MAX_INLINE_CHUNKS,
        recipes._MIN_CHUNKS,
        recipes._MAX_CHUNKS,
        manifest.MAX_RECIPE_CHUNKS,
        recipes._BOUNDARY_MASK.bit_length(),
    ]
    states = {name: int(number) for name, number, _ in PAGE.table("layout: chunk states")}
    assert states == {state.name: state.value for state in ChunkState}


async def test_a_data_directory_has_the_printed_tables_and_packs(tmp_path: Path) -> None:
    async with disk_server(tmp_path):
        pass
    listed = {name for name, _ in PAGE.table("layout: database tables")}
    assert listed == {*CHUNK.metadata.tables, "alembic_version"}
    packs = await DiskPackStore.open(tmp_path / "packs")
    (location,) = await packs.append(bytes(16), [Chunk(blake3(HELLO).digest(), HELLO)])
    name = f"{location.pack_id}.pack"
    assert (tmp_path / "packs" / "open" / name).is_file()
    await packs.close()
    assert (tmp_path / "packs" / "sealed" / location.pack_id[-2:] / name).is_file()
