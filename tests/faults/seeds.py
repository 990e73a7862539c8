"""The seeds that runs begin from: those that found something, and the one that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

KEPT = Path(__file__).with_name("seeds.txt")


@dataclass(frozen=True, slots=True)
class Kept:
    """A seed that found something, and how many rounds it takes to get there."""

    kind: str
    seed: int
    rounds: int
    found: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.seed}"


def kept_seeds(kind: str) -> list[Kept]:
    """Return the kept seeds of one kind of run."""
    lines = [line.split(maxsplit=3) for line in KEPT.read_text().splitlines()]
    found = [
        Kept(words[0], int(words[1]), int(words[2]), words[3])
        for words in lines
        if words and words[0] != "#"
    ]
    return [one for one in found if one.kind == kind]
