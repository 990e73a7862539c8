"""How wide text is, as far as that is known before anybody shows it, and how it is shortened."""

from __future__ import annotations

import unicodedata

FONT_FAMILY = "Verdana, 'DejaVu Sans', Geneva, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
"""The first three have nearly the same widths, the others less; one is on most machines."""

# The widths of DejaVu Sans, as parts of the size; those of Verdana are within a few hundredths.
_ADVANCES = {
    0.3: "'ijlIJ",
    0.35: " ,./:;\\|f",
    0.4: "-()[]t!",
    0.46: 'r"',
    0.53: "*_`sz?",
    0.6: "cLFkvxyP",
    0.65: "TYaoeESbdghnpqu$0123456789{}",
    0.7: "KAVBRXZC",
    0.8: "UHNDG&OQ",
    0.87: "w#+<=>^~M",
    1.0: "%mW@",
}
_KNOWN = {character: width for width, characters in _ADVANCES.items() for character in characters}
_BOLD = 1.2
_EMOJI = 1.3
_ELLIPSIS = "…"
_TAIL_CHARACTERS = 6  # so that `:v1234` stays


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text of some font size is, in its unit; rather too much than too little."""
    width = sum(map(_advance, text)) * size
    return width * _BOLD if bold else width


def shorten(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Return a text that is at most `width` wide, with what is too much left out of its middle."""
    if text_width(text, size, bold=bold) <= width:
        return text
    tail = text[-_TAIL_CHARACTERS:]
    head = text[: len(text) - len(tail)]
    while head and text_width(f"{head}{_ELLIPSIS}{tail}", size, bold=bold) > width:
        head = head[:-1]
    return f"{head}{_ELLIPSIS}{tail}"


def _advance(character: str) -> float:
    known = _KNOWN.get(character)
    if known is not None:
        return known
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):
        return 0.0
    if category == "So" or ord(character) >= 0x1F000:
        return _EMOJI
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return 0.95 if category in ("Lu", "Lt") else 0.8
