"""What can go wrong with protected aliases, and with going back, by name."""

from __future__ import annotations

from hydria.errors import FailedPreconditionError, HydriaError


class PermissionDeniedError(HydriaError):
    """The caller may not do this."""


class AliasProtectedError(PermissionDeniedError):
    """Only administrators may move the alias; `details["alias"]` names it."""

    reason = "ALIAS_PROTECTED"


class NoPreviousVersionError(FailedPreconditionError):
    """No other version that held the alias is left; `details["deleted"]` may name one."""

    reason = "NO_PREVIOUS_VERSION"
