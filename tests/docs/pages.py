"""Reads the pages of docs/: what stands below an HTML comment `<!-- kind: name -->`."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


class Page:
    """One page, with its marked blocks and tables."""

    def __init__(self, name: str) -> None:
        self.text = (DOCS / name).read_text(encoding="utf-8")

    def block(self, marker: str) -> str:
        """Return what is in the fenced block below `<!-- marker -->`."""
        match = re.match(r"```\w*\n(.*?)^```$", self._below(marker), re.DOTALL | re.MULTILINE)
        assert match, f"no fenced block below <!-- {marker} -->"
        return match[1]

    def table(self, marker: str) -> list[list[str]]:
        """Return the rows of the table below `<!-- marker -->`, without its head and without `."""
        lines = self._below(marker).split("\n\n")[0].splitlines()
        assert all(line.startswith("|") for line in lines), f"no table below <!-- {marker} -->"
        cells = [line.strip("| ").split("|") for line in lines[2:]]
        return [[cell.strip().replace("`", "") for cell in row] for row in cells]

    def _below(self, marker: str) -> str:
        _, found, after = self.text.partition(f"<!-- {marker} -->\n")
        assert found, f"there is no <!-- {marker} -->"
        assert f"<!-- {marker} -->" not in after, f"<!-- {marker} --> is there twice"
        return after


def bytes_of(dump: str) -> bytes:
    """Return the bytes of a dump: pairs of hex digits at the left, words at the right of them."""
    found = bytearray()
    for line in dump.splitlines():
        pairs = re.match(r"(?:[0-9a-f]{2}(?: {1,2}|$))+", line)
        assert pairs, f"no bytes in {line!r}"
        found += bytes.fromhex(pairs[0])
    return bytes(found)
