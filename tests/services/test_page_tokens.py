"""Page tokens: opaque, bound to their request, and harmless when they are forged."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.errors import FieldViolationError, PageTokenInvalidError
from hydria_server.services.page_tokens import decode_token, encode_token, page_limit

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CURSORS = st.lists(TEXTS | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4).map(tuple)


@given(CURSORS, TEXTS)
def test_a_cursor_comes_back_with_the_same_request(
    cursor: tuple[str | int, ...], request: str
) -> None:
    token = encode_token(cursor, bound_to=request)
    assert token.isascii()
    assert decode_token(token, bound_to=request) == cursor


@given(CURSORS, TEXTS, TEXTS)
def test_and_with_no_other(cursor: tuple[str | int, ...], request: str, other: str) -> None:
    if request == other:
        return
    token = encode_token(cursor, bound_to=request)
    with pytest.raises(PageTokenInvalidError):
        decode_token(token, bound_to=other)


def test_the_end_is_the_empty_token() -> None:
    assert encode_token(None, bound_to="x") == ""
    assert decode_token("", bound_to="x") is None


@given(st.text(max_size=40))
def test_any_text_is_refused(token: str) -> None:
    if token:
        with pytest.raises(PageTokenInvalidError):
            decode_token(token, bound_to="x")


@pytest.mark.parametrize(
    "document",
    [
        "null",
        "[]",
        "{}",
        '["MARK"]',
        '["MARK", null]',
        '["MARK", 1.5]',
        '["MARK", true]',
        '["MARK"',
        '["MARK", [1]]',
        '["MARK", NaN]',
        "[" * 5000,
        '["MARK", ' + "9" * 5000 + "]",
    ],
)
def test_a_forged_token_is_refused(document: str) -> None:
    true = encode_token(("x",), bound_to="x")
    mark = json.loads(base64.urlsafe_b64decode(true))[0]
    forged = base64.urlsafe_b64encode(document.replace("MARK", mark).encode()).decode()
    with pytest.raises(PageTokenInvalidError):
        decode_token(forged, bound_to="x")


def test_a_forged_text_that_is_no_unicode_is_refused() -> None:
    true = encode_token(("x",), bound_to="x")
    mark = json.loads(base64.urlsafe_b64decode(true))[0]
    forged = base64.urlsafe_b64encode(f'["{mark}", "\\ud800"]'.encode()).decode()
    with pytest.raises(PageTokenInvalidError):
        decode_token(forged, bound_to="x")


@pytest.mark.parametrize(("asked", "limit"), [(0, 100), (1, 1), (1000, 1000), (2**31 - 1, 1000)])
def test_a_page_has_a_bounded_size(asked: int, limit: int) -> None:
    assert page_limit(asked) == limit
    with pytest.raises(FieldViolationError):
        page_limit(-1)
