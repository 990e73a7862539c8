"""Signatures of what webhooks send, as standardwebhooks.com describes them: `v1`, HMAC-SHA256."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from hydria_server.domain.errors import FieldViolationError

_PREFIX: Final = "whsec_"
_NEW_BYTES: Final = 32
_MIN_BYTES, _MAX_BYTES = 24, 64


def new_secret() -> str:
    """Return a secret that nobody knows yet: `whsec_` and 32 random bytes in Base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def require_secret(text: str, *, field: str) -> str:
    """Return `text` when it is a secret: `whsec_` and 24 to 64 bytes in Base64.

    Raises:
        FieldViolationError: it is something else. The message does not repeat it.
    """
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or not _MIN_BYTES <= len(key) <= _MAX_BYTES:
        raise FieldViolationError(field, "it is not whsec_ and 24 to 64 bytes in Base64")
    return text


def sign(secret: str, message_id: str, time_seconds: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: `v1,` and Base64 over `ID.SECONDS.BODY`."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = b"%b.%d.%b" % (message_id.encode(), time_seconds, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
