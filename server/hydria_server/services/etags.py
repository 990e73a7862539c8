"""Etags: whoever changes something may say which state of it was read."""

from __future__ import annotations

from hydria_server.domain.errors import EtagMismatchError


def require_etag(revision: int, etag: str) -> None:
    """Return when no etag is given, or the one that was read still holds.

    Raises:
        EtagMismatchError: the resource was changed since.
    """
    if etag and etag != format_etag(revision):
        raise EtagMismatchError("it was changed since the etag was read; read it again")


def format_etag(revision: int) -> str:
    """Return the etag of a revision."""
    return f"r{revision}"
