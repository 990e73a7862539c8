"""What was asked and answered, held against the model: is there an order that explains it all?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from tests.faults.model import Model, Seen
from tests.faults.operations import Operation

# Refused for want of a disk, or not answered at all: it happened, or it did not.
OPEN_OUTCOMES = (None, "STORAGE_FULL", "STORAGE_UNAVAILABLE")

Asked = tuple[Operation, str | None]
"""An operation and what its caller was told; None is nothing."""


class History:
    """Keeps the models of everything that may be true after what clients were told."""

    def __init__(self) -> None:
        self.possible: list[Model] = [Model()]

    @property
    def model(self) -> Model:
        """One model that explains everything so far."""
        return self.possible[0]

    def add(self, together: Sequence[Asked]) -> None:
        """Take in operations that were asked at the same time.

        I2, I7, I8 for clients: each happened whole, at one moment, or not at all.
        """
        after: list[Model] = []
        for model in self.possible:
            for order in itertools.permutations(together):
                after += [found for found in _outcomes(model, order) if found not in after]
        assert after, f"no order explains {together} after {self.possible}"
        self.possible = after

    def settle(self, seen: Seen) -> None:
        """Keep what agrees with the store itself."""
        fitting = [model for model in self.possible if model.seen() == seen]
        assert fitting, f"the store shows {seen}, expected was {[m.seen() for m in self.possible]}"
        self.possible = fitting


def _outcomes(model: Model, order: Sequence[Asked]) -> Iterable[Model]:
    """Yield what there may be after these operations, one after the other."""
    if not order:
        yield model
        return
    (operation, told), *rest = order
    after, outcome = operation.on(model)
    if told in (*OPEN_OUTCOMES, outcome):
        yield from _outcomes(after, rest)
    if told in OPEN_OUTCOMES:
        yield from _outcomes(model, rest)
