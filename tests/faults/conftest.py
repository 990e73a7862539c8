"""The seed of `make prove SEED=...`; without one, the tests that want one are left out."""

from __future__ import annotations

import pytest


@pytest.fixture
def proof_seed(request: pytest.FixtureRequest) -> int:
    """Return the seed that was asked for."""
    seed: int | None = request.config.getoption("--seed")
    if seed is None:
        pytest.skip("no seed was asked for: make prove SEED=...")
    return seed


@pytest.fixture
def proof_rounds(request: pytest.FixtureRequest) -> int:
    """Return how many rounds to run it for."""
    rounds: int = request.config.getoption("--rounds")
    return rounds
