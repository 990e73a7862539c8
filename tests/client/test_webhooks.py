"""`client.webhooks`, with and without await."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hydria import Client
from hydria.client import AsyncClient
from hydria.errors import (
    AlreadyExistsError,
    EtagMismatchError,
    InvalidArgumentError,
    NotFoundError,
    RefInvalidError,
)
from hydria.webhook_records import DeliveryState, WebhookFilter, WebhookFormat, WebhookState
from tests.servers import Server
from tests.webhook_target import webhook_target


async def test_a_webhook_is_made_told_changed_and_deleted(
    client: AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("content")
    filter_ = WebhookFilter(project="birds", collections=("calls",), types=("version_committed",))
    async with webhook_target() as target:
        made = await client.webhooks.create("hook", target.url, filter=filter_)
        await client.log("calls", tmp_path / "file", type="dataset")
        (request,) = await target.received(1)
        tested = await client.webhooks.test("team/hook")

    assert made.path == "team/hook"
    assert made.secret
    assert made.secret not in repr(made)
    assert made.filter == filter_
    assert request.data()["version_ref"] == "team/birds/calls:v0"
    assert tested.state is DeliveryState.DELIVERED
    assert tested.last_succeeded
    log = await client.webhooks.deliveries("hook").to_list()
    assert log[0] == tested

    with pytest.raises(AlreadyExistsError):
        await client.webhooks.create("hook", target.url)
    changed = await client.webhooks.update("hook", format=WebhookFormat.SLACK, etag=made.etag)
    assert (changed.format, changed.secret, changed.filter) == (WebhookFormat.SLACK, "", filter_)
    assert (await client.webhooks.update("hook", secret="")).secret not in ("", made.secret)
    with pytest.raises(EtagMismatchError):
        await client.webhooks.delete("hook", etag=made.etag)
    await client.webhooks.delete("hook")
    with pytest.raises(NotFoundError):
        await client.webhooks.get("hook")


async def test_wrong_arguments_are_told_before_anything_is_sent(client: AsyncClient) -> None:
    with pytest.raises(InvalidArgumentError, match="alias_set"):
        await client.webhooks.create(
            "hook", "http://127.0.0.1:9", filter=WebhookFilter(types=("x",))
        )
    for name in ("", "/hook", "a/b/c", "team/"):
        with pytest.raises(RefInvalidError):
            await client.webhooks.get(name)


async def test_the_same_works_without_await(server: Server, tmp_path: Path) -> None:
    def work() -> None:
        with Client(server.address, entity="team", cache_dir=tmp_path / "cache") as client:
            hooks = client.webhooks
            hooks.create("hook", "http://127.0.0.1:9/", paused=True)
            assert [each.name for each in hooks.list()] == ["hook"]
            assert hooks.get("hook").state is WebhookState.PAUSED
            assert hooks.resume("hook").state is WebhookState.ACTIVE
            assert hooks.pause("hook").state is WebhookState.PAUSED
            failed = hooks.test("hook")
            assert failed.state is DeliveryState.DEAD
            assert failed.attempts[0].status == 0
            assert not hooks.redeliver("hook", failed.delivery_id).last_succeeded
            assert [each.attempt_count for each in hooks.deliveries("hook")] == [2]
            assert hooks.update("hook", payload_template="{}").payload_template == "{}"
            hooks.delete("hook")
            assert list(hooks.list("team")) == []

    await asyncio.to_thread(work)
