"""The bytes of a pack: what is on a disk stays, so they are fixed here to the letter."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from hydria_server.domain.chunks import Chunk, Location, StoredChunk
from hydria_server.storage.packs.record import (
    RECORD_HEADER_BYTES,
    RecordDamagedError,
    RecordTooNewError,
    decode_header,
    decode_pack_header,
    encode_header,
    encode_pack_header,
    encode_records,
    payload_of,
    record_bytes,
)

DOMAIN = bytes(range(16))
DIGEST = bytes(range(100, 132))

domains = st.binary(min_size=16, max_size=16)
digests = st.binary(min_size=32, max_size=32)
payloads = st.binary(max_size=300)


def record_of(domain: bytes, digest: bytes, payload: bytes) -> bytes:
    return b"".join(encode_records(domain, [Chunk(digest, payload)]).pieces)


def wanted(digest: bytes, payload: bytes) -> StoredChunk:
    return StoredChunk(digest, len(payload), Location("", 0, len(payload)))


@given(domains, digests, payloads)
def test_a_record_gives_back_what_was_put_in(domain: bytes, digest: bytes, payload: bytes) -> None:
    record = record_of(domain, digest, payload)

    assert len(record) == record_bytes(len(payload))
    assert len(record) % 8 == 0
    assert payload_of(memoryview(record), domain, wanted(digest, payload)) == payload


@given(domains, digests, payloads, st.data())
def test_any_flipped_byte_of_header_or_payload_is_detected(
    domain: bytes, digest: bytes, payload: bytes, data: st.DataObject
) -> None:
    record = bytearray(record_of(domain, digest, payload))
    at = data.draw(st.integers(0, RECORD_HEADER_BYTES + len(payload) - 1), label="at")
    record[at] ^= data.draw(st.integers(1, 255), label="mask")

    with pytest.raises(RecordDamagedError):
        payload_of(memoryview(record), domain, wanted(digest, payload))


@given(domains, digests, st.binary(min_size=1, max_size=300), st.data())
def test_any_truncation_is_detected(
    domain: bytes, digest: bytes, payload: bytes, data: st.DataObject
) -> None:
    record = record_of(domain, digest, payload)
    end = data.draw(st.integers(0, RECORD_HEADER_BYTES + len(payload) - 1), label="end")

    with pytest.raises(RecordDamagedError):
        payload_of(memoryview(record)[:end], domain, wanted(digest, payload))


@given(domains, st.lists(st.tuples(digests, payloads), max_size=5), st.integers(0, 1 << 40))
def test_records_lie_where_they_say(
    domain: bytes, contents: list[tuple[bytes, bytes]], offset: int
) -> None:
    encoded = encode_records(domain, [Chunk(*content) for content in contents])
    written = memoryview(b"".join(encoded.pieces))

    assert len(written) == encoded.size_bytes
    for (digest, payload), location in zip(contents, encoded.locations("P", offset), strict=True):
        chunk = StoredChunk(digest, len(payload), location)
        assert payload_of(written[location.offset - offset :], domain, chunk) == payload


def test_payloads_are_not_copied() -> None:
    payload = bytes(100_000)

    assert any(
        piece is payload for piece in encode_records(DOMAIN, [Chunk(DIGEST, payload)]).pieces
    )


def test_the_bytes_of_a_record_are_these() -> None:
    assert record_of(DOMAIN, DIGEST, b"hydria") == bytes.fromhex(
        "48595243 01 00 0000"
        "000102030405060708090a0b0c0d0e0f"
        "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283"
        "06000000 06000000 0e961ca08b1c5bfd 9f11e22cc94a78f0"
        "687964726961 0000"
    )


def test_the_bytes_of_a_record_without_payload_are_these() -> None:
    # The XXH3 of no bytes is 2d06800538d394c2: its specification's own test vector.
    assert record_of(DOMAIN, DIGEST, b"") == bytes.fromhex(
        "48595243 01 00 0000"
        "000102030405060708090a0b0c0d0e0f"
        "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283"
        "00000000 00000000 c294d3380580062d 4485c34ae79c86bf"
    )


def test_the_bytes_of_a_pack_header_are_these() -> None:
    header = encode_pack_header(bytes(range(16)))

    assert header == bytes.fromhex(
        "485944525041434b 01000000 00000000 000102030405060708090a0b0c0d0e0f"
    )
    assert decode_pack_header(header) == bytes(range(16))


@pytest.mark.parametrize("at", range(12))
def test_what_does_not_begin_like_a_pack_is_not_one(at: int) -> None:
    header = bytearray(encode_pack_header(bytes(16)))
    header[at] ^= 1

    with pytest.raises(RecordDamagedError):
        decode_pack_header(bytes(header))


@pytest.mark.parametrize(("at", "value"), [(4, 2), (5, 1), (6, 1), (7, 0x80)])
def test_an_intact_record_of_a_newer_server_is_not_called_damaged(at: int, value: int) -> None:
    guarded = bytearray(encode_header(DOMAIN, DIGEST, b"hydria")[:72])
    guarded[at] = value
    newer = bytes(guarded) + struct.pack("<Q", xxh3_64_intdigest(guarded))

    with pytest.raises(RecordTooNewError):
        decode_header(newer)


def test_a_header_with_a_checksum_of_its_own_but_another_magic_is_not_a_record() -> None:
    guarded = b"HYRD" + encode_header(DOMAIN, DIGEST, b"hydria")[4:72]

    with pytest.raises(RecordDamagedError):
        decode_header(guarded + struct.pack("<Q", xxh3_64_intdigest(guarded)))


@pytest.mark.parametrize(("domain", "digest"), [(bytes(15), bytes(32)), (bytes(16), bytes(33))])
def test_ids_of_another_length_are_refused_not_padded(domain: bytes, digest: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        encode_header(domain, digest, b"")
