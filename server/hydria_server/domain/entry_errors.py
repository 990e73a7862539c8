"""What is refused about entries whose bytes do not come with them: references and copies."""

from __future__ import annotations

from hydria_server.domain.errors import InvalidArgumentError


class ReferenceInvalidError(InvalidArgumentError):
    """The URI or the checksum of a reference breaks the rules."""

    reason = "REFERENCE_INVALID"


class CrossDomainError(InvalidArgumentError):
    """A copy names a version of another domain; nothing is shared across domains (I10)."""

    reason = "CROSS_DOMAIN"
