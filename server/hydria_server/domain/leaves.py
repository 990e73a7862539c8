"""What of a version's metadata can be searched: the values of its JSON, each by its path.

A path is the keys from the top, joined by dots. The elements of a list are values at the path of
the list, and so are the fields of objects in it: `{"layers": [{"kind": "a"}, {"kind": "b"}]}` has
two values at `layers.kind`. A path that leads to an object or a list is there too, with a mark
instead of a value.

Keys of values compare byte by byte as the values do: null, then false and true, then numbers
exactly as they are written, then texts by their UTF-8.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from hydria_server.domain.number_keys import number_key

# So that one version costs the index no more than it is worth: values near the top are kept.
MAX_LEAVES: Final = 2000
MAX_LIST_ITEMS: Final = 1000  # of one list, so that it leaves room for what is beside it
_MAX_VISITS: Final = 4 * MAX_LEAVES  # most of which may turn out to be the same
MAX_PATH_BYTES: Final = 1024
MAX_KEY_BYTES: Final = 1024

NULL_KEY: Final = b"\x10"
FALSE_KEY, TRUE_KEY = b"\x20\x00", b"\x20\x01"
NUMBER_PREFIX: Final = b"\x30"
TEXT_PREFIX: Final = b"\x40"
FIRST_MARK: Final = b"\x50"  # keys from here on are no values
OBJECT_MARK: Final = b"\x50"
LIST_MARK: Final = b"\x60"  # several values may be at this path
# Stands behind what was cut: more than any byte of UTF-8 and of a number's digits.
_CUT: Final = b"\xff"


class _NumberText(str):
    """A number as JSON has it, told from texts."""

    __slots__ = ()


_Scalar = str | bool | None
_Node = _Scalar | list["_Node"] | dict[str, "_Node"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value, or the mark of an object or list, at a path."""

    path: str
    key: bytes


@dataclass(frozen=True, slots=True)
class _Place:
    """A node of the document, how to get to it, and whether that leads through a list."""

    path: str
    node: _Node
    is_one_of_many: bool = False


def join_path(segments: Sequence[str]) -> str:
    """Return the path of these keys, as one text that no other keys have."""
    return ".".join(map(_escaped, segments))


def _escaped(segment: str) -> str:
    return segment.replace("\\", "\\\\").replace(".", "\\.").replace("\0", "\\0")


def leaves_of(metadata_json: str) -> list[Leaf]:
    """Return the leaves of a JSON object, each once: 2,000 at most, those near the top first.

    Of a list the first 1,000 items are looked at. Longer paths than 1,024 bytes are left out.
    """
    try:
        document: _Node = json.loads(metadata_json, parse_int=_NumberText, parse_float=_NumberText)
    except RecursionError:  # it was read once before, but by a caller with more stack to spare
        return []
    found: dict[Leaf, None] = {}
    for leaf in islice(_walk(document), _MAX_VISITS):
        if len(leaf.path.encode("utf-8", "replace")) <= MAX_PATH_BYTES:
            found[leaf] = None
        if len(found) == MAX_LEAVES:
            break
    return list(found)


def _walk(document: _Node) -> Iterator[Leaf]:
    """Yield leaves, level by level."""
    waiting = deque([_Place("", document)])
    while waiting:
        place = waiting.popleft()
        if place.path:
            yield Leaf(place.path, _key_or_mark(place.node))
            if place.is_one_of_many:
                yield Leaf(place.path, LIST_MARK)
        waiting.extend(islice(_inside(place), _MAX_VISITS))


def _inside(place: _Place) -> Iterator[_Place]:
    match place.node:
        case dict():
            for name, node in place.node.items():
                escaped = _escaped(_sound(name))
                path = f"{place.path}.{escaped}" if place.path else escaped
                if path:  # `{"": 1}` has a value that no filter can name
                    yield _Place(path, node, place.is_one_of_many)
        case list():
            for node in place.node[:MAX_LIST_ITEMS]:
                yield _Place(place.path, node, is_one_of_many=True)


def _key_or_mark(node: _Node) -> bytes:
    match node:
        case dict():
            return OBJECT_MARK
        case list():
            return LIST_MARK
        case None:
            return NULL_KEY
        case bool():
            return TRUE_KEY if node else FALSE_KEY
        case _NumberText():
            return key_of_number(node)
        case str():
            return key_of_text(node)


def key_of_number(text: str) -> bytes:
    """Return the key of a number as JSON writes it.

    Raises:
        ValueError: it is no number.
    """
    return _cut(NUMBER_PREFIX + number_key(text))


def key_of_text(text: str) -> bytes:
    """Return the key of a text."""
    return _cut(TEXT_PREFIX + _sound(text).encode())


def _cut(key: bytes) -> bytes:
    return key if len(key) <= MAX_KEY_BYTES else key[:MAX_KEY_BYTES] + _CUT


def is_cut(key: bytes) -> bool:
    """Tell whether the key is of a value too long to be told from others by it."""
    return len(key) > MAX_KEY_BYTES


def _sound(text: str) -> str:
    """Return the text without what UTF-8 cannot say: JSON can spell half a surrogate pair."""
    return text.encode("utf-8", "replace").decode()
