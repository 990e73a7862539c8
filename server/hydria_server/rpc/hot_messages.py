"""The two messages that carry most bytes, coded by hand: their payloads are not copied around.

Same bytes on the wire as the generated code writes and reads, which copies a payload when it
parses, when it is asked for, when it is set and when it is written: 2 to 3 times what the rest of
a call costs. Interceptors give these codecs to grpc in place of the generated ones. And one that is
written once for many: what tells watchers of an event.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message

from hydria.v1 import artifact_pb2, types_pb2
from hydria_server.rpc.edge import like

Req = TypeVar("Req")
Res = TypeVar("Res")
Buffer = bytes | memoryview

UPLOAD_CHUNKS = "/hydria.v1.ArtifactService/UploadChunks"
DOWNLOAD = "/hydria.v1.ArtifactService/Download"
WATCH = "/hydria.v1.RegistryService/Watch"

_VARINT, _LENGTH_DELIMITED = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}
_BATCH_TAG = artifact_pb2.UploadChunksRequest.BATCH_FIELD_NUMBER << 3 | _LENGTH_DELIMITED
_BATCH_PAYLOAD = types_pb2.ChunkBatch.PAYLOAD_FIELD_NUMBER
_FRAME_PAYLOAD_TAG = bytes(
    [artifact_pb2.DownloadResponse.PAYLOAD_FIELD_NUMBER << 3 | _LENGTH_DELIMITED]
)
# A batch has five fields. One that has many more is not worth a walk through them in Python.
_FIELDS_MAX = 16


@dataclass(frozen=True, slots=True)
class ReceivedChunks:
    """An UploadChunksRequest without the payload of its batch, and that payload."""

    message: artifact_pb2.UploadChunksRequest
    payload: Buffer

    def ByteSize(self) -> int:
        """Return about how many bytes it had on the wire."""
        return self.message.ByteSize() + len(self.payload)


@dataclass(frozen=True, slots=True)
class DownloadFrame:
    """A DownloadResponse without its payload, and the pieces that the payload consists of."""

    message: artifact_pb2.DownloadResponse
    payload: Sequence[Buffer] = ()


class HotMessagesInterceptor(grpc.aio.ServerInterceptor):
    """The innermost interceptor: it has hot messages read and written by hand."""

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Req, Res] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Req, Res] | None:
        """Adapt the handler of a method that has hot messages."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method not in (UPLOAD_CHUNKS, DOWNLOAD, WATCH):
            return handler
        adapted = like(handler, lambda serve: serve)
        if method == UPLOAD_CHUNKS:
            adapted.request_deserializer = cast("Callable[[bytes], Req]", decode_chunks)
        else:
            encode = encode_frame if method == DOWNLOAD else encode_once
            adapted.response_serializer = cast("Callable[[Res], bytes]", encode)
        return adapted


def encode_once(message: Message | bytes) -> bytes:
    """Return the message; one that was written already, for all who are sent it, as it is."""
    return message if isinstance(message, bytes) else message.SerializeToString()


def encode_frame(frame: DownloadFrame) -> bytes:
    """Return the message; each piece of the payload is copied once, into it."""
    fields = frame.message.SerializeToString()
    size = sum(map(len, frame.payload))
    if not size:
        return fields
    return b"".join([fields, _FRAME_PAYLOAD_TAG, _encode_varint(size), *frame.payload])


def decode_chunks(raw: bytes) -> ReceivedChunks:
    """Return the message; the payload is a view of `raw`.

    Raises:
        DecodeError: these bytes are no such message.
    """
    try:
        place = _find_payload(raw)
    except IndexError as error:
        raise DecodeError("the message ends within a field") from error
    if place is None:
        message = artifact_pb2.UploadChunksRequest.FromString(raw)
        return ReceivedChunks(message, message.batch.payload)
    columns, field, start, end = place
    message = artifact_pb2.UploadChunksRequest()
    message.batch.SetInParent()
    message.batch.MergeFromString(raw[columns:field] + raw[end:])
    return ReceivedChunks(message, memoryview(raw)[start:end])


def _find_payload(raw: bytes) -> tuple[int, int, int, int] | None:
    """Return where a batch begins, its payload's field, the payload, and where that ends.

    None stands for anything else than one batch with one payload among few fields: those messages
    are left to the generated code.
    """
    if not raw or raw[0] != _BATCH_TAG:
        return None
    size, columns = _decode_varint(raw, 1)
    if columns + size != len(raw):
        return None
    at, found = columns, None
    for _ in range(_FIELDS_MAX):
        if at >= len(raw):
            return found if at == len(raw) else None
        field = at
        tag, at = _decode_varint(raw, at)
        length, begin = _extent(raw, tag & 7, at)
        if length < 0:
            return None
        if tag >> 3 == _BATCH_PAYLOAD:
            if found is not None or tag & 7 != _LENGTH_DELIMITED:
                return None
            found = (columns, field, begin, begin + length)
        at = begin + length
    return None


def _extent(raw: bytes, kind: int, at: int) -> tuple[int, int]:
    """Return how long the value of a field is, and where it begins; -1 for an unknown kind."""
    if kind == _LENGTH_DELIMITED:
        return _decode_varint(raw, at)
    if kind == _VARINT:
        return 0, _decode_varint(raw, at)[1]
    return _FIXED_BYTES.get(kind, -1), at


def _decode_varint(raw: bytes, at: int) -> tuple[int, int]:
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


def _encode_varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
