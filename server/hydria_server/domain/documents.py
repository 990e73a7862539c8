"""Documents: descriptions, and JSON kept to the letter; both checked once."""

from __future__ import annotations

import json
from typing import NoReturn

from hydria_server.domain.errors import FieldViolationError

MAX_DOCUMENT_BYTES = 1024 * 1024


def require_description(text: str, *, field: str) -> str:
    """Return `text` when it may describe something: at most 1 MiB, without NUL.

    Raises:
        FieldViolationError: it is something else.
    """
    if len(text.encode("utf-8", "replace")) > MAX_DOCUMENT_BYTES:
        raise FieldViolationError(field, f"it is larger than {MAX_DOCUMENT_BYTES} bytes")
    if "\0" in text:
        raise FieldViolationError(field, "it has a NUL character")
    return text


def require_json_object(text: str, *, field: str) -> str:
    """Return `text` when it is a JSON object of at most 1 MiB; `{}` for the empty text.

    The text is kept as it is: 3 stays 3, 2^53+1 stays itself.

    Raises:
        FieldViolationError: it is something else (NaN and Infinity are not JSON).
    """
    if not text:
        return "{}"
    if len(text.encode("utf-8", "replace")) > MAX_DOCUMENT_BYTES:
        raise FieldViolationError(field, f"it is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        # Numbers stay text here: converting a million digits would be the client's to decide.
        document = json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise FieldViolationError(field, f"it is not JSON: {str(error)[:120]}") from None
    if not isinstance(document, dict):
        raise FieldViolationError(field, "it is not a JSON object")
    return text


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
