"""`--as-of TIME`: a moment, as people and programs write it."""

from __future__ import annotations

from datetime import datetime

import click


def parse_moment(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> datetime | None:
    """Return the moment of ISO 8601 text, aware; without an offset it is of the local time zone.

    Raises:
        BadParameter: it is none.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        example = '"2026-05-04 09:00" or 2026-05-04T07:00:00Z'
        raise click.BadParameter(
            f"{text!r} is not a time such as {example}", context, parameter
        ) from None
