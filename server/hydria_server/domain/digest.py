"""The identity of content: 32 bytes of BLAKE3-256, written `blake3:<64 hex digits>`."""

from __future__ import annotations

import re

from hydria_server.domain.errors import FieldViolationError

DIGEST_BYTES = 32
PREFIX = "blake3:"
_TEXT = re.compile(r"blake3:[0-9a-f]{64}")

# BLAKE3 of no bytes at all: the content digest of every empty file.
EMPTY_CONTENT_DIGEST = bytes.fromhex(
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
)


def format_digest(digest: bytes) -> str:
    """Return the printed form of a raw digest, `blake3:<hex>`."""
    return PREFIX + digest.hex()


def parse_digest(text: str, *, field: str) -> bytes:
    """Return the 32 raw bytes that `text` prints.

    Raises:
        FieldViolationError: `text` is not `blake3:` and 64 lower-case hex digits.
    """
    if not _TEXT.fullmatch(text):
        raise FieldViolationError(field, f"{text[:80]!r} is not blake3:<64 lower-case hex digits>")
    return bytes.fromhex(text[len(PREFIX) :])


def require_digest(raw: bytes, *, field: str) -> bytes:
    """Return `raw` when it is as long as a digest.

    Raises:
        FieldViolationError: it is not 32 bytes long.
    """
    if len(raw) != DIGEST_BYTES:
        raise FieldViolationError(field, f"a digest has {DIGEST_BYTES} bytes, not {len(raw)}")
    return raw


def split_digests(raw: bytes, *, field: str) -> list[bytes]:
    """Return the digests of a packed column of n x 32 bytes.

    Raises:
        FieldViolationError: the length is not a multiple of 32.
    """
    if len(raw) % DIGEST_BYTES:
        raise FieldViolationError(field, f"{len(raw)} bytes are not a whole number of digests")
    return [raw[at : at + DIGEST_BYTES] for at in range(0, len(raw), DIGEST_BYTES)]
