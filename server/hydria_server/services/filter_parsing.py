"""Filters (AIP-160) and orders (AIP-132): from text to values, with errors that point.

The grammar is the published one of AIP-160, less functions: sequences are implicit AND, OR binds
tighter than AND, `-` and NOT negate, `:` asks for membership. Source: google.aip.dev/160.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, IntEnum, auto

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from hydria_server.domain.errors import FilterInvalidError
from hydria_server.domain.filters import And, Comparison, Filter, Not, Operator, Or, OrderTerm
from hydria_server.domain.records import VersionState
from hydria_server.domain.runs import RunState

MAX_FILTER_CHARACTERS = 4096
MAX_DEPTH = 50

_GRAMMAR = r"""
    ?start: expression
    ?expression: sequence ("AND" sequence)*
    ?sequence: factor+                        -> sequence
    ?factor: term ("OR" term)*                -> factor
    ?term: ("NOT" | "-") simple               -> negation
         | simple
    ?simple: "(" expression ")" | restriction
    restriction: FIELD COMPARATOR value
    value: STRING | WORD | FIELD
    COMPARATOR: "<=" | ">=" | "!=" | "=" | "<" | ">" | ":"
    FIELD.2: /(?!(AND|OR|NOT)\b)[A-Za-z_][A-Za-z0-9_]*(?![^\s()"'<>=!:,])/
    WORD: /(?!(AND|OR|NOT)\b)[^\s()"'<>=!:,][^\s()"'<>=!,]*/
    STRING: /"(\\.|[^"\\])*"/ | /'(\\.|[^'\\])*'/
    %ignore /\s+/
"""


class Kind(Enum):
    """What a field holds, and so how it compares."""

    TEXT = auto()
    STATE = auto()  # the name of a VersionState
    RUN_STATE = auto()  # the name of a RunState
    NUMBER = auto()
    TIME = auto()
    SET = auto()  # of texts: `:` and `=` ask whether it contains the value


Fields = Mapping[str, Kind]
_UNSORTED = (Kind.SET, Kind.STATE, Kind.RUN_STATE)
_STATES: Mapping[Kind, type[IntEnum]] = {Kind.STATE: VersionState, Kind.RUN_STATE: RunState}
_ORDERED = frozenset((Operator.LT, Operator.LE, Operator.GT, Operator.GE))
_PARSER = Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


def parse_filter(text: str, fields: Fields) -> Filter | None:
    """Return the filter, or None for the empty text.

    Raises:
        FilterInvalidError: it does not parse, or names an unknown field or an impossible value;
            `column` (from 1) points at the place.
    """
    if not text.strip():
        return None
    if len(text) > MAX_FILTER_CHARACTERS:
        raise _invalid(f"it is longer than {MAX_FILTER_CHARACTERS} characters", 0)
    try:
        tree = _PARSER.parse(text)
        result: Filter = _ToFilter(fields).transform(tree)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        at = len(text) if ended else error.pos_in_stream
        raise _invalid("it does not parse here", at) from None
    except VisitError as error:
        if isinstance(error.orig_exc, FilterInvalidError):
            raise error.orig_exc from None
        raise
    except RecursionError:
        raise _invalid("it is nested too deeply", 0) from None
    return _require_shallow(result)


def _require_shallow(filter_: Filter) -> Filter:
    """Return the filter, if whoever walks it later may do so by recursion."""
    pending = [(filter_, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _invalid(f"it is nested more than {MAX_DEPTH} deep", 0)
        match node:
            case And(terms) | Or(terms):
                pending.extend((term, depth + 1) for term in terms)
            case Not(term):
                pending.append((term, depth + 1))
    return filter_


def parse_order(text: str, fields: Fields, default: OrderTerm) -> tuple[OrderTerm, ...]:
    """Return the order, or the default one for the empty text.

    Raises:
        FilterInvalidError: it names an unknown field, or one twice.
    """
    terms: list[OrderTerm] = []
    at = 0
    for part in text.split(",") if text.strip() else ():
        match part.split():
            case [name]:
                terms.append(OrderTerm(name))
            case [name, "asc" | "desc" as way]:
                terms.append(OrderTerm(name, way == "desc"))
            case _:
                raise _invalid(f"order_by: {part.strip()[:80]!r} is not a field", at)
        if fields.get(terms[-1].field, Kind.SET) in _UNSORTED:
            raise _invalid(f"order_by: there is no field {terms[-1].field[:80]!r}", at)
        at += len(part) + 1
    if len({term.field for term in terms}) < len(terms):
        raise _invalid("order_by: a field comes twice", 0)
    return tuple(terms) or (default,)


def mentions(filter_: Filter | None, field: str) -> bool:
    """Tell whether the filter has anything to do with the field."""
    match filter_:
        case Comparison():
            return filter_.field == field
        case And(terms) | Or(terms):
            return any(mentions(term, field) for term in terms)
        case Not(term):
            return mentions(term, field)
    return False


class _ToFilter(Transformer[Token, Filter]):
    """From the parse tree to values."""

    def __init__(self, fields: Fields) -> None:
        super().__init__()
        self._fields = fields

    @v_args(inline=True)
    def value(self, token: Token) -> Token:
        return token

    @v_args(inline=True)
    def restriction(self, field: Token, operator: Token, value: Token) -> Filter:
        kind = self._fields.get(str(field))
        if kind is None:
            known = ", ".join(sorted(self._fields))
            raise _invalid(f"there is no field {str(field)[:80]!r}, only {known}", field.start_pos)
        compared = Operator(str(operator))
        if kind is Kind.SET:
            return _member(str(field), compared, value, operator)
        if compared is Operator.HAS:
            compared = Operator.EQ
        if kind is Kind.TEXT or kind in _STATES:
            if compared in _ORDERED:
                raise _invalid(f"{field} cannot be compared with {operator}", operator.start_pos)
            text = _text(value) if kind is Kind.TEXT else _state(value, _STATES[kind])
            return Comparison(str(field), compared, text)
        convert = _number if kind is Kind.NUMBER else _time
        return Comparison(str(field), compared, convert(value))

    @v_args(inline=True)
    def negation(self, term: Filter) -> Filter:
        return Not(term)

    def factor(self, terms: list[Filter]) -> Filter:
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def sequence(self, terms: list[Filter]) -> Filter:
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def expression(self, terms: list[Filter]) -> Filter:
        return self.sequence(terms)


def _member(field: str, operator: Operator, value: Token, at: Token) -> Filter:
    if operator in _ORDERED:
        raise _invalid(f"{field} cannot be compared with {operator.value}", at.start_pos)
    contains = Comparison(field, Operator.HAS, _text(value))
    return Not(contains) if operator is Operator.NE else contains


def _text(token: Token) -> str:
    text = str(token)
    if token.type != "STRING":
        return text
    parts, escaped = [], False
    for character in text[1:-1]:
        if character == "\\" and not escaped:
            escaped = True
            continue
        parts.append(character)
        escaped = False
    return "".join(parts)


def _state(token: Token, states: type[IntEnum]) -> str:
    text = _text(token)
    if text not in states.__members__:
        known = " or ".join(states.__members__)
        raise _invalid(f"{text[:80]!r} is not {known}", token.start_pos)
    return text


def _number(token: Token) -> int:
    try:
        number = int(_text(token).removeprefix("v"))
    except ValueError:
        raise _invalid(f"{str(token)[:80]!r} is not a whole number", token.start_pos) from None
    if abs(number) >= 1 << 63:
        raise _invalid("the number is too large", token.start_pos)
    return number


def _time(token: Token) -> int:
    try:
        moment = datetime.fromisoformat(_text(token))
    except ValueError:
        raise _invalid(
            f"{str(token)[:80]!r} is not a time such as 2026-01-31T09:00:00Z", token.start_pos
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND


_MICROSECOND = datetime.resolution


def _invalid(problem: str, at: int | None) -> FilterInvalidError:
    """Return the error that points at a place, counted from 0; columns are counted from 1."""
    column = (at or 0) + 1
    return FilterInvalidError(
        f"filter, column {column}: {problem}", details={"column": str(column)}
    )
