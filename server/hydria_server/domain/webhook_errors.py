"""What is refused about webhooks."""

from __future__ import annotations

from hydria_server.domain.errors import FieldViolationError, ResourceExhaustedError


class WebhookTargetRefusedError(FieldViolationError):
    """The target of a webhook is no public address, and the operator has not allowed it."""

    reason = "WEBHOOK_TARGET_REFUSED"


class TooManyWebhooksError(ResourceExhaustedError):
    """The entity has as many webhooks as it may have."""

    reason = "TOO_MANY_WEBHOOKS"
