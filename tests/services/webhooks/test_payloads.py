"""What is sent of an event: names stay names, whatever they look like to who reads them."""

from __future__ import annotations

import json

import pytest

from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventFilter
from hydria_server.domain.records import EventRecord
from hydria_server.domain.webhooks import WebhookFormat, WebhookWords
from hydria_server.services.webhooks import payloads
from hydria_server.services.webhooks.payloads import body_of, event_of, slack_text

Words = dict[str, str | None]


def record(type_: EventType, data: Words) -> EventRecord:
    return EventRecord(7, 1_800_000_000_000_000, type_, "me", 1, 2, 3, dict(data))


def said(type_: EventType, data: Words) -> str:
    return slack_text(event_of(record(type_, data), "acme", "msg_1"))


PLACE: Words = {"project": "model-registry", "collection": "net", "version": "v3"}


@pytest.mark.parametrize(
    ("type_", "data", "text"),
    [
        (
            EventType.ALIAS_SET,
            {**PLACE, "alias": "prod", "from_version": "v2"},
            "`prod` points to `v3` now (was `v2`)",
        ),
        (
            EventType.ALIAS_SET,
            {**PLACE, "alias": "prod", "from_version": None},
            "`prod` points to `v3` now",
        ),
        (EventType.ALIAS_REMOVED, {**PLACE, "alias": "prod"}, "`prod` was removed (was `v3`)"),
        (EventType.VERSION_COMMITTED, PLACE, "version committed `v3`"),
        (EventType.COLLECTION_CREATED, {"project": "p", "collection": "c"}, "collection created"),
    ],
)
def test_slack_is_told_in_one_line(type_: EventType, data: Words, text: str) -> None:
    place = f"acme/{data['project']}/{data['collection']}"

    assert said(type_, data) == f"*{place}*: {text}, by me"


def test_names_are_no_markup_of_slack() -> None:
    names = {**PLACE, "collection": "<!channel> *b* & `c`", "alias": "a`<@U1>_x_"}

    line = said(EventType.ALIAS_SET, names)

    assert "<" not in line
    assert ">" not in line
    assert "&lt;!channel&gt;" in line
    assert "*b*" not in line
    assert "`a`\u200b&lt;@U1&gt;_x_`" in line


def test_what_has_no_name_of_its_own_is_in_the_details() -> None:
    data: Words = {**PLACE, "source": "a/b/c:v1", "digest": "blake3:00"}
    words = WebhookWords("", EventFilter(), WebhookFormat.JSON, "", "")

    body = json.loads(body_of(words, event_of(record(EventType.VERSION_LINKED, data), "e", "id")))

    assert body["type"] == "version_linked"
    assert body["timestamp"] == "2027-01-15T08:00:00Z"
    assert body["data"]["details"] == {"source": "a/b/c:v1", "digest": "blake3:00"}
    assert body["data"]["alias"] == ""


def test_a_made_up_event_is_not_taken_for_a_real_one() -> None:
    assert payloads.test_event("e", "id", now_us=0).type not in set(EventType)
