"""A second opinion on filters by metadata: written, and read plainly over Python values."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

JsonNode = str | Decimal | bool | None | list["JsonNode"] | dict[str, "JsonNode"]
KEYS = ("a", "b", "a.b", "two words", "")
TEXTS = ("x", "xy", "y", "", "3", "true", "été", 'say "x"', "back\\slash", "x" * 900)
NUMBERS = ("0", "-1", "3", "3.0", "0.1", "1e400", "9007199254740993", "9007199254740992", "-0.5")
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", ":")


@dataclass(frozen=True, slots=True)
class Asked:
    """`metadata.PATH OPERATOR (VALUE OR VALUE ...)`; a value is as it is written."""

    path: tuple[str, ...]
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        written = " OR ".join(self.values)
        value = f"({written})" if len(self.values) > 1 else written
        return f"metadata.{'.'.join(map(quoted, self.path))} {self.operator} {value}"


@dataclass(frozen=True, slots=True)
class Joined:
    """Several filters joined by AND or OR, or one negated by NOT."""

    word: str
    terms: tuple[Asked | Joined, ...]

    def __str__(self) -> str:
        inner = [f"({term})" for term in self.terms]
        return f"NOT {inner[0]}" if self.word == "NOT" else f" {self.word} ".join(inner)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def a_document(dice: random.Random, depth: int = 0) -> str:
    """Return JSON text, spelled in many ways."""
    names = dice.sample(KEYS, dice.randint(0, 3))
    return "{" + ", ".join(f"{json.dumps(each)}: {_a_node(dice, depth)}" for each in names) + "}"


def _a_node(dice: random.Random, depth: int) -> str:
    match dice.randint(0, 6 if depth < 2 else 4):
        case 0 | 1:
            return dice.choice(NUMBERS)
        case 2 | 3:
            return json.dumps(dice.choice(TEXTS), ensure_ascii=dice.random() < 0.5)
        case 4:
            return dice.choice(("true", "false", "null"))
        case 5:
            return a_document(dice, depth + 1)
    return "[" + ", ".join(_a_node(dice, depth + 1) for _ in range(dice.randint(0, 3))) + "]"


def a_filter(dice: random.Random, depth: int = 0) -> Asked | Joined:
    if depth < 3 and dice.random() < 0.4:
        word = dice.choice(("AND", "OR", "NOT"))
        count = 1 if word == "NOT" else dice.randint(2, 3)
        return Joined(word, tuple(a_filter(dice, depth + 1) for _ in range(count)))
    path = dice.choice(
        [("a",), ("b",), ("a.b",), ("two words",), ("a", "a"), ("a", "b"), ("b", "a"), ("b", "")]
    )
    operator = dice.choice(OPERATORS)
    values = [_a_value(dice) for _ in range(dice.choice([1, 1, 1, 2, 3]))]
    if operator in "<=>=" and operator != "=":
        values = [value for value in values if value != "*"] or ["3"]
    return Asked(path, operator, tuple(values))


def _a_value(dice: random.Random) -> str:
    match dice.randint(0, 5):
        case 0 | 1:
            return dice.choice(NUMBERS)
        case 2 | 3:
            return quoted(dice.choice(TEXTS))
        case 4:
            return quoted(dice.choice(("x*", "*y", "*", "*x*", "*\\*", "s*x*")))
    return dice.choice(("true", "false", "null", "word", "*"))


def agrees(document: str, filter_: Asked | Joined) -> bool:
    """Tell whether a filter holds for a document."""
    if isinstance(filter_, Joined):
        each = [agrees(document, term) for term in filter_.terms]
        return {"AND": all(each), "OR": any(each), "NOT": not each[0]}[filter_.word]
    nodes = list(_at(_read(document), filter_.path))
    if filter_.operator == "!=":
        return not any(_holds(nodes, "=", value) for value in filter_.values)
    return any(_holds(nodes, filter_.operator, value) for value in filter_.values)


def least(document: str, path: Sequence[str]) -> tuple[int, str | Decimal | bool] | None:
    """Return the least value at a path, as something that can be sorted."""
    found = [_sorting(node) for node in _at(_read(document), path) if not _is_inner(node)]
    return min(found, default=None)


def _read(document: str) -> JsonNode:
    node: JsonNode = json.loads(document, parse_int=Decimal, parse_float=Decimal)
    return node


def _at(node: JsonNode, path: Sequence[str]) -> Iterator[JsonNode]:
    """Yield what is at a path: lists and what is in them, at any depth."""
    if not path:
        yield node
    if isinstance(node, list):
        for item in node:
            yield from _at(item, path)
    elif isinstance(node, dict) and path and path[0] in node:
        yield from _at(node[path[0]], path[1:])


def _holds(nodes: Sequence[JsonNode], operator: str, written: str) -> bool:
    if operator in "=:" and written == "*":
        return bool(nodes)
    if operator in "=:" and written.startswith('"') and "*" in written:
        pattern = ".*".join(map(re.escape, _unquoted(written).split("*")))
        texts = [node for node in nodes if isinstance(node, str)]
        return any(re.fullmatch(pattern, text, re.DOTALL) for text in texts)
    value = _sorting(_value_of(written))
    found = [_sorting(node) for node in nodes if not _is_inner(node)]
    same_kind = [node for node in found if node[0] == value[0]]
    return any(
        {
            "=": node == value,
            ":": node == value,
            "<": node < value,
            "<=": node <= value,
            ">": node > value,
            ">=": node >= value,
        }[operator]
        for node in same_kind
    )


def _value_of(written: str) -> JsonNode:
    if written.startswith('"'):
        return _unquoted(written)
    if written in ("true", "false", "null"):
        return _read(written)
    return Decimal(written) if re.match(r"-?\d", written) else written


def _unquoted(written: str) -> str:
    return re.sub(r"\\(.)", r"\1", written[1:-1])


def _is_inner(node: JsonNode) -> bool:
    return isinstance(node, list | dict)


def _sorting(node: JsonNode) -> tuple[int, str | Decimal | bool]:
    """Return null, booleans, numbers and texts in this order."""
    if node is None:
        return 0, False
    if isinstance(node, bool):
        return 1, node
    if isinstance(node, Decimal):
        return 2, node
    assert isinstance(node, str)
    return 3, node
