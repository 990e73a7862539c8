"""A store with one version, for tests that harm a copy of it; the seed of `make prove SEED=...`."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.faults.damage import FILES, served


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with one version of `FILES`."""
    data = tmp_path_factory.mktemp("healthy")
    asyncio.run(_fill(data))
    return data


async def _fill(data: Path) -> None:
    async with served(data) as client:
        await client.upload(FILES)


@pytest.fixture
def data(healthy: Path, tmp_path: Path) -> Path:
    """Return a copy of it that nobody serves."""
    return Path(shutil.copytree(healthy, tmp_path / "data"))


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
