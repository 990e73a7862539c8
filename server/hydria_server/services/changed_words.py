"""What an event says of words that were changed: the old and the new ones, cut where long."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hydria_server.domain.event_types import Json

MAX_VALUE_BYTES = 1024
"""Of the JSON of one value, so that an event stays small however long the words are."""


def changed_text(field: str, old: str, new: str | None) -> dict[str, Json]:
    """Return what changed of a text; nothing if it stayed. `cut_FIELD`: it is not whole."""
    if new is None or new == old:
        return {}
    shown = {f"old_{field}": _cut_text(old), f"new_{field}": _cut_text(new)}
    is_cut = shown != {f"old_{field}": old, f"new_{field}": new}
    return {**shown, **({f"cut_{field}": True} if is_cut else {})}


def changed_names(field: str, old: Sequence[str], new: Sequence[str] | None) -> dict[str, Json]:
    """Return what changed of a set of names (tags, types), as `changed_text` does."""
    before, after = sorted(set(old)), sorted(set(old if new is None else new))
    if before == after:
        return {}
    shown = {f"old_{field}": _cut_names(before), f"new_{field}": _cut_names(after)}
    is_cut = shown != {f"old_{field}": before, f"new_{field}": after}
    return {**shown, **({f"cut_{field}": True} if is_cut else {})}


def _size(value: str) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _cut_text(text: str) -> str:
    text = text[:MAX_VALUE_BYTES]
    while _size(text) > MAX_VALUE_BYTES:
        text = text[: len(text) * 3 // 4]
    return text


def _cut_names(names: Sequence[str]) -> list[Json]:
    kept: list[Json] = []
    total_bytes = 0
    for name in names:
        total_bytes += _size(name) + 2
        if total_bytes > MAX_VALUE_BYTES:
            break
        kept.append(name)
    return kept
