"""The two messages that are encoded by hand: the same bytes as the generated code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria.download.wire import decode_frame
from hydria.errors import ReceivedDataError
from hydria.upload.pieces import Piece
from hydria.upload.wire import encode_batch, encode_header, encode_varint
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types

CHUNKS = st.lists(
    st.tuples(st.binary(min_size=32, max_size=32), st.binary(max_size=300)), max_size=5
)
SEQS = st.integers(0, 2**64 - 1)


@given(SEQS, CHUNKS)
def test_a_batch_is_read_by_the_generated_code(seq: int, chunks: list[tuple[bytes, bytes]]) -> None:
    pieces = [Piece(digest, len(data), memoryview(data)) for digest, data in chunks]

    message = pb.UploadChunksRequest.FromString(encode_batch(seq, pieces))

    assert message == pb.UploadChunksRequest(
        batch=types.ChunkBatch(
            seq=seq,
            sizes=[len(data) for _, data in chunks],
            digests=b"".join(digest for digest, _ in chunks),
            payload=b"".join(data for _, data in chunks),
        )
    )


def test_a_header_is_read_by_the_generated_code() -> None:
    message = pb.UploadChunksRequest.FromString(encode_header("u-1"))

    assert message.header.upload_id == "u-1"


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_read_by_the_generated_code(number: int) -> None:
    batch = types.ChunkBatch.FromString(b"\x08" + encode_varint(number))

    assert batch.seq == number


FRAMES = st.builds(
    pb.DownloadResponse,
    files=st.lists(
        st.builds(pb.DownloadedFile, index=st.integers(0, 2**32 - 1), path=st.text(max_size=9)),
        max_size=40,
    ),
    file_indexes=st.lists(st.integers(0, 2**32 - 1), max_size=4),
    offsets=st.lists(st.integers(0, 2**64 - 1), max_size=4),
    sizes=st.lists(st.integers(0, 2**32 - 1), max_size=4),
    digests=st.binary(max_size=64),
    payload=st.binary(max_size=2000),
    payload_xxh3=st.integers(0, 2**64 - 1),
    finished_file_indexes=st.lists(st.integers(0, 2**32 - 1), max_size=4),
    version_ref=st.text(max_size=10),
)
UNKNOWN_FIELDS = st.lists(
    st.sampled_from([b"\xf8\x07\x01", b"\xf9\x07" + b"x" * 8, b"\xfa\x07\x01z", b"\xfd\x07abcd"]),
    max_size=3,
).map(b"".join)


@given(FRAMES, UNKNOWN_FIELDS, UNKNOWN_FIELDS)
def test_a_frame_is_read_as_the_generated_code_reads_it(
    frame: pb.DownloadResponse, before: bytes, after: bytes
) -> None:
    read, payload = decode_frame(before + frame.SerializeToString() + after)

    assert bytes(payload) == frame.payload
    assert not read.payload
    read.payload = bytes(payload)
    read.DiscardUnknownFields()
    assert read == frame


def test_of_two_payloads_the_last_one_counts_as_in_any_message() -> None:
    one = pb.DownloadResponse(payload=b"one").SerializeToString()
    two = pb.DownloadResponse(payload=b"two").SerializeToString()

    assert bytes(decode_frame(one + two)[1]) == b"two"


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_read_as_the_generated_code_reads_it(raw: bytes) -> None:
    try:
        expected = pb.DownloadResponse.FromString(raw)
    except Exception:  # noqa: BLE001  # whatever it is, it is no message
        with pytest.raises(ReceivedDataError):
            decode_frame(raw)
    else:
        assert bytes(decode_frame(raw)[1]) == expected.payload
