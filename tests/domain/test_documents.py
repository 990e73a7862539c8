"""Documents: JSON kept to the letter, and descriptions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.documents import (
    MAX_DOCUMENT_BYTES,
    require_description,
    require_json_object,
)
from hydria_server.domain.errors import FieldViolationError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=5), VALUES), st.booleans())
def test_an_object_is_kept_to_the_letter(document: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=1)
    if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text):
        assert require_json_object(text, field="f") == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 9007199254740993}',
        '{"a": 1.10}',
        '{"a": 1e400}',
        '{"a": -0}',
        ' {"a" : 1}\n',
        '{"a": 1, "a": 2}',
        '{"a": "\\ud800"}',
        "{" + '"a": ' + "1" * 5000 + "}",
    ],
)
def test_numbers_and_spaces_stay_as_they_are(text: str) -> None:
    assert require_json_object(text, field="f") == text


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "1",
        '"a"',
        "null",
        "{",
        "{}x",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": Infinity}',
        "\x00",
        '{"a": -Infinity}',
        '{"a"}',
        " ",
        '{"a": 01}',
        '{"a": ' * 2000,
        '{"a":' + "[" * 200000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(FieldViolationError) as refused:
        require_json_object(text, field="metadata_json")
    assert refused.value.details == {"field": "metadata_json"}
    assert len(refused.value.message) < 300


def test_no_text_is_the_empty_object() -> None:
    assert require_json_object("", field="f") == "{}"


def test_a_document_of_1_mib_fits_and_one_more_byte_does_not() -> None:
    text = '{"a": "' + "é" * ((MAX_DOCUMENT_BYTES - 9) // 2)
    text += " " * (MAX_DOCUMENT_BYTES - 2 - len(text.encode())) + '"}'
    assert len(text.encode()) == MAX_DOCUMENT_BYTES
    assert require_json_object(text, field="f") == text
    with pytest.raises(FieldViolationError):
        require_json_object(text + " ", field="f")


def test_a_description_is_any_text_up_to_1_mib() -> None:
    for text in ("", "**words**\n\ttab", "é" * (MAX_DOCUMENT_BYTES // 2)):
        assert require_description(text, field="f") == text
    for text in ("a\0b", "x" * (MAX_DOCUMENT_BYTES + 1), "é" * (MAX_DOCUMENT_BYTES // 2 + 1)):
        with pytest.raises(FieldViolationError):
            require_description(text, field="f")
