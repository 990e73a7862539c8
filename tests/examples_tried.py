"""How many random examples a test tries."""

from __future__ import annotations

from hypothesis import settings

_THOROUGH = settings.get_profile("thorough")


def of_examples(count: int) -> int:
    """Return `count` when tests are thorough (`make test-slow`), and its share when they are not.

    A test that uses it without Hypothesis has the mark `random`, so that `make test-slow` runs it.
    """
    chosen = settings.default or _THOROUGH
    return max(1, count * chosen.max_examples // _THOROUGH.max_examples)
