"""A history of several clients in a simulated world, compared with the model after each step."""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.history import History
from tests.faults.model import Model
from tests.faults.operations import Operation
from tests.faults.random_operations import some_operations
from tests.faults.service_client import ServiceClient
from tests.faults.simulated_world import CrashedError, End, SimulatedWorld

CLIENTS = ("ada", "ben", "cy")
STEPS_MAX = (40, 120, 400)  # an operation takes some dozens or hundreds of steps of the loop
ERRORS = (errno.EIO, errno.ENOSPC)


@dataclass(frozen=True, slots=True)
class Crash:
    """The server ends in that way after so many steps."""

    step: int
    end: End


@dataclass(frozen=True, slots=True)
class DiskFault:
    """A call of the disk fails, after so many others of its kind."""

    call: str
    times: int
    error: int


Trouble = Crash | DiskFault | None


class SimulatedHistory:
    """Lets clients do things, and checks every promise after each (I1 to I8)."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.world = SimulatedWorld(directory, seed)
        self.trace: list[str] = []
        self._history = History()
        self._client = ServiceClient()

    @property
    def model(self) -> Model:
        """What the store holds, as far as clients know."""
        return self._history.model

    def together(self, operations: Sequence[Operation], trouble: Trouble = None) -> None:
        """Ask for all of them at once; return when each was answered, or the server is gone."""
        outcomes: list[str | None] = [None] * len(operations)
        self._connect()

        async def ask(index: int) -> None:
            outcomes[index] = await self._client.perform(operations[index])

        async def ask_all() -> None:
            await asyncio.gather(*(ask(index) for index in range(len(operations))))

        if isinstance(trouble, DiskFault):
            self.world.disk.fail_at(trouble.call, trouble.times, trouble.error)
        try:
            if isinstance(trouble, Crash):
                self.world.run_until(trouble.step, trouble.end, ask_all())
            else:
                self.world.run(ask_all())
        except CrashedError:
            self.trace.append(f"crashed: {trouble}")
        self.trace.append(f"{self.world.steps} {[*zip(operations, outcomes, strict=True)]}")
        self._history.add([*zip(operations, outcomes, strict=True)])
        self.world.disk.heal()
        if self.world.fatal:  # such a server ends with an error, and is started again
            self.world.restart(End.KILL)
        self.check()

    def _connect(self) -> None:
        """Call the server that lives now."""
        self._client.services, self._client.registry = self.world.services, self.world.registry

    def restart(self, end: End) -> None:
        """End the server while it is idle, and start another."""
        self.world.restart(end)
        self.check()

    def check(self) -> None:
        """Compare the store with the model, its bytes with its rows, and with what was said."""
        self._connect()
        problems = self.world.problems()
        assert problems == [], problems
        keys = {key for model in self._history.possible for key in model.uploads}
        self._history.settle(self.world.run(self._client.look(sorted(keys))))

    def require_durable(self) -> None:
        """Ask for all that was ever acknowledged (I6)."""
        self._connect()
        self.world.run(self._client.require_durable())


def run_seed(directory: Path, seed: int, rounds: int) -> list[str]:
    """Run the history that `seed` stands for; return what happened in it, step by step."""
    source = random.Random(f"operations {seed}")
    with simulated_history(directory, seed) as history:
        for _ in range(rounds):
            clients = source.sample(CLIENTS, source.choice((1, 2, 2, 3, 3)))
            operations = some_operations(source, history.model, clients)
            history.together(operations, any_trouble(source))
            if source.random() < 0.05:
                history.restart(source.choice([*End]))
        history.require_durable()
    return history.trace


@contextmanager
def simulated_history(directory: Path, seed: int) -> Iterator[SimulatedHistory]:
    """Begin a history in an empty world, and end the world."""
    history = SimulatedHistory(directory, seed)
    try:
        yield history
    finally:
        history.world.close()


def any_trouble(source: random.Random) -> Trouble:
    """Return a crash or a fault of the disk, or mostly nothing."""
    kind = source.random()
    if kind < 0.2:
        return Crash(
            source.randint(1, source.choice(STEPS_MAX)), source.choice((End.KILL, End.POWER))
        )
    if kind < 0.3:
        call = source.choice(("write", "sync", "rename"))
        return DiskFault(call, source.randint(0, 3), source.choice(ERRORS))
    return None
