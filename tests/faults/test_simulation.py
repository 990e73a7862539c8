"""Clients, crashes and a failing disk in one thread, in an order that a seed decides.

A run that fails prints its seed: `make prove SEED=...` runs it again, step by step the same. Then
its line goes into seeds.txt.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.seeds import Kept, kept_seeds
from tests.faults.simulated_history import run_seed

ROUNDS = 10
PROVEN = 200  # rounds of a seed that is asked for


def replayed(kept: Kept) -> object:
    """Return a parameter; long histories are slow, and what they found has tests of its own too."""
    return pytest.param(kept, id=str(kept), marks=[pytest.mark.slow] * (kept.rounds > ROUNDS))


@pytest.mark.parametrize("kept", [*map(replayed, kept_seeds("simulation"))])
def test_a_seed_that_found_something_finds_nothing_more(tmp_path: Path, kept: Kept) -> None:
    run_seed(tmp_path, kept.seed, kept.rounds)


@pytest.mark.parametrize("seed", [1])
def test_clients_that_crash_the_server_see_what_the_model_says(tmp_path: Path, seed: int) -> None:
    run_seed(tmp_path, seed, ROUNDS)


def test_a_seed_replays_exactly(tmp_path: Path) -> None:
    first, second = (run_seed(tmp_path / name, 8, 8) for name in ("first", "second"))

    assert any("crashed" in line for line in first)
    assert first == second


def test_another_seed_is_another_history(tmp_path: Path) -> None:
    first, second = (run_seed(tmp_path / str(seed), seed, 2) for seed in (5, 6))

    assert first != second


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 103))
def test_long_histories_see_what_the_model_says(tmp_path: Path, seed: int) -> None:
    run_seed(tmp_path, seed, PROVEN)


def test_the_seed_that_was_asked_for(tmp_path: Path, proof_seed: int, proof_rounds: int) -> None:
    run_seed(tmp_path, proof_seed, proof_rounds)
