"""A hook: a webhook of a team, and short words for what its owner does with it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from hydria.v1 import registry_pb2 as pb
from hydria.v1 import registry_pb2_grpc
from tests.shelves import registry_stub
from tests.teams import Team
from tests.webhook_target import PATIENCE_SECONDS, Request


@dataclass(frozen=True, slots=True)
class Hook:
    """Calls for one webhook of a team."""

    team: Team
    name: str = "my hook"

    @property
    def stub(self) -> registry_pb2_grpc.RegistryServiceAsyncStub:
        return registry_stub(self.team.server)

    async def create(
        self,
        url: str,
        *,
        filter_: pb.EventFilter | None = None,
        format_: pb.WebhookFormat.ValueType = pb.WEBHOOK_FORMAT_UNSPECIFIED,
        template: str = "",
        secret: str = "",
        paused: bool = False,
    ) -> pb.CreateWebhookResponse:
        return await self.stub.CreateWebhook(
            pb.CreateWebhookRequest(
                entity=self.team.name,
                name=self.name,
                target_url=url,
                filter=filter_,
                format=format_,
                payload_template=template,
                secret=secret,
                paused=paused,
            )
        )

    async def get(self) -> pb.Webhook:
        request = pb.GetWebhookRequest(entity=self.team.name, name=self.name)
        return (await self.stub.GetWebhook(request)).webhook

    async def update(
        self, changed: pb.UpdateWebhookRequest, *paths: str, etag: str = ""
    ) -> pb.UpdateWebhookResponse:
        """Change what `paths` name."""
        request = pb.UpdateWebhookRequest()
        request.CopyFrom(changed)
        request.entity, request.name, request.etag = self.team.name, self.name, etag
        request.update_mask.paths.extend(paths)
        return await self.stub.UpdateWebhook(request)

    async def delete(self, *, etag: str = "") -> None:
        request = pb.DeleteWebhookRequest(entity=self.team.name, name=self.name, etag=etag)
        await self.stub.DeleteWebhook(request)

    async def test(self) -> pb.WebhookDelivery:
        request = pb.TestWebhookRequest(entity=self.team.name, name=self.name)
        return (await self.stub.TestWebhook(request)).delivery

    async def redeliver(self, delivery_id: str) -> pb.WebhookDelivery:
        request = pb.RedeliverWebhookRequest(
            entity=self.team.name, name=self.name, delivery_id=delivery_id
        )
        return (await self.stub.RedeliverWebhook(request)).delivery

    async def log(
        self, filter_: str = "", *, order_by: str = "", page_size: int = 0
    ) -> list[pb.WebhookDelivery]:
        """Return the log, page by page."""
        found: list[pb.WebhookDelivery] = []
        token = ""
        while True:
            page = await self.stub.ListWebhookDeliveries(
                pb.ListWebhookDeliveriesRequest(
                    entity=self.team.name,
                    name=self.name,
                    filter=filter_,
                    order_by=order_by,
                    page_size=page_size,
                    page_token=token,
                )
            )
            assert not page_size or len(page.deliveries) <= page_size
            found += page.deliveries
            token = page.next_page_token
            if not token:
                return found

    async def logged(self, count: int, filter_: str = "") -> Sequence[pb.WebhookDelivery]:
        """Wait until the log has so many deliveries: an answer is logged after it was given."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found := await self.log(filter_)) < count:
                pass
        return found


def is_signed(request: Request, secret: str) -> bool:
    """Verify a request as docs/protocol.md tells receivers to."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{request.id}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = request.headers["webhook-signature"].split()
    return any(hmac.compare_digest(each, f"v1,{expected}") for each in given)
