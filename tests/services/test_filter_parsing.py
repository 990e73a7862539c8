"""Filters and orders: AIP-160 and AIP-132, with errors that point at the place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from hydria_server.domain.leaves import (
    FALSE_KEY,
    NULL_KEY,
    TRUE_KEY,
    join_path,
    key_of_number,
    key_of_text,
)
from hydria_server.services.filter_parsing import Kind, mentions, parse_filter, parse_order

FIELDS = {
    "name": Kind.TEXT,
    "tag": Kind.SET,
    "n": Kind.NUMBER,
    "at": Kind.TIME,
    "meta": Kind.LEAVES,
}
NAME = OrderTerm("name")


def equal(value: str) -> Comparison:
    return Comparison("name", Operator.EQ, value)


A, B, C, D = equal("a"), equal("b"), equal("c"), equal("d")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name=a", A),
        (" name  =  a ", A),
        ("name:a", A),
        ("name=a name=b", And((A, B))),
        ("name=a AND name=b", And((A, B))),
        ("name=a OR name=b", Or((A, B))),
        # OR binds tighter than AND, and than the space that stands for AND.
        ("name=a AND name=b OR name=c", And((A, Or((B, C))))),
        ("name=a OR name=b AND name=c", And((Or((A, B)), C))),
        ("name=a name=b OR name=c name=d", And((A, Or((B, C)), D))),
        ("name=a OR name=b AND name=c OR name=d", And((Or((A, B)), Or((C, D))))),
        # A sequence binds tighter than AND.
        ("name=a name=b AND name=c name=d", And((And((A, B)), And((C, D))))),
        ("(name=a AND name=b) OR name=c", Or((And((A, B)), C))),
        ("((name=a))", A),
        ("NOT name=a", Not(A)),
        ("-name=a", Not(A)),
        ("- name=a", Not(A)),
        ("NOT (name=a OR name=b)", Not(Or((A, B)))),
        ("NOT name=a OR name=b", Or((Not(A), B))),
        ("NOT name=a name=b", And((Not(A), B))),
        ("name!=a", Comparison("name", Operator.NE, "a")),
        ("tag:a", Comparison("tag", Operator.HAS, "a")),
        ("tag=a", Comparison("tag", Operator.HAS, "a")),
        ("tag!=a", Not(Comparison("tag", Operator.HAS, "a"))),
        ("n>=3", Comparison("n", Operator.GE, 3)),
        ("n > -3", Comparison("n", Operator.GT, -3)),
        ("n=v7", Comparison("n", Operator.EQ, 7)),
        ('n="7"', Comparison("n", Operator.EQ, 7)),
        ("at>=1970-01-01T00:00:01Z", Comparison("at", Operator.GE, 1_000_000)),
        ("at>=1970-01-01T01:00:01+01:00", Comparison("at", Operator.GE, 1_000_000)),
        ('at < "1970-01-02"', Comparison("at", Operator.LT, 86_400_000_000)),
        ("at=1969-12-31T23:59:59.999999", Comparison("at", Operator.EQ, -1)),
    ],
)
def test_a_filter_means_what_the_grammar_says(text: str, expected: Filter) -> None:
    assert parse_filter(text, FIELDS) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("name=a-b.c_d", "a-b.c_d"),
        ("name=a$b", "a$b"),
        ("name=a@b/c#d", "a@b/c#d"),
        ("name=ANDROID", "ANDROID"),
        ("name=ORder", "ORder"),
        ("name=a*", "a*"),
        ("name=*", "*"),
        ("name=-a", "-a"),
        ("name=2026", "2026"),
        ("name=été", "été"),
        ("name=n", "n"),
        ('name="AND"', "AND"),
        ('name="two words"', "two words"),
        ("name='two words'", "two words"),
        (r'name="a \"b\" \\ c"', 'a "b" \\ c'),
        ('name=""', ""),
        ('name="(a OR b)"', "(a OR b)"),
    ],
)
def test_a_value_is_a_word_or_a_quoted_text(text: str, value: str) -> None:
    assert parse_filter(text, FIELDS) == equal(value)


def leaf(path: str, key: bytes, operator: Operator = Operator.EQ) -> LeafComparison:
    return LeafComparison(path, operator, key)


X, ONE = key_of_text("x"), key_of_number("1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meta.a=x", leaf("a", X)),
        ("meta.a:x", leaf("a", X)),
        ("meta.a = 1", leaf("a", ONE)),
        ("meta.a = 1.0e0", leaf("a", ONE)),
        ('meta.a = "1"', leaf("a", key_of_text("1"))),
        ("meta.a = v1", leaf("a", key_of_text("v1"))),
        ("meta.a = true meta.b = false", And((leaf("a", TRUE_KEY), leaf("b", FALSE_KEY)))),
        (
            'meta.a = null OR meta.a = "null"',
            Or((leaf("a", NULL_KEY), leaf("a", key_of_text("null")))),
        ),
        ("meta.a != x", Not(leaf("a", X))),
        ("-meta.a:x", Not(leaf("a", X))),
        ("meta.a < -0.5", leaf("a", key_of_number("-0.5"), Operator.LT)),
        ("meta.a>=x", leaf("a", X, Operator.GE)),
        ("meta.a.b-c.0=x", leaf("a.b-c.0", X)),
        ('meta."a.b"."two words".\'q"\'=x', leaf(join_path(["a.b", "two words", 'q"']), X)),
        (r'meta."a\"b\\"=x', leaf(join_path(['a"b\\']), X)),
        ('meta.""=x', leaf(join_path([""]), X)),
        ("meta.NOT=x", leaf("NOT", X)),
        ("meta.a:*", LeafPresence("a")),
        ("meta.a != *", Not(LeafPresence("a"))),
        ('meta.a:"*"', LeafPattern("a", "*")),
        ("meta.a = x*", LeafPattern("a", "x*")),
        ("meta.a = (x OR 1)", Or((leaf("a", X), leaf("a", ONE)))),
        ("meta.a != (x OR 1)", And((Not(leaf("a", X)), Not(leaf("a", ONE))))),
        ("meta.a = (x)", leaf("a", X)),
        ("name = (a OR b)", Or((A, B))),
        (
            "tag:(a OR b)",
            Or((Comparison("tag", Operator.HAS, "a"), Comparison("tag", Operator.HAS, "b"))),
        ),
    ],
)
def test_paths_lists_and_alternatives_mean_what_the_grammar_says(
    text: str, expected: Filter
) -> None:
    assert parse_filter(text, FIELDS) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_no_text_is_no_filter(text: str) -> None:
    assert parse_filter(text, FIELDS) is None


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("other=a", 1),
        ("name=a other=b", 8),
        ("name=a\nother=b", 8),
        ("name=", 6),
        ("name", 5),
        ("name=a AND", 11),
        ("name=a AND AND", 12),
        ("name=a OR OR name=b", 11),
        ("name=a)", 7),
        ("(name=a", 8),
        ("name=()", 7),
        ("=a", 1),
        ('name="a', 6),
        ("name<a", 5),
        ("tag>=a", 4),
        ("n=x", 3),
        ("n=1.5", 3),
        ("n=9223372036854775808", 3),
        ("n=-9223372036854775809", 3),
        ("at=soon", 4),
        ("at=2026-13-01", 4),
        ("name=a,name=b", 7),
        ("name.x=a", 1),
        ("meta=a", 5),
        ("meta.=a", 1),
        ("name=a meta.x", 14),
        ("meta.x=(a AND b)", 11),
        ("meta.x=(a OR)", 13),
        ("meta.x=(a", 10),
        ('meta."x=a', 1),
        ("meta..x=a", 1),
        ('meta.x="*\0*"', 8),
        ("NAME=a", 1),
        ("NOT", 4),
        ("NOT NOT name=a", 5),
        ("x" * 4097, 1),
    ],
)
def test_an_error_points_at_its_column(text: str, column: int) -> None:
    with pytest.raises(FilterInvalidError) as refused:
        parse_filter(text, FIELDS)
    assert refused.value.details == {"column": str(column)}


@given(st.text(alphabet="nametgAND OR()\"'=:!<>-*,. 12\\\n", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        parse_filter(text, FIELDS)
    except FilterInvalidError as error:
        column = int(error.details["column"])
        assert 1 <= column <= len(text) + 1


@pytest.mark.parametrize("depth", [10, 40])
def test_a_filter_may_be_nested(depth: int) -> None:
    text = "NOT (" * depth + "name=a" + ")" * depth
    assert parse_filter(text, FIELDS) is not None


@pytest.mark.parametrize("depth", [60, 300, 600])
def test_a_filter_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(FilterInvalidError):
        parse_filter("NOT (" * depth + "name=a" + ")" * depth, FIELDS)


def test_parentheses_alone_nest_nothing() -> None:
    assert parse_filter("(" * 100 + "name=a" + ")" * 100, FIELDS) == A
    with pytest.raises(FilterInvalidError):
        parse_filter("(" * 2000 + "name=a" + ")" * 2000, FIELDS)


def test_a_filter_mentions_its_fields() -> None:
    parsed = parse_filter("name=a OR NOT (n=1 AND tag:x)", FIELDS)
    assert [field for field in FIELDS if mentions(parsed, field)] == ["name", "tag", "n"]
    assert not mentions(None, "name")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (NAME,)),
        ("n", (OrderTerm("n"),)),
        ("n asc", (OrderTerm("n"),)),
        ("n desc, name", (OrderTerm("n", descending=True), NAME)),
        ("  at   desc  ,n", (OrderTerm("at", descending=True), OrderTerm("n"))),
        ("meta.a.b desc", (OrderTerm("meta", True, "a.b"),)),
        ("meta.a, meta.b", (OrderTerm("meta", False, "a"), OrderTerm("meta", False, "b"))),
        ('meta."a, b" desc,n', (OrderTerm("meta", True, "a, b"), OrderTerm("n"))),
    ],
)
def test_an_order_is_a_list_of_fields(text: str, expected: tuple[OrderTerm, ...]) -> None:
    assert parse_order(text, FIELDS, NAME) == expected


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("other", 1),
        ("tag", 1),
        ("name, other", 6),
        ("n DESC", 1),
        ("n desc desc", 1),
        (",", 1),
        ("name,", 6),
        ("name name", 1),
        ("n, name, n", 1),
        ("meta", 1),
        ("n, name.a", 3),
        ("meta.a, meta.a desc", 1),
        ('meta."a', 1),
    ],
)
def test_an_order_that_is_wrong_points_at_its_part(text: str, column: int) -> None:
    with pytest.raises(FilterInvalidError) as refused:
        parse_order(text, FIELDS, NAME)
    assert refused.value.details == {"column": str(column)}
