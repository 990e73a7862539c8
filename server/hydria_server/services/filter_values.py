"""The values of filters: from tokens to what fields hold, with errors that point."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum, IntEnum, auto

from lark import Token

from hydria_server.domain.errors import FilterInvalidError
from hydria_server.domain.leaves import (
    FALSE_KEY,
    MAX_KEY_BYTES,
    MAX_PATH_BYTES,
    NULL_KEY,
    TRUE_KEY,
    is_cut,
    join_path,
    key_of_number,
    key_of_text,
)
from hydria_server.domain.number_keys import is_number

_SEGMENT = re.compile(r"""\.("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^.]+)""", re.DOTALL)
_CONSTANTS = {"null": NULL_KEY, "true": TRUE_KEY, "false": FALSE_KEY}


class Kind(Enum):
    """What a field holds, and so how it compares."""

    TEXT = auto()
    STATE = auto()  # the name of a VersionState
    RUN_STATE = auto()  # the name of a RunState
    NUMBER = auto()
    TIME = auto()
    SET = auto()  # of texts: `:` and `=` ask whether it contains the value
    LEAVES = auto()  # of a JSON document: the values at a path, which follows the field's name


def text_of(token: Token) -> str:
    """Return the text that a word or a quoted text stands for."""
    return _unquoted(token) if token.type == "STRING" else str(token)


def _unquoted(text: str) -> str:
    parts, escaped = [], False
    for character in text[1:-1]:
        if character == "\\" and not escaped:
            escaped = True
            continue
        parts.append(character)
        escaped = False
    return "".join(parts)


def path_of(member: str, at: int) -> tuple[str, str]:
    """Return the field and the path, as `domain.leaves` has it, of `field.key."other key"`.

    Raises:
        FilterInvalidError: no metadata has such a path.
    """
    field = member.partition(".")[0]
    segments = [
        _unquoted(segment) if segment[0] in "\"'" else segment
        for segment in _SEGMENT.findall(member, len(field))
    ]
    path = join_path(segments)
    if len(path.encode()) > MAX_PATH_BYTES:
        raise invalid(f"the path is longer than {MAX_PATH_BYTES} bytes", at)
    return field, path


def leaf_key_of(token: Token) -> bytes:
    """Return the key of a value: a number, true, false, null or a word; what is quoted is a text.

    Raises:
        FilterInvalidError: it is too long to be compared.
    """
    text = text_of(token)
    if token.type == "STRING":
        key = key_of_text(text)
    elif text in _CONSTANTS:
        key = _CONSTANTS[text]
    else:
        key = key_of_number(text) if is_number(text) else key_of_text(text)
    if is_cut(key):
        raise invalid(f"the value is longer than {MAX_KEY_BYTES - 1} bytes", token.start_pos)
    return key


def state_of(token: Token, states: type[IntEnum]) -> str:
    """Return the name of one of these states."""
    text = text_of(token)
    if text not in states.__members__:
        known = " or ".join(states.__members__)
        raise invalid(f"{text[:80]!r} is not {known}", token.start_pos)
    return text


def number_of(token: Token) -> int:
    """Return a whole number; that of a version may begin with `v`."""
    try:
        number = int(text_of(token).removeprefix("v"))
    except ValueError:
        raise invalid(f"{str(token)[:80]!r} is not a whole number", token.start_pos) from None
    if abs(number) >= 1 << 63:
        raise invalid("the number is too large", token.start_pos)
    return number


def time_of(token: Token) -> int:
    """Return a moment as microseconds; UTC where it does not say otherwise."""
    try:
        moment = datetime.fromisoformat(text_of(token))
    except ValueError:
        raise invalid(
            f"{str(token)[:80]!r} is not a time such as 2026-01-31T09:00:00Z", token.start_pos
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND


_MICROSECOND = datetime.resolution


def invalid(problem: str, at: int | None) -> FilterInvalidError:
    """Return the error that points at a place, counted from 0; columns are counted from 1."""
    column = (at or 0) + 1
    return FilterInvalidError(
        f"filter, column {column}: {problem}", details={"column": str(column)}
    )
