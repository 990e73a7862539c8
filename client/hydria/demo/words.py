"""How the demo speaks, and how it fails."""

from __future__ import annotations

_LABEL_COLUMNS = 15


class DemoFailedError(Exception):
    """Something is not as the demo says; the message tells what."""


def say(label: str, text: str) -> None:
    """Print one line of the story."""
    print(f"  {label:<{_LABEL_COLUMNS}}{text}", flush=True)


def tell(text: str) -> None:
    """Print a heading of the story."""
    print(f"\n{text}", flush=True)


def require(condition: bool, what: str) -> None:
    """Go on only if `condition` holds.

    Raises:
        DemoFailedError: it does not.
    """
    if not condition:
        raise DemoFailedError(what)
