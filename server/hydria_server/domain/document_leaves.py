"""The leaves of a JSON document, each with the way to it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from hydria_server.domain.exact_json import Exact, exact_text, parse_exact

Leaves = dict[str, str]


def leaves_of(document_json: str, *, limit: int) -> Leaves | None:
    """Return JSON texts by JSON Pointer (RFC 6901), numbers to the letter; None for too many.

    A container without entries is a leaf, too. The empty object has none.
    """
    found = dict(islice(_leaves(parse_exact(document_json)), limit + 1))
    return found if len(found) <= limit else None


def _leaves(document: Exact) -> Iterator[tuple[str, str]]:
    """Yield path and text of each leaf; a stack, for documents may be as deep as JSON allows."""
    stack = [("", document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict) and value:
            stack += [(f"{path}/{_escaped(key)}", item) for key, item in value.items()]
        elif isinstance(value, list) and value:
            stack += [(f"{path}/{place}", item) for place, item in enumerate(value)]
        elif path:
            yield path, exact_text(value)


def _escaped(key: str) -> str:
    pointer = key.replace("~", "~0").replace("/", "~1")
    # JSON can spell half a surrogate pair, which no text on the wire can hold.
    return pointer.encode("utf-8", "backslashreplace").decode()
