"""What a verification has seen so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from hydria_server.domain.damage import Damage


@dataclass(frozen=True, slots=True)
class VerificationStep:
    """How far a verification has come, and what was found damaged since the step before."""

    checked_files: int = 0
    checked_bytes: int = 0  # found right, chunk by chunk
    checked_chunks: int = 0
    reference_count: int = 0
    damaged_files: int = 0
    damage_count: int = 0
    damages: tuple[Damage, ...] = ()


@dataclass(slots=True)
class Findings:
    """Totals since a verification began; all parts of it write here."""

    checked_files: int = 0
    checked_bytes: int = 0
    checked_chunks: int = 0
    reference_count: int = 0
    damaged_files: int = 0
    damage_count: int = 0
    _untold: list[Damage] = field(default_factory=list)

    def add(self, damage: Damage) -> None:
        """Note something that is damaged."""
        self.damage_count += 1
        self._untold.append(damage)

    def step(self) -> VerificationStep:
        """Return the totals, and what is damaged and was not told yet."""
        untold, self._untold = tuple(self._untold), []
        return VerificationStep(
            checked_files=self.checked_files,
            checked_bytes=self.checked_bytes,
            checked_chunks=self.checked_chunks,
            reference_count=self.reference_count,
            damaged_files=self.damaged_files,
            damage_count=self.damage_count,
            damages=untold,
        )
