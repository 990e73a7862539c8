r"""Payload templates: JSON in whose texts `${event.NAME}` stands for something of the event.

What is put in is escaped as JSON, so that no name can end its text. All else stays to the letter.
`$${` stands for `${` itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, NoReturn

from hydria_server.domain.errors import FieldViolationError

MAX_TEMPLATE_BYTES: Final = 16 * 1024
MAX_PLACEHOLDERS: Final = 100
TEXTS: Final = (
    "id",
    "type",
    "time",
    "actor",
    "entity",
    "project",
    "collection",
    "version",
    "version_ref",
    "alias",
    "previous_version",
)
DETAILS: Final = "details"
_PLACEHOLDER: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
# As a whole text it is replaced with an object. A quote before `${` that is not escaped opens one.
_DETAILS_OBJECT: Final = re.compile(r'(?<!\\)"\$\{event\.details\}"')


def require_template(text: str, *, field: str) -> str:
    """Return `text` when it is a payload template of at most 16 KiB, or empty.

    Raises:
        FieldViolationError: it is no JSON, or has a placeholder that nothing is known of.
    """
    if not text:
        return text
    if len(text.encode("utf-8", "replace")) > MAX_TEMPLATE_BYTES:
        raise FieldViolationError(field, f"it is larger than {MAX_TEMPLATE_BYTES} bytes")
    try:
        document = json.loads(
            text,
            parse_constant=_refuse,
            parse_int=str,
            parse_float=str,
            object_pairs_hook=_without_placeholders_in_keys,
        )
        json.dumps(document, ensure_ascii=False).encode()  # half a character is none
    except (ValueError, RecursionError) as error:
        raise FieldViolationError(field, f"it is not JSON: {str(error)[:120]}") from None
    _require_known(text, field=field)
    return text


def _require_known(text: str, *, field: str) -> None:
    names = [found[1] for found in _PLACEHOLDER.finditer(text) if found[1] is not None]
    known = {f"event.{name}" for name in (*TEXTS, DETAILS)}
    for name in names:
        if name not in known:
            raise FieldViolationError(
                field,
                f"there is no ${{{name[:40]}}}, but {', '.join(sorted(known))}; $${{ means ${{",
            )
    if len(names) > MAX_PLACEHOLDERS or names.count(f"event.{DETAILS}") > 1:
        raise FieldViolationError(
            field, f"it has more than {MAX_PLACEHOLDERS} placeholders, or event.details twice"
        )


def _without_placeholders_in_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    for key, _ in pairs:
        if "${" in key:
            raise ValueError(f"the key {key[:40]!r} has a placeholder; only texts may")
    return dict(pairs)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def fill_template(template: str, texts: Mapping[str, str], details_json: str) -> str:
    """Return the JSON that a checked template makes of an event.

    Args:
        template: what `require_template` let pass.
        texts: a text for each of `TEXTS`.
        details_json: a JSON object.
    """

    def text_of(found: re.Match[str]) -> str:
        if found[1] is None:
            return "${"
        name = found[1].removeprefix("event.")
        return _escaped(details_json if name == DETAILS else texts[name])

    # In one pass over each part, so that nothing that was put in is looked at again.
    before, *after = _DETAILS_OBJECT.split(template, maxsplit=1)
    parts = [_PLACEHOLDER.sub(text_of, part) for part in (before, *after)]
    return details_json.join(parts)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
