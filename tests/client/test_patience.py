"""How long a client keeps trying."""

from __future__ import annotations

import pytest

from hydria.errors import NotFoundError, ServerUnavailableError, StreamStalledError
from hydria.retry import Patience

UNAVAILABLE = ServerUnavailableError("not now")


class Waits:
    """A clock that only moves when somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        monkeypatch.setattr("hydria.retry.time.monotonic", lambda: self.now)
        monkeypatch.setattr("hydria.retry.asyncio.sleep", self._sleep)
        monkeypatch.setattr("hydria.retry.random.uniform", lambda _, high: high)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    return Waits(monkeypatch)


async def test_waits_grow_from_a_tenth_of_a_second_to_ten_seconds(waits: Waits) -> None:
    patience = Patience(300)
    for _ in range(9):
        await patience.wait_after(UNAVAILABLE)

    assert waits.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


async def test_patience_ends_when_nothing_moved_for_its_limit(waits: Waits) -> None:
    async def never() -> None:
        raise UNAVAILABLE

    with pytest.raises(ServerUnavailableError):
        await Patience(5).run(never)

    assert sum(waits.slept) == pytest.approx(5)


async def test_whatever_moves_gives_new_patience(waits: Waits) -> None:
    patience = Patience(1)
    for _ in range(20):
        await patience.wait_after(UNAVAILABLE)
        patience.moved()

    assert waits.slept == [0.1] * 20


async def test_time_without_failures_costs_no_patience(waits: Waits) -> None:
    patience = Patience(1)
    waits.now += 3600  # hashing a very large file

    await patience.wait_after(UNAVAILABLE)

    assert waits.slept == [0.1]


async def test_a_call_is_tried_again_while_the_server_is_unavailable(waits: Waits) -> None:
    outcomes = [UNAVAILABLE, UNAVAILABLE, None]

    async def call() -> str:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome
        return "done"

    assert await Patience(300).run(call) == "done"
    assert len(waits.slept) == 2


async def test_no_other_error_is_tried_again(waits: Waits) -> None:
    async def call() -> None:
        raise NotFoundError("no such thing")

    with pytest.raises(NotFoundError):
        await Patience(300).run(call)
    assert waits.slept == []


async def test_a_stream_that_stalled_is_begun_again_only_if_it_had_moved(waits: Waits) -> None:
    patience = Patience(300)
    stalled = StreamStalledError("nothing came")

    await patience.wait_after_stream(stalled, has_moved=True)
    with pytest.raises(StreamStalledError):
        await patience.wait_after_stream(stalled, has_moved=False)
    await patience.wait_after_stream(UNAVAILABLE, has_moved=False)

    assert waits.slept == [0.1, 0.2]
