"""Refused chunks as clients see them."""

from __future__ import annotations

from hydria.v1 import types_pb2
from hydria_server.rpc.errors import to_wire
from hydria_server.services.chunk_uploads import RefusedChunk


def chunk_error(seq: int, refused: RefusedChunk) -> types_pb2.ChunkError:
    """Return a refused chunk as an in-band error."""
    return types_pb2.ChunkError(
        seq=seq, index=refused.index, error=to_wire(refused.error).to_message()
    )
