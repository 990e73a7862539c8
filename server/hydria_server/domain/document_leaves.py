"""The leaves of a JSON document, each with the way to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

Leaves = dict[str, str]


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def leaves_of(document_json: str, *, limit: int) -> Leaves | None:
    """Return JSON texts by JSON Pointer (RFC 6901), numbers to the letter; None for too many.

    A container without entries is a leaf, too. The empty object has none.
    """
    document: object = json.loads(document_json, parse_int=_Number, parse_float=_Number)
    found = dict(islice(_leaves(document), limit + 1))
    return found if len(found) <= limit else None


def _leaves(document: object) -> Iterator[tuple[str, str]]:
    """Yield path and text of each leaf; a stack, for documents may be as deep as JSON allows."""
    stack = [("", document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict) and value:
            stack += [(f"{path}/{_escaped(key)}", item) for key, item in value.items()]
        elif isinstance(value, list) and value:
            stack += [(f"{path}/{place}", item) for place, item in enumerate(value)]
        elif path:
            yield path, _text(value)


def _escaped(key: str) -> str:
    pointer = key.replace("~", "~0").replace("/", "~1")
    # JSON can spell half a surrogate pair, which no text on the wire can hold.
    return pointer.encode("utf-8", "backslashreplace").decode()


def _text(value: object) -> str:
    if isinstance(value, _Number):
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if _is_unicode(text) else json.dumps(value)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
