"""Hypothesis drives several clients of a simulated server; every step is checked (I1 to I8)."""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.faults import random_operations, random_registry
from tests.faults.contents import COLLECTIONS
from tests.faults.operations import Begin, Commit
from tests.faults.random_operations import KINDS, Maker
from tests.faults.simulated_history import (
    CLIENTS,
    ERRORS,
    STEPS_MAX,
    Crash,
    DiskFault,
    Trouble,
    simulated_history,
)
from tests.faults.simulated_world import End

CLIENT = st.sampled_from(CLIENTS)
CHOICE = st.randoms(use_true_random=False)
TROUBLES = st.one_of(
    st.builds(Crash, st.integers(1, max(STEPS_MAX)), st.sampled_from((End.KILL, End.POWER))),
    st.builds(
        DiskFault,
        st.sampled_from(("write", "sync", "rename")),
        st.integers(0, 3),
        st.sampled_from(ERRORS),
    ),
)


class Clients(RuleBasedStateMachine):
    """Every rule asks for something, and compares the store with the model afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._directory = Path(tempfile.mkdtemp(prefix="hydria-proof-"))
        self._stack.callback(shutil.rmtree, self._directory)
        self._history = self._stack.enter_context(simulated_history(self._directory, seed=0))

    def _ask(
        self, source: random.Random, *asked: tuple[Maker, str], trouble: Trouble = None
    ) -> None:
        model = self._history.model
        operations = [maker(source, model, client) for maker, client in asked]
        note(f"{operations} {trouble or ''}")
        self._history.together(operations, trouble)

    @rule(source=CHOICE, client=CLIENT)
    def begin(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.begin, client))

    @rule(source=CHOICE, client=CLIENT)
    def stage(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.stage, client))

    @rule(source=CHOICE, client=CLIENT)
    def send_a_file(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.send_file, client))

    @rule(source=CHOICE, client=CLIENT)
    def commit(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.commit, client))

    @rule(source=CHOICE, client=CLIENT)
    def log_equal_content(self, source: random.Random, client: str) -> None:
        """Begin from `latest`, change nothing: the commit must find the version (C2)."""
        key = f"{client}-{sum(key.startswith(client) for key in self._history.model.uploads)}"
        collection = source.choice(COLLECTIONS)
        self._history.together([Begin(key, collection, from_latest=True)])
        if key in self._history.model.uploads:
            self._history.together([Commit(key, ("best",))])

    @rule(source=CHOICE, client=CLIENT)
    def abort(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.abort, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def move_or_remove_an_alias(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.move, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def rename(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.rename, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def retype(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.retype, client))

    @rule(source=CHOICE, client=CLIENT)
    def put_a_small_version(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.put_small, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def copy_a_version(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.copy, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def reuse_content(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.reuse, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def delete_a_version(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.delete_version, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def delete_a_collection(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_operations.delete_collection, client))

    @precondition(lambda self: self._history.model.names)
    @rule(source=CHOICE, client=CLIENT)
    def link_a_version(self, source: random.Random, client: str) -> None:
        self._ask(source, (random_registry.link, client))

    @precondition(lambda self: self._history.model.names)
    @rule(
        source=CHOICE,
        client=CLIENT,
        maker=st.sampled_from(
            (random_registry.unlink, random_registry.rollback, random_registry.protect)
        ),
    )
    def change_a_registered_model(self, source: random.Random, client: str, maker: Maker) -> None:
        self._ask(source, (maker, client))

    @rule(source=CHOICE, client=CLIENT)
    def make_or_delete_a_registry(self, source: random.Random, client: str) -> None:
        maker = source.choice((random_registry.create_registry, random_registry.delete_registry))
        self._ask(source, (maker, client))

    @rule(
        source=CHOICE,
        kinds=st.lists(st.sampled_from([*KINDS]), min_size=2, max_size=3),
        trouble=st.none() | TROUBLES,
    )
    def all_at_once(self, source: random.Random, kinds: list[str], trouble: Trouble) -> None:
        makers = [KINDS[kind][0] for kind in kinds]
        self._ask(source, *zip(makers, CLIENTS, strict=False), trouble=trouble)

    @rule(source=CHOICE, client=CLIENT, kind=st.sampled_from([*KINDS]), trouble=TROUBLES)
    def in_trouble(self, source: random.Random, client: str, kind: str, trouble: Trouble) -> None:
        self._ask(source, (KINDS[kind][0], client), trouble=trouble)

    @rule(end=st.sampled_from([*End]))
    def restart(self, end: End) -> None:
        self._history.restart(end)

    def teardown(self) -> None:
        with self._stack:
            self._history.require_durable()


BOUNDS = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None
)


def test_no_history_breaks_a_promise() -> None:
    run_state_machine_as_test(
        Clients, settings=settings(BOUNDS, max_examples=4, stateful_step_count=10)
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_history_of_many_breaks_a_promise() -> None:
    run_state_machine_as_test(
        Clients, settings=settings(BOUNDS, max_examples=60, stateful_step_count=30)
    )
