"""What goes to standard output: JSON for programs, lines for people."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click

_Item = TypeVar("_Item")


class ReaderGoneError(Exception):
    """Whoever read our standard output has closed it, and wants no more."""


@dataclass(frozen=True, slots=True)
class JsonText:
    """JSON that goes out as it came in, to the letter of its numbers."""

    text: str


JsonValue = (
    None | bool | int | float | str | JsonText | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
)


def to_json(value: JsonValue) -> str:
    """Return `value` as JSON, in ASCII but for what a `JsonText` has."""
    if isinstance(value, JsonText):
        return value.text
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)}: {to_json(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(to_json, value)) + "]"
    return json.dumps(value)


def print_json(value: JsonValue) -> None:
    """Print one JSON document, in UTF-8 whatever the terminal speaks.

    Raises:
        ReaderGoneError: nobody reads it.
    """
    print_bytes(f"{to_json(value)}\n".encode())


def print_lines(text: str) -> None:
    """Print text and a newline. Raises as `print_json`."""
    try:
        click.echo(text)
    except BrokenPipeError:
        raise ReaderGoneError from None


def print_bytes(data: bytes) -> None:
    """Write bytes as they are. Raises as `print_json`."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ReaderGoneError from None


async def print_array(
    pages: AsyncIterable[Sequence[_Item]], row_of: Callable[[_Item], JsonValue]
) -> None:
    """Print a JSON array, an item per line and a page at a time: a million need little memory.

    Nothing is printed when the first page already fails. Raises as `print_json`.
    """
    opening = "["
    async for page in pages:
        rows = ",\n ".join(to_json(row_of(item)) for item in page)
        if rows:
            print_bytes(f"{opening}{rows}".encode())
            opening = ",\n "
    print_bytes(b"[]\n" if opening == "[" else b"]\n")
