"""Whether a text is an OpenLineage event, by the schema beside this file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Final, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.exact_json import Exact, is_deeper, parse_exact

SCHEMA_FILE: Final = "events.schema.json"
_MAX_PROBLEM_CHARACTERS: Final = 200
_MAX_LEVELS: Final = 100  # what is kept of an event is written again, level by level
# RFC 3339: unlike Python's own reading of ISO 8601 it wants a day, a time and an offset.
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,18}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x1f\x7f]*")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def time_us(text: str) -> int | None:
    """Return a date and time of RFC 3339 in microseconds since 1970; None for anything else."""
    matched = _TIME.fullmatch(text)
    if matched is None:
        return None
    day, clock, fraction, offset = matched.groups()
    offset = "+00:00" if offset in "Zz" else offset
    try:
        second = datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    seconds = (second - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return round(seconds) * 1_000_000 + int(f"{fraction or ''}000000"[:6])


def event_of(text: str) -> tuple[str, Exact]:
    """Return the kind of an event, `RunEvent` or another one, and what it says.

    Raises:
        FieldViolationError: it is not JSON, or not an event; the field is a path such as
            `$.run.runId`.
    """
    try:
        exact = parse_exact(text)
        if is_deeper(exact, _MAX_LEVELS):
            raise RecursionError
        plain: object = json.loads(text, parse_int=_integer)
        kind = _kind(plain)
        problem = best_match(_validator(kind).iter_errors(plain))
    except RecursionError:
        raise FieldViolationError("$", "it is nested too deeply") from None
    except ValueError as error:
        raise FieldViolationError("$", f"it is not JSON: {str(error)[:120]}") from None
    if problem is not None:
        said = problem.message
        if len(said) > _MAX_PROBLEM_CHARACTERS:  # it begins with the value, which may be long
            said = f"it does not pass {problem.validator!r}: ...{said[-_MAX_PROBLEM_CHARACTERS:]}"
        raise FieldViolationError(problem.json_path[:_MAX_PROBLEM_CHARACTERS], said)
    return kind, exact


def _integer(text: str) -> int:
    """Return an integer; of one with a million digits, which takes a while, only the first ones."""
    return int(text[:100])


def _kind(event: object) -> str:
    """Return what an event is meant to be: of what is neither, all that a run's event lacks."""
    if isinstance(event, dict) and "run" not in event:
        if "dataset" in event:
            return "DatasetEvent"
        if "job" in event and "eventType" not in event:
            return "JobEvent"
    return "RunEvent"


@cache
def schema() -> Mapping[str, object]:
    """Return the schema."""
    file = resources.files("hydria_server.services.openlineage") / SCHEMA_FILE
    return cast("Mapping[str, object]", json.loads(file.read_text(encoding="utf-8")))


@cache
def _validator(definition: str) -> Draft202012Validator:
    meant = {**schema(), "$ref": f"#/$defs/{definition}"}
    return Draft202012Validator(meant, format_checker=_formats())


def _formats() -> FormatChecker:
    """Return a checker of the formats that events have; jsonschema's own needs more packages."""
    checker = FormatChecker(formats=())
    checker.checks("date-time")(lambda text: not isinstance(text, str) or _is_time(text))
    checker.checks("uri")(lambda text: not isinstance(text, str) or bool(_URI.fullmatch(text)))
    checker.checks("uuid")(lambda text: not isinstance(text, str) or bool(_UUID.fullmatch(text)))
    return checker


def _is_time(text: str) -> bool:
    """Tell whether a text is a time since 1970: earlier ones are no run's."""
    at = time_us(text)
    return at is not None and at >= 0
