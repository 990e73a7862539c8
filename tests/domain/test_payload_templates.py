"""Payload templates: checked when they are given, and always JSON when they are filled."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.payload_templates import TEXTS, fill_template, require_template

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def fill(template: str, details: str = "{}", **texts: str) -> object:
    checked = require_template(template, field="payload_template")
    return json.loads(fill_template(checked, dict.fromkeys(TEXTS, "") | texts, details))


@given(name=ANY_TEXT, alias=ANY_TEXT)
def test_whatever_is_put_in_stays_inside_its_text(name: str, alias: str) -> None:
    template = '{"text": "<${event.collection}> is ${event.alias}", "n": [1.50, null]}'

    filled = fill(template, collection=name, alias=alias)

    assert filled == {"text": f"<{name}> is {alias}", "n": [1.5, None]}


@given(text=ANY_TEXT)
def test_what_was_put_in_is_not_looked_at_again(text: str) -> None:
    hostile = "${event.actor}" + text + '"${event.details}"'

    assert fill('["${event.alias}", "${event.actor}"]', alias=hostile, actor="me") == [
        hostile,
        "me",
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | ANY_TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
        max_leaves=10,
    )
)
def test_any_json_without_placeholders_comes_out_as_it_is(document: object) -> None:
    text = json.dumps(document).replace("${", "$ {")

    assert require_template(text, field="f") == text
    assert fill_template(text, dict.fromkeys(TEXTS, ""), "{}") == text


def test_details_are_an_object_alone_and_text_within_a_text() -> None:
    details = '{"digest": "a\\"b", "n": 1}'

    assert fill('{"all": "${event.details}"}', details) == {"all": {"digest": 'a"b', "n": 1}}
    assert fill('{"all": "so: ${event.details}"}', details) == {"all": f"so: {details}"}
    assert fill(r'["\"${event.details}\""]', details) == [f'"{details}"']


def test_a_doubled_dollar_stands_for_the_placeholder_itself() -> None:
    assert fill('["$${event.alias} ${event.alias} $5"]', alias="x") == ["${event.alias} x $5"]


def test_numbers_stay_to_the_letter() -> None:
    template = "[1.10, 12345678901234567890, 1E400]"

    assert fill_template(require_template(template, field="f"), {}, "{}") == template


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{", "not JSON"),
        ("[NaN]", "not JSON"),
        ('{"${event.alias}": 1}', "key"),
        ('["${event.secret}"]', "there is no"),
        ('["${alias}"]', "there is no"),
        ('["${event.alias"]', "there is no"),
        ('["${event.alias}}${"]', "there is no"),
        ("[${event.alias}]", "not JSON"),
        ('["\\ud800"]', "not JSON"),
        ("[" * 100_000, "larger"),
        ("[" * 10_000, "not JSON"),
        ('["' + "${event.id}" * 101 + '"]', "more than 100"),
        ('["${event.details}", "${event.details}"]', "twice"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(template: str, problem: str) -> None:
    with pytest.raises(FieldViolationError, match=problem):
        require_template(template, field="payload_template")
