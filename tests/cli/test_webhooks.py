"""`hydria webhook`: from create to rm, what is printed, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hydria.cli.webhook_rows import WEBHOOKS, webhook_lines, webhook_row
from hydria.loop_thread import LoopThread
from hydria.webhook_records import Webhook, WebhookFilter, WebhookFormat, WebhookState
from tests.cli.conftest import Hydria
from tests.webhook_target import Request, Target, webhook_target

Running = AbstractAsyncContextManager[Target]
SECRET = "whsec_" + "B" * 32


class Receiver:
    """A target that runs beside the command."""

    def __init__(self, target: Target, loop: LoopThread) -> None:
        self.target = target
        self._loop = loop

    def received(self, count: int) -> list[Request]:
        return self._loop.run(self.target.received(count))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    loop = LoopThread()
    running = webhook_target()
    target = loop.run(_entered(running))
    yield Receiver(target, loop)
    loop.run(_left(running))
    loop.close()


async def _entered(running: Running) -> Target:
    return await running.__aenter__()


async def _left(running: Running) -> None:
    await running.__aexit__(None, None, None)


@pytest.fixture
def hook(name: str) -> str:
    return f"{name.split('/')[0]}/my hook"


def test_a_webhook_from_create_to_rm(
    served: Hydria, receiver: Receiver, name: str, hook: str, files: Path
) -> None:
    made = served("webhook", "create", hook, "--url", receiver.target.url, "--project", "birds",
                  "--alias", "gold", "--type", "alias_set", "--json").row()  # fmt: skip
    assert (made["path"], made["state"], made["format"]) == (hook, "ACTIVE", "JSON")
    assert (made["project"], made["aliases"], made["types"]) == ("birds", ["gold"], ["alias_set"])
    assert str(made["secret"]).startswith("whsec_")

    served("artifact", "put", files, "--name", name, "--type", "model", "--alias", "gold")
    (request,) = receiver.received(1)
    assert request.data()["version_ref"] == f"{name}:v0"

    shown = served("webhook", "show", hook)
    assert "secret" not in shown.out
    assert "  types      alias_set\n" in shown.out
    entity = hook.split("/")[0]
    assert served("webhook", "ls", entity).out.splitlines()[1].startswith("my hook  ACTIVE")
    assert [row["path"] for row in served("webhook", "ls", entity, "--json").rows()] == [hook]

    assert served("webhook", "pause", hook, "--json").row()["state"] == "PAUSED"
    assert served("webhook", "resume", hook, "--json").row()["state"] == "ACTIVE"
    assert served("webhook", "rm", hook).out == f"{hook} deleted\n"
    gone = served("webhook", "show", hook)
    assert gone.code == 1
    assert "has no webhook" in gone.err


def test_a_test_and_a_redelivery_end_with_what_the_target_said(
    served: Hydria, receiver: Receiver, hook: str
) -> None:
    served("webhook", "create", hook, "--url", receiver.target.url, "--paused")
    receiver.target.status = 503

    failed = served("webhook", "test", hook)
    assert failed.code == 1
    assert "DEAD: HTTP 503 in " in failed.out
    (row,) = served("webhook", "deliveries", hook, "--filter", "state = DEAD", "--json").rows()
    assert (row["event_type"], row["attempt_count"]) == ("test", 1)
    listed = served("webhook", "deliveries", hook).out.splitlines()
    assert listed[1].split()[:5] == [row["delivery_id"], "test", "DEAD", "1", "503"]

    receiver.target.status = 204
    done = served("webhook", "redeliver", hook, str(row["delivery_id"]), "--json")
    assert done.code == 0
    assert done.row()["state"] == "DELIVERED"


def test_an_update_changes_what_is_given_and_a_rotated_secret_is_shown(
    served: Hydria, receiver: Receiver, hook: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "template.json").write_text('{"said": "${event.type}"}')
    made = served("webhook", "create", hook, "--url", receiver.target.url, "--type", "alias_set",
                  "--secret-file", "secret", "--json").row()  # fmt: skip
    assert made["secret"] == SECRET

    changed = served(
        "webhook", "update", hook, "--template", "@template.json", "--rotate-secret", "--json"
    ).row()
    assert changed["payload_template"] == '{"said": "${event.type}"}'
    assert changed["types"] == ["alias_set"]
    assert changed["secret"] not in (None, SECRET)
    assert served("webhook", "test", hook).code == 0
    assert receiver.received(1)[0].json() == {"said": "test"}

    everything = served("webhook", "update", hook, "--all-events", "--template", "",
                        "--format", "slack", "--json").row()  # fmt: skip
    assert (everything["types"], everything["format"]) == ([], "SLACK")


def test_wrong_usage_is_told_and_ends_with_2(served: Hydria, hook: str, tmp_path: Path) -> None:
    url = ("--url", "http://127.0.0.1:9/")

    assert served("webhook", "create", hook).code == 2
    assert served("webhook", "update", hook).code == 2
    assert served("webhook", "create", "a/b/c", *url).code == 2
    broken = served("webhook", "create", hook, *url, "--template", "{")
    assert (broken.code, "not JSON" in broken.err) == (2, True)
    unknown = served("webhook", "create", hook, *url, "--type", "birthday")
    assert (unknown.code, "alias_set" in unknown.err) == (1, True)
    private = served("webhook", "create", hook, "--url", "http://10.0.0.1/")
    assert (private.code, "no public address" in private.err) == (1, True)
    missing = served("webhook", "create", hook, *url, "--template", "@nothing.json")
    assert (missing.code, "nothing.json" in missing.err) == (1, True)


def test_what_a_webhook_missed_is_shown() -> None:
    then = datetime(2026, 3, 1, tzinfo=UTC)
    missed = Webhook(
        entity="team",
        name="hook",
        url="https://example.org/",
        filter=WebhookFilter(),
        format=WebhookFormat.JSON,
        payload_template="",
        state=WebhookState.PAUSED,
        failed_attempts=0,
        next_attempt_at=None,
        dead_count=0,
        missed_count=1234,
        missed_at=then,
        created_at=then,
        updated_at=then,
        etag="1",
    )
    none = replace(missed, missed_count=0, missed_at=None)
    assert any("missed     1,234 events" in line for line in webhook_lines(missed))
    assert not any("missed" in line for line in webhook_lines(none))
    assert webhook_row(missed)["missed_count"] == 1234
    assert webhook_row(missed)["missed_at"] == "2026-03-01T00:00:00Z"
    assert webhook_row(none)["missed_at"] is None
    assert WEBHOOKS.cells_of(missed)[-2] == "1,234"
