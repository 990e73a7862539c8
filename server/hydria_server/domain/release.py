"""Which release of Hydria this is."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def server_version() -> str:
    """Return the installed distribution's version; `0+unknown` when run from bare sources."""
    try:
        return metadata.version("hydria")
    except metadata.PackageNotFoundError:
        return "0+unknown"
