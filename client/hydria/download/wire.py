"""The decoding of the one hot message: a frame of bytes, whose payload is not copied."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from hydria.errors import ReceivedDataError
from hydria.v1 import artifact_pb2 as pb

_PAYLOAD = pb.DownloadResponse.PAYLOAD_FIELD_NUMBER
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
# A frame of a big file has ten fields at most. One of many small files has a field for each, and
# then the generated code, which copies, is faster than this.
_FIELDS_MAX = 32


def decode_frame(raw: bytes) -> tuple[pb.DownloadResponse, memoryview]:
    """Return a frame without its payload, and the payload.

    Raises:
        ReceivedDataError: the bytes are no such message.
    """
    try:
        place = _find_payload(raw)
        if place is None:
            frame = pb.DownloadResponse.FromString(raw)
            payload = memoryview(frame.payload)
            frame.ClearField("payload")
            return frame, payload
        field, start, end = place
        frame = pb.DownloadResponse.FromString(raw[:field] + raw[end:])
        return frame, memoryview(raw)[start:end]
    except (DecodeError, IndexError) as error:
        raise ReceivedDataError("the server sent a frame that cannot be decoded") from error


def _find_payload(raw: bytes) -> tuple[int, int, int] | None:
    """Return where the only payload's field begins, its bytes begin, and they end.

    None stands for anything else than one payload among few fields.
    """
    at, found = 0, None
    for _ in range(_FIELDS_MAX):
        if at >= len(raw):
            return found if at == len(raw) else None
        field = at
        tag, at = _varint(raw, at)
        kind = tag & 7
        if kind == _LENGTH_DELIMITED:
            length, at = _varint(raw, at)
            if tag >> 3 == _PAYLOAD:
                if found is not None:
                    return None
                found = (field, at, at + length)
            at += length
        elif kind == _VARINT:
            _, at = _varint(raw, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            return None
    return None


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where it ends."""
    number = shift = 0
    while True:
        digit = raw[at]
        at += 1
        number |= (digit & 0x7F) << shift
        if digit < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise IndexError("a varint of more than ten bytes")
