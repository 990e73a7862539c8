"""Reads a pack without an index: what recovery and the tests know it by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hydria_server.domain.chunks import Location, StoredChunk
from hydria_server.storage.packs.pack_id import encode
from hydria_server.storage.packs.record import (
    PACK_HEADER_BYTES,
    RECORD_HEADER_BYTES,
    RecordDamagedError,
    RecordHeader,
    decode_header,
    decode_pack_header,
    record_bytes,
)


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """An intact record: whose chunk it holds, and where."""

    domain: bytes
    chunk: StoredChunk


def scan(path: Path) -> Iterator[FoundRecord]:
    """Yield the intact records of the pack at `path`, in order. Blocking.

    A record whose payload is damaged is left out. The scan ends at the first header that does
    not verify: after it nobody can tell a record from bytes that a user stored. A pack that was
    cut off, even within its own header, ends it too.

    Raises:
        RecordDamagedError: the file does not begin as the pack that its name says.
        RecordTooNewError: a newer server wrote a record; what it means is unknown here.
    """
    with path.open("rb") as file:
        header = file.read(PACK_HEADER_BYTES)
        if len(header) < PACK_HEADER_BYTES:
            return
        pack_id = encode(decode_pack_header(header))
        if pack_id != path.stem:
            raise RecordDamagedError(f"{path.name} says that it is {pack_id}.pack")
        yield from _records(file, pack_id)


def _records(file: BinaryIO, pack_id: str) -> Iterator[FoundRecord]:
    offset = PACK_HEADER_BYTES
    while True:
        file.seek(offset)
        try:
            header = decode_header(file.read(RECORD_HEADER_BYTES))
        except RecordDamagedError:
            return
        if _is_intact(header, file.read(header.stored_bytes)):
            location = Location(pack_id, offset, header.stored_bytes)
            yield FoundRecord(
                header.domain, StoredChunk(header.digest, header.size_bytes, location)
            )
        offset += record_bytes(header.stored_bytes)


def _is_intact(header: RecordHeader, payload: bytes) -> bool:
    try:
        header.require_payload(payload)
    except RecordDamagedError:
        return False
    return True
