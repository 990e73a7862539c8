"""Filters (AIP-160) and orders (AIP-132): from text to values, with errors that point.

The grammar is the published one of AIP-160, less functions: sequences are implicit AND, OR binds
tighter than AND, `-` and NOT negate, `:` asks for membership, a dot leads into the metadata, and a
composite argument holds alternatives. Source: google.aip.dev/160.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from hydria_server.domain.errors import FilterInvalidError
from hydria_server.domain.filters import (
    And,
    Comparison,
    Filter,
    LeafComparison,
    LeafPattern,
    LeafPresence,
    Not,
    Operator,
    Or,
    OrderTerm,
)
from hydria_server.domain.records import VersionState
from hydria_server.domain.runs import RunState
from hydria_server.services.filter_values import (
    Kind,
    invalid,
    leaf_key_of,
    number_of,
    path_of,
    state_of,
    text_of,
    time_of,
)

__all__ = ["MAX_FILTER_CHARACTERS", "Fields", "Kind", "mentions", "parse_filter", "parse_order"]

MAX_FILTER_CHARACTERS = 4096
MAX_DEPTH = 50

_QUOTED = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
_GRAMMAR = r"""
    ?start: expression
    ?expression: sequence ("AND" sequence)*
    ?sequence: factor+                        -> sequence
    ?factor: term ("OR" term)*                -> factor
    ?term: ("NOT" | "-") simple               -> negation
         | simple
    ?simple: "(" expression ")" | restriction
    restriction: (FIELD | MEMBER) COMPARATOR (value | "(" value ("OR" value)* ")")
    value: STRING | WORD | FIELD
    COMPARATOR: "<=" | ">=" | "!=" | "=" | "<" | ">" | ":"
    MEMBER.3: /(?!(AND|OR|NOT)\b)[A-Za-z_][A-Za-z0-9_]*(\.(<Q>|[^\s()"'<>=!:,.]+))+(?![^\s<>=!:])/
    FIELD.2: /(?!(AND|OR|NOT)\b)[A-Za-z_][A-Za-z0-9_]*(?![^\s()"'<>=!:,])/
    WORD: /(?!(AND|OR|NOT)\b)[^\s()"'<>=!:,][^\s()"'<>=!,]*/
    STRING: /"(\\.|[^"\\])*"/ | /'(\\.|[^'\\])*'/
    %ignore /\s+/
"""


Fields = Mapping[str, Kind]
_SORTED = (Kind.TEXT, Kind.NUMBER, Kind.TIME)
_EQUAL_ONLY = (Kind.TEXT, Kind.STATE, Kind.RUN_STATE, Kind.SET)
_COMMA_OR_QUOTED = re.compile(f"{_QUOTED}|,", re.DOTALL)
_ORDER_TERM = re.compile(
    rf"""\s*([A-Za-z_]\w*(?:\.(?:{_QUOTED}|[^\s"'.,]+))*)(?:\s+(asc|desc))?\s*""",
    re.ASCII | re.DOTALL,
)
_ORDERED = frozenset((Operator.LT, Operator.LE, Operator.GT, Operator.GE))
_PARSER = Lark(_GRAMMAR.replace("<Q>", _QUOTED), parser="lalr", propagate_positions=True)


def parse_filter(text: str, fields: Fields) -> Filter | None:
    """Return the filter, or None for the empty text.

    Raises:
        FilterInvalidError: it does not parse, or names an unknown field or an impossible value;
            `column` (from 1) points at the place.
    """
    if not text.strip():
        return None
    if len(text) > MAX_FILTER_CHARACTERS:
        raise invalid(f"it is longer than {MAX_FILTER_CHARACTERS} characters", 0)
    try:
        tree = _PARSER.parse(text)
        result: Filter = _ToFilter(fields).transform(tree)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        at = len(text) if ended else error.pos_in_stream
        raise invalid("it does not parse here", at) from None
    except VisitError as error:
        if isinstance(error.orig_exc, FilterInvalidError):
            raise error.orig_exc from None
        raise
    except RecursionError:
        raise invalid("it is nested too deeply", 0) from None
    return _require_shallow(result)


def _require_shallow(filter_: Filter) -> Filter:
    """Return the filter, if whoever walks it later may do so by recursion."""
    pending = [(filter_, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise invalid(f"it is nested more than {MAX_DEPTH} deep", 0)
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
    for at, part in _parts(text) if text.strip() else ():
        match = _ORDER_TERM.fullmatch(part)
        if match is None:
            raise invalid(f"order_by: {part.strip()[:80]!r} is not a field", at)
        field, path = path_of(match[1], at) if "." in match[1] else (match[1], "")
        if fields.get(field, Kind.SET) not in ((Kind.LEAVES,) if path else _SORTED):
            raise invalid(f"order_by: there is no field {match[1][:80]!r}", at)
        terms.append(OrderTerm(field, match[2] == "desc", path))
    if len({(term.field, term.path) for term in terms}) < len(terms):
        raise invalid("order_by: a field comes twice", 0)
    return tuple(terms) or (default,)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield what is between commas, and where it begins."""
    begun_at = 0
    for match in _COMMA_OR_QUOTED.finditer(text):
        if match[0] == ",":
            yield begun_at, text[begun_at : match.start()]
            begun_at = match.end()
    yield begun_at, text[begun_at:]


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
    def restriction(self, member: Token, operator: Token, *values: Token) -> Filter:
        compare = self._leaf_of(member, operator) or self._comparison_of(member, operator)
        terms = tuple(map(compare, values))
        if len(terms) == 1:
            return terms[0]
        return And(terms) if operator == Operator.NE.value else Or(terms)

    def _leaf_of(self, member: Token, operator: Token) -> Callable[[Token], Filter] | None:
        """Return how a value compares with what is at a path, if `member` is one."""
        if member.type != "MEMBER":
            return None
        field, path = path_of(member, member.start_pos or 0)
        if self._fields.get(field) is not Kind.LEAVES:
            raise self._unknown(member)
        return partial(_leaf, path, operator)

    def _comparison_of(self, field: Token, operator: Token) -> Callable[[Token], Filter]:
        """Return how a value compares with a field."""
        name, compared = str(field), Operator(str(operator))
        kind = self._fields.get(name)
        if kind is None:
            raise self._unknown(field)
        if kind is Kind.LEAVES:
            raise invalid(f"{name} needs a path, as in {name}.key", field.end_pos)
        if kind in _EQUAL_ONLY and compared in _ORDERED:
            raise invalid(f"{name} cannot be compared with {operator}", operator.start_pos)
        if kind is Kind.SET:
            return partial(_member, name, compared)
        if compared is Operator.HAS:
            compared = Operator.EQ
        return lambda value: Comparison(name, compared, _CONVERSIONS[kind](value))

    def _unknown(self, field: Token) -> FilterInvalidError:
        known = ", ".join(
            f"{name}.KEY" if kind is Kind.LEAVES else name
            for name, kind in sorted(self._fields.items())
        )
        return invalid(f"there is no field {str(field)[:80]!r}, only {known}", field.start_pos)

    @v_args(inline=True)
    def negation(self, term: Filter) -> Filter:
        return Not(term)

    def factor(self, terms: list[Filter]) -> Filter:
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def sequence(self, terms: list[Filter]) -> Filter:
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def expression(self, terms: list[Filter]) -> Filter:
        return self.sequence(terms)


_CONVERSIONS: Mapping[Kind, Callable[[Token], str | int]] = {
    Kind.TEXT: text_of,
    Kind.STATE: partial(state_of, states=VersionState),
    Kind.RUN_STATE: partial(state_of, states=RunState),
    Kind.NUMBER: number_of,
    Kind.TIME: time_of,
}


def _member(field: str, operator: Operator, value: Token) -> Filter:
    contains = Comparison(field, Operator.HAS, text_of(value))
    return Not(contains) if operator is Operator.NE else contains


def _leaf(path: str, operator: Token, value: Token) -> Filter:
    compared = Operator(str(operator))
    if compared in _ORDERED:
        return LeafComparison(path, compared, leaf_key_of(value))
    found: Filter
    if value.type != "STRING" and value == "*":
        found = LeafPresence(path)
    elif "*" in value:
        leaf_key_of(value)  # refuses what is too long
        if "\0" in value:
            raise invalid("a pattern has no NUL character", value.start_pos)
        found = LeafPattern(path, text_of(value))
    else:
        found = LeafComparison(path, Operator.EQ, leaf_key_of(value))
    return Not(found) if compared is Operator.NE else found
