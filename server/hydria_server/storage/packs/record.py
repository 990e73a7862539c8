"""The bytes of a pack: a header that names it, then records that can each be checked alone.

    pack    "HYDRPACK"  version u32  reserved u32  pack id 16 bytes                     32 bytes
    record  "HYRC"  version u8  compression u8  flags u16  domain 16 bytes  digest 32 bytes
            raw length u32  stored length u32  XXH3 of the payload u64
            XXH3 of the 72 bytes before u64                                             80 bytes
            payload, then zeros up to a multiple of 8 bytes

Integers are little-endian. A record says whose it is and what it is, so that an index can be
rebuilt from packs alone, and a location that went wrong can never pass for another chunk.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from xxhash import xxh3_64_intdigest

from hydria_server.domain.chunks import Chunk, Location, StoredChunk
from hydria_server.domain.digest import DIGEST_BYTES

Buffer: TypeAlias = bytes | bytearray | memoryview

DOMAIN_BYTES: Final = 16
PACK_HEADER_BYTES: Final = 32
RECORD_HEADER_BYTES: Final = 80

_PACK_HEADER = struct.Struct("<8sII16s")
_PACK_MAGIC = b"HYDRPACK"
_GUARDED = struct.Struct("<4sBBH16s32sIIQ")  # what the header's own XXH3 covers
_GUARD = struct.Struct("<Q")
_RECORD_MAGIC = b"HYRC"
_VERSION = 1
_IDENTITY = 0  # compression: the payload is stored as it is
_ALIGNMENT = 8
_PADDING = [bytes(length) for length in range(_ALIGNMENT)]


class RecordDamagedError(Exception):
    """The bytes are not a record, or not the record that was asked for."""


class RecordTooNewError(Exception):
    """The record is intact, and written by a server that knows more than this one."""


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """What a record says of itself, once its own XXH3 has vouched for it."""

    domain: bytes
    digest: bytes
    size_bytes: int  # of the chunk
    stored_bytes: int  # of the payload, as stored
    payload_xxh3: int

    def require_payload(self, payload: Buffer) -> None:
        """Return if `payload` is the one that was written.

        Raises:
            RecordDamagedError: it is not.
        """
        if xxh3_64_intdigest(payload) != self.payload_xxh3:
            raise RecordDamagedError("the payload does not match its header")


@dataclass(frozen=True, slots=True)
class EncodedRecords:
    """Records ready to be written one after the other; the payloads in `pieces` are not copies."""

    pieces: list[Buffer]
    payload_sizes: list[int]
    size_bytes: int

    def locations(self, pack_id: str, offset: int) -> list[Location]:
        """Return where each record lies when the first one begins at `offset` bytes."""
        found = []
        for size in self.payload_sizes:
            found.append(Location(pack_id, offset, size))
            offset += record_bytes(size)
        return found


def record_bytes(stored_bytes: int) -> int:
    """Return how many bytes a record with such a payload takes, header and padding included."""
    return RECORD_HEADER_BYTES + stored_bytes + -stored_bytes % _ALIGNMENT


def encode_records(domain: bytes, chunks: Sequence[Chunk]) -> EncodedRecords:
    """Return the records of `chunks`, in order.

    Raises:
        ValueError: the domain is not 16 bytes long, or a digest not 32.
    """
    pieces: list[Buffer] = []
    sizes: list[int] = []
    padding = b""
    for chunk in chunks:
        size = len(chunk.data)
        # One piece between two payloads, not two: a system call takes 1,024 of them.
        pieces.append(padding + encode_header(domain, chunk.digest, chunk.data))
        pieces.append(chunk.data)
        sizes.append(size)
        padding = _PADDING[-size % _ALIGNMENT]
    pieces.append(padding)
    return EncodedRecords(pieces, sizes, sum(map(record_bytes, sizes)))


def encode_header(domain: bytes, digest: bytes, payload: Buffer) -> bytes:
    """Return the 80 bytes that stand before `payload`.

    Raises:
        ValueError: the domain is not 16 bytes long, or the digest not 32.
    """
    if len(domain) != DOMAIN_BYTES or len(digest) != DIGEST_BYTES:
        raise ValueError("a record needs a domain of 16 bytes and a digest of 32")
    size = len(payload)
    checksum = xxh3_64_intdigest(payload)
    guarded = _GUARDED.pack(
        _RECORD_MAGIC, _VERSION, _IDENTITY, 0, domain, digest, size, size, checksum
    )
    return guarded + _GUARD.pack(xxh3_64_intdigest(guarded))


def decode_header(record: Buffer) -> RecordHeader:
    """Return the header that `record` begins with.

    Raises:
        RecordDamagedError: there is none, or it is damaged.
        RecordTooNewError: it has a version, a compression or a flag unknown to this server.
    """
    if len(record) < RECORD_HEADER_BYTES:
        raise RecordDamagedError("there are fewer bytes than a header has")
    (guard,) = _GUARD.unpack_from(record, _GUARDED.size)
    if xxh3_64_intdigest(record[: _GUARDED.size]) != guard:
        raise RecordDamagedError("the header does not match its checksum")
    magic, version, compression, flags, *fields = _GUARDED.unpack_from(record)
    if magic != _RECORD_MAGIC:
        raise RecordDamagedError("these bytes are not a record")
    if (version, compression, flags) != (_VERSION, _IDENTITY, 0):
        raise RecordTooNewError(f"record version {version}, {compression=}, {flags=:#x}")
    return RecordHeader(*fields)


def payload_of(record: memoryview, domain: bytes, chunk: StoredChunk) -> memoryview:
    """Return the payload of `record`, which must be that of `chunk` in `domain`, whole.

    Raises:
        RecordDamagedError: it is damaged, cut off, or another chunk's.
        RecordTooNewError: as `decode_header`.
    """
    header = decode_header(record)
    found = (header.domain, header.digest, header.size_bytes, header.stored_bytes)
    if found != (domain, chunk.digest, chunk.size_bytes, chunk.location.stored_bytes):
        raise RecordDamagedError("the record is another chunk's")
    payload = record[RECORD_HEADER_BYTES : RECORD_HEADER_BYTES + header.stored_bytes]
    header.require_payload(payload)
    return payload


def encode_pack_header(raw_pack_id: bytes) -> bytes:
    """Return the 32 bytes that a pack with this 16-byte id begins with."""
    return _PACK_HEADER.pack(_PACK_MAGIC, _VERSION, 0, raw_pack_id)


def decode_pack_header(header: bytes) -> bytes:
    """Return the 16-byte id of the pack that begins with `header`.

    Raises:
        RecordDamagedError: these bytes do not begin a pack of this version.
    """
    if len(header) != PACK_HEADER_BYTES:
        raise RecordDamagedError("there are fewer bytes than a pack's header has")
    magic, version, _, raw_pack_id = _PACK_HEADER.unpack(header)
    if (magic, version) != (_PACK_MAGIC, _VERSION):
        raise RecordDamagedError("these bytes do not begin a pack of version 1")
    assert isinstance(raw_pack_id, bytes)
    return raw_pack_id
