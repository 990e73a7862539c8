"""What can be wrong with protected aliases, and with going back."""

from __future__ import annotations

from hydria_server.domain.errors import FailedPreconditionError, HydriaError


class PermissionDeniedError(HydriaError):
    """The caller may not do this."""

    reason = "PERMISSION_DENIED"


class AliasProtectedError(PermissionDeniedError):
    """Only administrators may move the alias, or say what is protected."""

    reason = "ALIAS_PROTECTED"


class NoPreviousVersionError(FailedPreconditionError):
    """The alias never pointed to another version that is still there."""

    reason = "NO_PREVIOUS_VERSION"
