"""What a webhook sends of an event: its own JSON, a filled template, or a message for Slack."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hydria_server.domain.event_types import EventType, Json
from hydria_server.domain.payload_templates import fill_template
from hydria_server.domain.records import EventRecord
from hydria_server.domain.webhooks import WebhookEvent, WebhookFormat, WebhookWords

TEST_TYPE = "test"
_NAMED = frozenset(("project", "collection", "version", "alias", "from_version"))


def event_of(record: EventRecord, entity: str, event_id: str) -> WebhookEvent:
    """Return an event as targets are told of it."""
    data = record.data
    version, alias = _text(data.get("version")), _text(data.get("alias"))
    is_removal = record.type is EventType.ALIAS_REMOVED
    return WebhookEvent(
        id=event_id,
        type=record.type.value,
        time_us=record.time_us,
        actor=record.actor,
        entity=entity,
        project=_text(data.get("project")),
        collection=_text(data.get("collection")),
        version="" if is_removal else version,
        alias=alias,
        previous_version=version if is_removal else _text(data.get("from_version")),
        details={name: value for name, value in data.items() if name not in _NAMED},
    )


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def test_event(entity: str, event_id: str, *, now_us: int) -> WebhookEvent:
    """Return a made-up event that nobody takes for a real one."""
    return WebhookEvent(
        id=event_id,
        type=TEST_TYPE,
        time_us=now_us,
        actor="hydria",
        entity=entity,
        project="a-project",
        collection="a-collection",
        version="v1",
        alias="an-alias",
        previous_version="v0",
    )


def body_of(words: WebhookWords, event: WebhookEvent) -> str:
    """Return the JSON that a webhook sends of an event."""
    if words.format is WebhookFormat.SLACK:
        return json.dumps({"text": slack_text(event)}, ensure_ascii=False)
    texts = _texts_of(event)
    details = json.dumps(dict(event.details), ensure_ascii=False)
    if words.payload_template:
        return fill_template(words.payload_template, texts, details)
    data = {name: text for name, text in texts.items() if name not in ("type", "time")}
    return json.dumps(
        {
            "type": texts["type"],
            "timestamp": texts["time"],
            "data": {**data, "details": dict(event.details)},
        },
        ensure_ascii=False,
    )


def _texts_of(event: WebhookEvent) -> dict[str, str]:
    moment = datetime.fromtimestamp(event.time_us // 1_000_000, UTC)
    exact = moment.replace(microsecond=event.time_us % 1_000_000)
    return {
        "id": event.id,
        "type": event.type,
        "time": exact.isoformat().replace("+00:00", "Z"),
        "actor": event.actor,
        "entity": event.entity,
        "project": event.project,
        "collection": event.collection,
        "version": event.version,
        "version_ref": event.version_ref,
        "alias": event.alias,
        "previous_version": event.previous_version,
    }


def slack_text(event: WebhookEvent) -> str:
    """Return one line in Slack's markup; what it would take for markup in names is escaped."""
    place = "/".join(filter(None, (event.entity, event.project, event.collection)))
    was = f" (was {_code(event.previous_version)})" if event.previous_version else ""
    match event.type:
        case EventType.ALIAS_SET:
            what = f"{_code(event.alias)} points to {_code(event.version)} now{was}"
        case EventType.ALIAS_REMOVED:
            what = f"{_code(event.alias)} was removed{was}"
        case _:
            named = f" {_code(event.version)}" if event.version else ""
            what = f"{event.type.replace('_', ' ')}{named}"
    return f"*{_escaped(place)}*: {what}, by {_escaped(event.actor)}"


def _code(text: str) -> str:
    return f"`{_escaped(text, marks='`')}`"


def _escaped(text: str, *, marks: str = "*_~`") -> str:
    """Escape what Slack reads: its three entities, and the marks for bold, code and the like."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    for mark in marks:  # a zero-width space keeps a mark from being one
        text = text.replace(mark, mark + "\u200b")
    return text
