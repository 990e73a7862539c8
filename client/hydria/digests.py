"""The identity of content: 32 bytes of BLAKE3-256, written `blake3:<64 hex digits>`."""

from __future__ import annotations

DIGEST_BYTES = 32
DIGEST_PREFIX = "blake3:"

# BLAKE3 of no bytes at all.
EMPTY_CONTENT_DIGEST = bytes.fromhex(
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
)


def format_digest(digest: bytes) -> str:
    """Return the printed form of a raw digest, or nothing for none."""
    return DIGEST_PREFIX + digest.hex() if digest else ""
