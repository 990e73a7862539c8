"""The two messages that the server codes by hand: the same bytes as the generated code."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from hydria.upload.wire import encode_varint
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import registry_pb2 as registry
from hydria.v1 import types_pb2 as types
from hydria_server.rpc.hot_messages import DownloadFrame, decode_chunks, encode_frame, encode_once

BATCHES = st.builds(
    types.ChunkBatch,
    seq=st.integers(0, 2**64 - 1),
    sizes=st.lists(st.integers(0, 2**32 - 1), max_size=4),
    digests=st.binary(max_size=64),
    payload=st.binary(max_size=2000),
    compression=st.sampled_from([0, 1, 2]),
)
HEADERS = st.builds(pb.UploadChunksHeader, upload_id=st.text(max_size=10))
REQUESTS = st.one_of(
    st.builds(pb.UploadChunksRequest, batch=BATCHES),
    st.builds(pb.UploadChunksRequest, header=HEADERS),
)
UNKNOWN_FIELDS = st.lists(
    st.sampled_from([b"\xf8\x07\x01", b"\xf9\x07" + b"x" * 8, b"\xfa\x07\x01z", b"\xfd\x07abcd"]),
    max_size=20,
).map(b"".join)


def as_generated(raw: bytes) -> pb.UploadChunksRequest:
    """Return what decode_chunks reads, as one message."""
    received = decode_chunks(raw)
    message = received.message
    assert not received.payload or message.WhichOneof("part") == "batch"
    if received.payload:
        message.batch.payload = bytes(received.payload)
    message.DiscardUnknownFields()
    return message


def batch_message(batch: bytes) -> bytes:
    """Return an UploadChunksRequest of the fields of a batch, whatever they are."""
    return b"\x12" + encode_varint(len(batch)) + batch


@given(REQUESTS)
def test_a_request_is_read_as_the_generated_code_reads_it(request: pb.UploadChunksRequest) -> None:
    assert as_generated(request.SerializeToString()) == request


@given(BATCHES, UNKNOWN_FIELDS, UNKNOWN_FIELDS)
def test_unknown_fields_of_a_batch_are_passed_over(
    batch: types.ChunkBatch, before: bytes, after: bytes
) -> None:
    raw = batch_message(before + batch.SerializeToString() + after)

    assert as_generated(raw) == pb.UploadChunksRequest(batch=batch)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40), st.binary(max_size=50))
def test_sizes_that_are_not_packed_are_read(sizes: list[int], payload: bytes) -> None:
    one_by_one = [types.ChunkBatch(sizes=[size]).SerializeToString() for size in sizes]
    unpacked = b"".join(b"\x10" + packed[2:] for packed in one_by_one)  # the tag of a varint
    raw = batch_message(unpacked + types.ChunkBatch(payload=payload).SerializeToString())

    assert as_generated(raw) == pb.UploadChunksRequest(
        batch=types.ChunkBatch(sizes=sizes, payload=payload)
    )


def test_of_two_payloads_the_last_one_counts_as_in_any_message() -> None:
    one = types.ChunkBatch(payload=b"one").SerializeToString()
    two = types.ChunkBatch(payload=b"two").SerializeToString()

    assert bytes(decode_chunks(batch_message(one + two)).payload) == b"two"


def test_two_batches_in_one_message_are_merged_as_in_any_message() -> None:
    one = batch_message(types.ChunkBatch(payload=b"one", seq=1).SerializeToString())
    two = batch_message(types.ChunkBatch(payload=b"two", seq=2).SerializeToString())

    assert as_generated(one + two) == pb.UploadChunksRequest.FromString(one + two)


def test_a_large_payload_is_not_copied() -> None:
    raw = pb.UploadChunksRequest(batch=types.ChunkBatch(payload=b"x" * 100_000)).SerializeToString()

    payload = decode_chunks(raw).payload

    assert isinstance(payload, memoryview)
    assert payload.obj is raw


@given(st.binary(max_size=60) | st.binary(max_size=60).map(batch_message))
def test_garbage_is_refused_or_read_as_the_generated_code_reads_it(raw: bytes) -> None:
    try:
        expected = pb.UploadChunksRequest.FromString(raw)
    except DecodeError:
        with pytest.raises(DecodeError):
            decode_chunks(raw)
    else:
        expected.DiscardUnknownFields()
        assert as_generated(raw) == expected


FRAMES = st.builds(
    pb.DownloadResponse,
    files=st.lists(
        st.builds(pb.DownloadedFile, index=st.integers(0, 2**32 - 1), path=st.text(max_size=9)),
        max_size=3,
    ),
    sizes=st.lists(st.integers(0, 2**32 - 1), max_size=4),
    digests=st.binary(max_size=64),
    payload_xxh3=st.integers(0, 2**64 - 1),
    version_ref=st.text(max_size=10),
)


@given(FRAMES, st.lists(st.binary(max_size=300), max_size=4))
def test_a_frame_is_read_by_the_generated_code(
    message: pb.DownloadResponse, pieces: list[bytes]
) -> None:
    raw = encode_frame(DownloadFrame(message, pieces))

    message.payload = b"".join(pieces)
    assert pb.DownloadResponse.FromString(raw) == message


def test_what_was_written_already_is_sent_as_it_is() -> None:
    message = registry.WatchResponse(resume_token=b"token")
    written = message.SerializeToString()
    assert encode_once(written) is written
    assert encode_once(message) == written
