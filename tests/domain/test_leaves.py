"""Metadata as leaves: what is found where, and keys that compare as the values do."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.leaves import (
    FALSE_KEY,
    LIST_MARK,
    MAX_LEAVES,
    NULL_KEY,
    OBJECT_MARK,
    TRUE_KEY,
    Leaf,
    is_cut,
    join_path,
    key_of_number,
    key_of_text,
    leaves_of,
)
from hydria_server.domain.number_keys import is_number, number_key

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def numbers() -> st.SearchStrategy[str]:
    """Return numbers of every spelling."""
    whole = st.integers(-(10**30), 10**30)
    return st.builds(
        lambda n, fraction, exponent: f"{n}{fraction}{exponent}",
        whole | st.integers(-20, 20),
        st.just("") | st.from_regex(r"\.[0-9]{1,5}", fullmatch=True),
        st.just("") | st.integers(-40, 40).map("e{}".format) | st.integers(0, 9).map("E+{}".format),
    )


@given(numbers(), numbers())
def test_keys_of_numbers_compare_as_the_numbers(one: str, other: str) -> None:
    left, right = Decimal(one), Decimal(other)
    assert (key_of_number(one) < key_of_number(other)) == (left < right)
    assert (key_of_number(one) == key_of_number(other)) == (left == right)


@given(TEXTS, TEXTS)
def test_keys_of_texts_compare_as_the_texts(one: str, other: str) -> None:
    assert (key_of_text(one) < key_of_text(other)) == (one < other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740992", "9007199254740993"),
        ("0.1", "0.10000000000000001"),
        ("1e400", "1e401"),
        ("-1e401", "-1e400"),
        ("-0.123", "-0.12"),
        ("1e-999999999999999999999", "1"),
        ("9", "1e999999999999999999999"),
        ("-" + "1" * 3000, "-" + "1" * 2999),
        ("1" * 2999, "1" * 3000),
    ],
)
def test_numbers_that_floats_cannot_tell_apart_differ(one: str, other: str) -> None:
    assert key_of_number(one) < key_of_number(other)


@pytest.mark.parametrize("text", ["0", "-0", "0.000", "0e5", "-0e-5"])
def test_nothing_has_one_key(text: str) -> None:
    assert number_key(text) == number_key("0")


@pytest.mark.parametrize("text", ["", "-", "1.", ".5", "+1", "1e", "0x1", "1_0", "NaN", "1 "])
def test_what_json_does_not_call_a_number_is_none(text: str) -> None:
    assert not is_number(text)
    with pytest.raises(ValueError, match="is not a number"):
        number_key(text)


def test_kinds_of_values_come_in_an_order() -> None:
    values = (
        NULL_KEY,
        FALSE_KEY,
        TRUE_KEY,
        key_of_number("-1e9"),
        key_of_number("0"),
        key_of_number("7"),
        key_of_text(""),
        key_of_text("a"),
        OBJECT_MARK,
        LIST_MARK,
    )
    assert list(values) == sorted(values)


def test_values_are_found_by_their_path() -> None:
    document = '{"a": 1, "b": {"c": "x", "d": null}, "e": [true, 2, [3]], "f": [{"g": 4}], "h": {}}'
    assert set(leaves_of(document)) == {
        Leaf("a", key_of_number("1")),
        Leaf("b", OBJECT_MARK),
        Leaf("b.c", key_of_text("x")),
        Leaf("b.d", NULL_KEY),
        Leaf("e", LIST_MARK),
        Leaf("e", TRUE_KEY),
        Leaf("e", key_of_number("2")),
        Leaf("e", key_of_number("3")),
        Leaf("f", LIST_MARK),
        Leaf("f", OBJECT_MARK),
        Leaf("f.g", key_of_number("4")),
        Leaf("f.g", LIST_MARK),  # several may be there
        Leaf("h", OBJECT_MARK),
    }


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3))
def test_different_keys_are_different_paths(one: list[str], other: list[str]) -> None:
    assert (join_path(one) == join_path(other)) == (one == other)


def test_keys_may_have_any_character() -> None:
    document = json.dumps({"a.b": {"": 1, "\0": 2, "\\": 3}, "\ud800": "\udfff"})
    assert {leaf.path for leaf in leaves_of(document)} == {
        join_path(["a.b"]),
        join_path(["a.b", ""]),
        join_path(["a.b", "\0"]),
        join_path(["a.b", "\\"]),
        "?",
    }


def test_what_is_near_the_top_is_kept_when_there_is_too_much() -> None:
    document = {"many": {str(at): at for at in range(5000)}, "loss": 0.5, "long": list(range(5000))}
    leaves = leaves_of(json.dumps(document))
    assert len(leaves) == MAX_LEAVES
    assert Leaf("loss", key_of_number("0.5")) in leaves


@pytest.mark.parametrize(
    "document",
    [
        "[" * 400 + "0" + "]" * 400,
        "[" + ",".join("0" * 300_000) + "]",
        "[" + ",".join(["[" + ",".join("0" * 1000) + "]"] * 300) + "]",
        '"' + "x" * 1_000_000 + '"',
        "1" * 1_000_000,
        "1e" + "9" * 1_000_000,
    ],
    ids=["deep", "long", "square", "text", "digits", "exponent"],
)
def test_a_large_value_makes_few_and_short_keys(document: str) -> None:
    leaves = leaves_of(f'{{"a": {document}}}')
    assert 1 <= len(leaves) <= 2
    assert all(len(leaf.key) <= 1025 for leaf in leaves)


def test_a_key_too_long_to_be_told_apart_says_so() -> None:
    assert is_cut(key_of_text("x" * 1024))
    assert not is_cut(key_of_text("x" * 1023))
    assert key_of_text("x" * 1023) < key_of_text("x" * 5000) < key_of_text("y")


def test_longer_paths_are_left_out() -> None:
    assert leaves_of(json.dumps({"x" * 1025: 1, "y": 2})) == [Leaf("y", key_of_number("2"))]
