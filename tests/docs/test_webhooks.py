"""docs/protocol.md on webhooks: the body is what is sent, and the program tells true from false."""

from __future__ import annotations

import json
import time

from hydria_server.domain.event_types import EventType
from hydria_server.domain.events import EventFilter
from hydria_server.domain.records import EventRecord
from hydria_server.domain.webhook_signatures import new_secret, sign
from hydria_server.domain.webhooks import WebhookFormat, WebhookWords
from hydria_server.services.webhooks.payloads import body_of, event_of
from tests.docs.pages import Page

PAGE = Page("protocol.md")


def test_the_body_is_what_is_sent() -> None:
    record = EventRecord(
        seq=7,
        time_us=1_800_000_000_000_001,
        type=EventType.ALIAS_SET,
        actor="anonymous",
        project_id=1,
        collection_id=1,
        version_id=2,
        data={
            "project": "birds",
            "collection": "calls",
            "version": "v1",
            "digest": "blake3:ab12",
            "alias": "production",
            "from_version": "v0",
        },
    )
    words = WebhookWords("https://example.org/", EventFilter(), WebhookFormat.JSON, "", "")

    sent = body_of(words, event_of(record, "demo", "msg_0123456789abcdef0123456789abcdef"))

    assert json.loads(sent) == json.loads(PAGE.block("example: webhook body"))


def test_the_program_tells_what_is_genuine() -> None:
    program: dict[str, object] = {}
    exec(PAGE.block("example: verify.py"), program)
    is_genuine = program["is_genuine"]
    assert callable(is_genuine)
    secret, body, now = new_secret(), b'{"a": 1}', int(time.time())

    def headers(seconds: int, *, key: str = secret) -> dict[str, str]:
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign(key, "msg_1", seconds, body),
        }

    assert is_genuine(secret, headers(now), body)
    assert not is_genuine(secret, headers(now), body + b" ")
    assert not is_genuine(secret, headers(now - 301), body)
    assert not is_genuine(secret, headers(now, key=new_secret()), body)
    assert not is_genuine(secret, headers(now) | {"webhook-id": "msg_2"}, body)
    assert not is_genuine(secret, headers(now) | {"webhook-timestamp": str(now + 1)}, body)
    assert not is_genuine(secret, headers(now) | {"webhook-signature": "v1,ä"}, body)


def test_a_signature_is_that_of_the_specification() -> None:
    """The vector of the Standard Webhooks libraries."""
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
