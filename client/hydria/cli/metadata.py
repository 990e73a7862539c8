"""`--metadata JSON|@FILE`: text that must be a JSON object, and is sent as it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NoReturn

import click


def parse_metadata(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> str | None:
    """Return the JSON of `JSON`, `@FILE` or `@-` (standard input), unchanged.

    Raises:
        BadParameter: the file cannot be read, or the text is no JSON object.
    """
    if text is None:
        return None
    try:
        if text.startswith("@"):
            text = _read(text[1:])
        document = json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
        if not isinstance(document, dict):
            raise ValueError('not an object like {"rows": 3}')
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
    except UnicodeError:
        problem = "it is not text in UTF-8"
    except (ValueError, RecursionError) as error:
        problem = f"it is not a JSON object: {error}"
    else:
        return text
    raise click.BadParameter(problem, context, parameter)


def _read(name: str) -> str:
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return data.decode("utf-8-sig")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not in JSON")
