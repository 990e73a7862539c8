"""JSON that is taken apart and put together again, its numbers kept to the letter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn


class Number(str):
    """A number as it was written."""

    __slots__ = ()


Exact = None | bool | str | Number | Sequence["Exact"] | Mapping[str, "Exact"]


def parse_exact(text: str) -> Exact:
    """Return what a JSON text has, numbers as they were written.

    Raises:
        ValueError: it is not JSON (NaN and Infinity are not).
        RecursionError: it is nested too deeply.
    """
    document: Exact = json.loads(text, parse_constant=_refuse, parse_int=Number, parse_float=Number)
    return document


def exact_text(value: Exact) -> str:
    """Return `value` as compact JSON.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        pairs = (f"{exact_text(key)}:{exact_text(item)}" for key, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(exact_text, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    # JSON can spell half a surrogate pair, which no text on the wire can hold.
    return text if is_unicode(text) else json.dumps(value)


def is_deeper(value: Exact, levels: int) -> bool:
    """Tell whether containers are within each other for more than so many levels."""
    stack = [(value, 1)]
    while stack:
        each, level = stack.pop()
        if isinstance(each, dict | list):
            if level > levels:
                return True
            items = each.values() if isinstance(each, dict) else each
            stack += [(item, level + 1) for item in items]
    return False


def is_unicode(text: str) -> bool:
    """Tell whether a text can be written as UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
