"""Puts versions into the directory of a follower, step by step, each of which may be the last.

Download, sync, note what comes, swap, note that it came: wherever a follower is killed, the
link leads to a whole version, and the next follower finds out which.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import TypeVar

from hydria.client import AsyncClient
from hydria.following.records import ServedVersion
from hydria.following.root import FollowRoot, place_name
from hydria.following.state import FollowState, Placed
from hydria.records import Version
from hydria.threads import Stop, run_in_thread

OnStep = Callable[[str], None]
_Result = TypeVar("_Result")


class Placer:
    """What is in place, and what was kept of it. It wants the lock of the root to be held."""

    def __init__(
        self,
        client: AsyncClient,
        root: FollowRoot,
        executor: Executor,
        *,
        references: bool,
        on_step: OnStep,
    ) -> None:
        self._client = client
        self._root = root
        self._executor = executor
        self._references = references
        self._on_step = on_step
        self._state = FollowState()

    @property
    def token(self) -> bytes:
        """Where to go on watching; empty to begin."""
        return bytes.fromhex(self._state.token)

    @property
    def is_told(self) -> bool:
        """Whether the callback is done with what is in place."""
        return self._state.is_told

    @property
    def current(self) -> ServedVersion | None:
        """What is in place."""
        placed = self._state.current
        if placed is None:
            return None
        return ServedVersion(
            version_ref=placed.version_ref,
            digest=placed.digest,
            path=self._root.place(placed.name),
        )

    async def load(self, ref: str) -> None:
        """Go on where the last follower of this directory ended, of whichever ref it was."""
        state = await self._in_thread(lambda _: self._root.load())
        self._state = state if state.ref == ref else replace(state, ref=ref, token="")

    async def fetch(self, version: Version) -> int:
        """Bring a version to this machine, verified and synced; return how many bytes came.

        What is in place, and what was before, is looked through for what need not be fetched. So is
        what a killed follower left of this version: all of it is verified again.
        """
        name = place_name(version.version, version.digest)
        await self.clean(but=name)  # what was begun of others and given up takes room
        known = [placed.name for placed in (self._state.current, self._state.previous) if placed]
        beside = [self._root.place(each) for each in known if each != name]
        place = self._root.place(name)
        result = await self._client.download(
            version.ref,
            place,
            references=self._references,
            beside=[each for each in beside if each.is_dir()],
        )
        self._on_step("downloaded")
        await self._in_thread(lambda stop: self._root.sync(place, stop))
        self._on_step("synced")
        return result.received_bytes

    async def place(self, version: Version, token: bytes) -> ServedVersion:
        """Let the link lead to a version that was fetched, and keep that, and the token."""
        before = self._state
        name = place_name(version.version, version.digest)
        coming = Placed(name=name, version_ref=version.ref, digest=version.digest)
        await self._keep(replace(before, next=coming))
        self._on_step("noted")
        await self._in_thread(lambda _: self._root.swap(name))
        self._on_step("swapped")
        await self._keep(
            replace(
                before,
                token=token.hex(),
                current=coming,
                next=None,
                previous=before.current or before.previous,
                is_told=False,
            )
        )
        self._on_step("kept")
        current = self.current
        assert current is not None
        return current

    async def keep_told(self) -> None:
        """Keep that the callback is done with what is in place."""
        await self._keep(replace(self._state, is_told=True))
        self._on_step("told")

    async def keep_token(self, token: bytes) -> None:
        """Keep where to go on watching."""
        await self._keep(replace(self._state, token=token.hex()))

    def forget_token(self) -> None:
        """Begin watching anew the next time. A restart finds out again that it is good no more."""
        self._state = replace(self._state, token="")

    async def clean(self, *, but: str = "") -> None:
        """Remove all but what is in place, what was before it, and one more by its name."""
        placed = (self._state.current, self._state.previous)
        keep = [but, *(each.name for each in placed if each)]
        await self._in_thread(lambda _: self._root.clean(keep))

    async def _keep(self, state: FollowState) -> None:
        if state != self._state:
            await self._in_thread(lambda _: self._root.save(state))
            self._state = state

    async def _in_thread(self, work: Callable[[Stop], _Result]) -> _Result:
        stop = Stop()
        return await run_in_thread(self._executor, lambda: work(stop), stop=stop.set)
