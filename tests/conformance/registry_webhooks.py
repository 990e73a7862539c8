"""Webhooks through the wire: made, read, changed and deleted; what they are told, and how."""

from __future__ import annotations

import pytest

from hydria.v1 import registry_pb2 as pb
from tests.hooks import Hook, is_signed
from tests.refusals import refused
from tests.shelves import Shelf, registry_stub
from tests.teams import Team
from tests.webhook_target import webhook_target

SECRET = "whsec_" + "A" * 32
ALIAS_SET = pb.EventFilter(types=[pb.EVENT_TYPE_ALIAS_SET])


class WebhooksContract:
    """A webhook is told what happens, signed and in order; its secret is told once."""

    async def test_what_happens_is_delivered_in_order_and_signed(self, team: Team) -> None:
        async with webhook_target() as target:
            made = await Hook(team).create(target.url)
            await team.log({"a": b"1"}, aliases=["gold"])
            await team.log({"a": b"2"}, aliases=["gold"])

            events = [request.json() for request in await target.received(8)]

        assert [event["type"] for event in events] == [
            "project_created",
            "collection_created",
            "version_committed",
            "alias_set",
            "alias_set",
            "version_committed",
            "alias_set",
            "alias_set",
        ]
        gold = [request for request in target.requests if request.data()["alias"] == "gold"][-1]
        assert gold.data() | {"details": None} == {
            "id": gold.id,
            "actor": "anonymous",
            "entity": team.name,
            "project": "birds",
            "collection": "calls",
            "version": "v1",
            "version_ref": team.ref(":v1"),
            "alias": "gold",
            "previous_version": "v0",
            "details": None,
        }
        assert gold.headers["Content-Type"] == "application/json"
        assert all(is_signed(request, made.secret) for request in target.requests)
        assert not is_signed(gold, SECRET)

    async def test_a_filter_selects_as_that_of_watch_does(self, team: Team) -> None:
        shelf = Shelf.of(team)
        filter_ = pb.EventFilter(
            project="model-registry",
            collections=["Bird Calls"],
            aliases=["production"],
            types=[pb.EVENT_TYPE_ALIAS_SET, pb.EVENT_TYPE_ALIAS_REMOVED],
        )
        async with webhook_target() as target:
            await Hook(team).create(target.url, filter_=filter_)
            version = await team.log({"a": b"1"}, type_="model", aliases=["production"])
            await shelf.link(version.ref, aliases=["staging"])
            await shelf.link(version.ref, aliases=["production"])
            await shelf.unlink(":v0", delete_aliases=True)

            said = [(await target.received(2))[n].json()["type"] for n in range(2)]

        assert said == ["alias_set", "alias_removed"]
        assert len(target.requests) == 2

    async def test_a_template_is_filled_in_and_a_slack_message_is_ready(self, team: Team) -> None:
        template = '{"text": "${event.alias} -> ${event.version_ref}", "all": "${event.details}"}'
        async with webhook_target() as target, webhook_target() as slack:
            await Hook(team).create(target.url, filter_=ALIAS_SET, template=template)
            format_ = pb.WEBHOOK_FORMAT_SLACK
            await Hook(team, "slack").create(slack.url, filter_=ALIAS_SET, format_=format_)
            await team.log({"a": b"1"})

            filled = (await target.received(1))[0].json()
            message = (await slack.received(1))[0].json()

        assert filled["text"] == f"latest -> {team.ref(':v0')}"
        assert isinstance(filled["all"], dict)
        assert "digest" in filled["all"]
        place = f"{team.name}/birds/calls"
        assert message == {"text": f"*{place}*: `latest` points to `v0` now, by anonymous"}

    async def test_a_secret_is_told_when_it_is_made_or_replaced_and_never_again(
        self, team: Team
    ) -> None:
        hook = Hook(team)
        async with webhook_target() as target:
            made = await hook.create(target.url, secret=SECRET, filter_=ALIAS_SET)
            read, listed = (
                await hook.get(),
                await registry_stub(team.server).ListWebhooks(
                    pb.ListWebhooksRequest(entity=team.name)
                ),
            )
            described = await hook.update(
                pb.UpdateWebhookRequest(target_url=target.url), "target_url"
            )
            rotated = await hook.update(pb.UpdateWebhookRequest(), "secret")
            await hook.test()

            assert is_signed(target.requests[0], rotated.secret)
        assert made.secret == SECRET
        assert described.secret == ""
        assert rotated.secret not in ("", SECRET)
        for message in (read, listed, described):
            assert SECRET not in str(message)

    async def test_a_webhook_is_read_listed_changed_and_deleted(self, team: Team) -> None:
        hook, other = Hook(team, "b"), Hook(team, "a")
        url = "http://127.0.0.1:9/"
        made = (await hook.create(url, filter_=ALIAS_SET, paused=True)).webhook
        await other.create(url)

        assert made == await hook.get()
        assert (made.state, made.filter) == (pb.WEBHOOK_STATE_PAUSED, ALIAS_SET)
        assert made.format == pb.WEBHOOK_FORMAT_JSON
        stub = registry_stub(team.server)
        request = pb.ListWebhooksRequest(entity=team.name)
        assert [each.name for each in (await stub.ListWebhooks(request)).webhooks] == ["a", "b"]
        request.filter = "state = PAUSED"
        assert list((await stub.ListWebhooks(request)).webhooks) == [made]
        nobody = pb.ListWebhooksRequest(entity="nobody")
        assert not (await stub.ListWebhooks(nobody)).webhooks

        change = pb.UpdateWebhookRequest(
            state=pb.WEBHOOK_STATE_ACTIVE, filter=pb.EventFilter(project="wandb-registry-x")
        )
        changed = (await hook.update(change, "state", "filter", etag=made.etag)).webhook
        assert changed.state == pb.WEBHOOK_STATE_ACTIVE
        assert changed.filter == pb.EventFilter(project="registry-x")
        assert changed.target_url == url
        with refused("ETAG_MISMATCH"):
            await hook.update(change, "state", etag=made.etag)
        with refused("ETAG_MISMATCH"):
            await hook.delete(etag=made.etag)
        await hook.delete(etag=changed.etag)
        with refused("RESOURCE_NOT_FOUND"):
            await hook.get()

    async def test_a_test_is_sent_at_once_whatever_the_state_and_the_filter(
        self, team: Team
    ) -> None:
        hook = Hook(team)
        async with webhook_target() as target:
            await hook.create(target.url, filter_=ALIAS_SET, paused=True)
            fine = await hook.test()
            target.status = 500
            failed = await hook.test()

        assert (fine.state, fine.event_type) == (pb.WEBHOOK_DELIVERY_STATE_DELIVERED, "test")
        assert failed.state == pb.WEBHOOK_DELIVERY_STATE_DEAD
        assert (failed.attempts[0].status, failed.attempts[0].message) == (500, "thanks")
        assert target.requests[0].json()["type"] == "test"
        assert fine.request_body.encode() == target.requests[0].body
        assert fine.delivery_id == target.requests[0].id
        assert [each.delivery_id for each in await hook.log()] == [
            failed.delivery_id,
            fine.delivery_id,
        ]

    async def test_the_log_is_paged_filtered_and_bounds_what_it_keeps_of_answers(
        self, team: Team
    ) -> None:
        hook = Hook(team)
        async with webhook_target() as target:
            await hook.create(target.url, paused=True)
            sent = [await hook.test() for _ in range(4)]
            target.status, target.answer = 418, b"\xff" * 3000
            sent.append(await hook.test())

        log = await hook.log(page_size=2)
        assert log == sent[::-1]
        assert await hook.log(order_by="created_at", page_size=1) == sent
        assert await hook.log("state = DEAD") == sent[4:]
        assert len(log[0].attempts[0].message.encode()) <= 1024
        with refused("FILTER_INVALID"):
            await hook.log("body = x")

    async def test_a_dead_delivery_is_sent_again_by_hand_under_its_id(self, team: Team) -> None:
        hook = Hook(team)
        async with webhook_target() as target:
            await hook.create(target.url)
            target.status = 500
            dead = await hook.test()
            failed = await hook.redeliver(dead.delivery_id)
            target.status = 200
            done = await hook.redeliver(dead.delivery_id)

        assert failed.state == pb.WEBHOOK_DELIVERY_STATE_DEAD
        assert done.state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED
        assert [attempt.status for attempt in done.attempts] == [500, 500, 200]
        assert {request.id for request in target.requests} == {dead.delivery_id}
        assert {request.body for request in target.requests} == {dead.request_body.encode()}
        assert (await hook.log())[0] == done
        with refused("RESOURCE_NOT_FOUND"):
            await hook.redeliver("msg_nothing")

    async def test_what_waits_for_its_next_attempt_is_not_sent_by_hand(self, team: Team) -> None:
        hook = Hook(team)
        async with webhook_target() as target:
            target.status = 500
            await hook.create(target.url, filter_=ALIAS_SET)
            await team.log({"a": b"1"})
            (pending,) = await hook.logged(1)
            with refused("RESOURCE_IN_USE"):
                await hook.redeliver(pending.delivery_id)
            failing = await hook.get()
            target.status = 200
            await hook.update(pb.UpdateWebhookRequest(state=pb.WEBHOOK_STATE_ACTIVE), "state")
            (done,) = await hook.logged(1, "state = DELIVERED")

        assert pending.HasField("next_attempt_at")
        assert (failing.failed_attempts, failing.HasField("next_attempt_at")) == (1, True)
        assert done.delivery_id == pending.delivery_id
        assert not (await hook.get()).failed_attempts

    @pytest.mark.parametrize(
        "url",
        [
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]:80/",
            "http://[::ffff:192.168.0.1]/",
            "http://no-such-host.invalid/",
        ],
    )
    async def test_a_target_that_is_not_public_is_refused(self, team: Team, url: str) -> None:
        hook = Hook(team)
        with refused("WEBHOOK_TARGET_REFUSED") as refusal:
            await hook.create(url)
        assert refusal.metadata["field"] == "target_url"

        await hook.create("http://127.0.0.1:9/")
        with refused("WEBHOOK_TARGET_REFUSED"):
            await hook.update(pb.UpdateWebhookRequest(target_url=url), "target_url")

    async def test_a_redirect_to_a_private_address_is_not_followed(self, team: Team) -> None:
        async with webhook_target() as target:
            target.status, target.location = 302, "http://10.0.0.1/"
            await Hook(team).create(target.url)
            delivery = await Hook(team).test()

        assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_DEAD
        assert delivery.attempts[0].status == 302
        assert "not followed" in delivery.attempts[0].message

    async def test_malformed_webhooks_are_refused(self, team: Team) -> None:
        hook, url = Hook(team), "http://127.0.0.1:9/"
        slack = pb.WEBHOOK_FORMAT_SLACK
        for bad in ("ftp://x/", "http://a:b@127.0.0.1/", ""):
            with refused("FIELD_VIOLATION"):
                await hook.create(bad)
        for template in ("{", '["${event.secret}"]', '{"${event.id}": 1}'):
            with refused("FIELD_VIOLATION"):
                await hook.create(url, template=template)
        with refused("FIELD_VIOLATION"):
            await hook.create(url, template="{}", format_=slack)
        for secret in ("hush", "whsec_short", "whsec_" + "A" * 100):
            with refused("FIELD_VIOLATION") as refusal:
                await hook.create(url, secret=secret)
            assert secret not in refusal.message
        with refused("FIELD_VIOLATION"):
            await hook.create(url, filter_=pb.EventFilter(collections=["x"]))
        with refused("NAME_INVALID"):
            await Hook(team, "a/b").create(url)
        await hook.create(url)
        with refused("RESOURCE_ALREADY_EXISTS"):
            await hook.create(url)
        with refused("FIELD_VIOLATION"):
            await hook.update(pb.UpdateWebhookRequest(), "name")
        with refused("FIELD_VIOLATION"):
            await hook.update(pb.UpdateWebhookRequest(), "state")
        with refused("FIELD_VIOLATION"):
            await hook.update(pb.UpdateWebhookRequest(payload_template="{"), "payload_template")

    async def test_an_entity_has_a_hundred_webhooks_at_most(self, team: Team) -> None:
        for number in range(100):
            await Hook(team, f"hook {number}").create("http://127.0.0.1:9/", paused=True)
        with refused("TOO_MANY_WEBHOOKS"):
            await Hook(team).create("http://127.0.0.1:9/")
