"""Page tokens: opaque, and good only with the request they were made for."""

from __future__ import annotations

import base64
import binascii
import json

import xxhash

from hydria_server.domain.errors import FieldViolationError, PageTokenInvalidError
from hydria_server.domain.filters import Cursor

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000


def page_limit(page_size: int) -> int:
    """Return how many rows a page has.

    Raises:
        FieldViolationError: `page_size` is negative.
    """
    if page_size < 0:
        raise FieldViolationError("page_size", "it is negative")
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def encode_token(cursor: Cursor | None, *, bound_to: str) -> str:
    """Return the token for a cursor; the empty one at the end."""
    if cursor is None:
        return ""
    document = json.dumps([_mark(bound_to), *cursor], ensure_ascii=False)
    return base64.urlsafe_b64encode(document.encode()).decode()


def decode_token(token: str, *, bound_to: str) -> Cursor | None:
    """Return the cursor of a token; None for the empty one.

    Raises:
        PageTokenInvalidError: it is garbled, or was made for another request.
    """
    if not token:
        return None
    try:
        document = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise PageTokenInvalidError("the page token is garbled") from None
    if not isinstance(document, list) or len(document) < 2 or document[0] != _mark(bound_to):
        raise PageTokenInvalidError("the page token belongs to another request")
    cursor = tuple(document[1:])
    if not all(type(key) is int or _is_text(key) for key in cursor):
        raise PageTokenInvalidError("the page token is garbled")
    return cursor


def _is_text(key: object) -> bool:
    """Tell whether it is a text that can be written: JSON can spell half a surrogate pair."""
    return isinstance(key, str) and not any("\ud800" <= character <= "\udfff" for character in key)


def _mark(bound_to: str) -> str:
    return xxhash.xxh3_64_hexdigest(bound_to.encode("utf-8", "replace"))
