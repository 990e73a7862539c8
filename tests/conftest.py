"""Settings that hold for every test; fixtures live beside the tests that use them."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail: bounds on time are pytest-timeout's business.
settings.register_profile(
    "thorough", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# `make test` tries a part of the random examples, `make test-slow` all of them.
settings.register_profile("some", settings.get_profile("thorough"), max_examples=25)
settings.load_profile("some")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let no collection of garbage look at the modules and tests, which live as long as this."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a random run be repeated: see docs/proof.md."""
    parser.addoption("--seed", type=int, help="the seed of tests/faults to run, for make prove")
    parser.addoption("--rounds", type=int, default=100, help="how many rounds to run it for")
