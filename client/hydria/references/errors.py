"""What can go wrong with references, by name."""

from __future__ import annotations

from typing import Self

from hydria.errors import HydriaError, InvalidArgumentError


class ReferenceInvalidError(InvalidArgumentError):
    """The URI or the checksum of a reference breaks the rules."""

    reason = "REFERENCE_INVALID"


class CrossDomainError(InvalidArgumentError):
    """A file of another entity cannot be copied: download it there and upload it here."""

    reason = "CROSS_DOMAIN"


class BrokenReferenceError(HydriaError):
    """What a reference points at cannot be had. `details` name the `uri` and, if known, `path`."""

    def of_path(self, path: str) -> Self:
        """Return the same error, about an entry of a version."""
        return type(self)(f"{path!r}: {self.message}", details={"path": path, **self.details})


class ReferenceNotFoundError(BrokenReferenceError):
    """There is nothing at the URI, or not any more."""


class ReferenceDeniedError(BrokenReferenceError):
    """The URI needs credentials, or other ones, or is nothing that may be read."""


class ReferenceChangedError(BrokenReferenceError):
    """Other bytes are there now; `details` have what was `expected` and `found`."""


class ReferenceUnavailableError(BrokenReferenceError):
    """The place does not answer as it should: it is down, stalls, or redirects for ever."""


class ReferenceUnverifiableError(BrokenReferenceError):
    """The reference has no checksum that this client can verify."""


class ReferenceUnsupportedError(BrokenReferenceError):
    """No store is installed, or there is none, for the scheme of the URI."""


class ReferenceLimitError(HydriaError):
    """There are more objects than `max_objects`. Nothing was added."""
