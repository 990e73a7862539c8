"""The encoding of the one hot message: a batch of chunks, written with a single copy.

Same bytes on the wire as the generated code writes, which would copy every payload three times.
"""

from __future__ import annotations

from collections.abc import Sequence

from hydria.upload.pieces import Piece
from hydria.v1 import artifact_pb2 as pb
from hydria.v1 import types_pb2 as types

_LENGTH_DELIMITED = 2
_BATCH_TAG = bytes([pb.UploadChunksRequest.BATCH_FIELD_NUMBER << 3 | _LENGTH_DELIMITED])
_PAYLOAD_TAG = bytes([types.ChunkBatch.PAYLOAD_FIELD_NUMBER << 3 | _LENGTH_DELIMITED])


def encode_header(upload_id: str) -> bytes:
    """Return the first message of a stream of chunks."""
    header = pb.UploadChunksHeader(upload_id=upload_id)
    return pb.UploadChunksRequest(header=header).SerializeToString()


def encode_batch(seq: int, pieces: Sequence[Piece]) -> bytes:
    """Return the message that sends these pieces; all of them have their bytes."""
    columns = types.ChunkBatch(
        seq=seq,
        sizes=[piece.size_bytes for piece in pieces],
        digests=b"".join([piece.digest for piece in pieces]),
    ).SerializeToString()
    payload = [piece.data for piece in pieces if piece.data is not None]
    payload_length = encode_varint(sum(piece.size_bytes for piece in pieces))
    payload_bytes = sum(piece.size_bytes for piece in pieces)
    batch_bytes = len(columns) + len(_PAYLOAD_TAG) + len(payload_length) + payload_bytes
    prefix = (_BATCH_TAG, encode_varint(batch_bytes), columns, _PAYLOAD_TAG, payload_length)
    return b"".join([*prefix, *payload])


def encode_varint(number: int) -> bytes:
    """Return a non-negative number in base 128, lowest digits first."""
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
