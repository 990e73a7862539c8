"""Keeps a directory at the version that an alias points to, for as long as it runs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

from hydria.client import AsyncClient
from hydria.errors import HydriaError, InvalidArgumentError, NotFoundError, RefInvalidError
from hydria.following.errors import FollowRootError
from hydria.following.lease import DeploymentLease
from hydria.following.notices import Notices
from hydria.following.placing import OnStep, Placer
from hydria.following.records import FollowOptions, NoticeKind, OnNotice, ServedVersion
from hydria.following.root import FollowRoot
from hydria.following.telling import OnSwap, Teller
from hydria.records import Version
from hydria.refs import split_ref
from hydria.threads import run_in_thread
from hydria.watch_errors import WatchTokenInvalidError
from hydria.watching import Watch

_Result = TypeVar("_Result")

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


class AsyncModelFollower:
    """Follows one alias into one directory. `run` does it until it is cancelled.

    The directory is a link to where the version is, and is swapped atomically: see `ServedVersion`
    for how long a version stays. What failed is said in notices and tried again: a follower ends
    only when what it is asked to do can never be done.
    """

    def __init__(
        self,
        client: AsyncClient,
        ref: str,
        root: str | os.PathLike[str],
        *,
        on_swap: OnSwap | None = None,
        on_notice: OnNotice | None = None,
        options: FollowOptions | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        """Make a follower; nothing is done yet.

        Args:
            client: by which to read and watch. It stays open.
            ref: `[[ENTITY/]PROJECT/]NAME:ALIAS`; without an alias, `latest`.
            root: the directory to keep: a link, made and swapped by the follower.
            on_swap: called when a version is in place, at least once for each; what it raises is
                said in a notice.
            on_notice: called with what the follower has to say. It must not block or raise.
            options: what else there is to choose.
            on_step: called after each step on the disk, by its name; for tests.

        Raises:
            RefInvalidError: it names no alias.
            FollowRootError: no link can be at `root`.
        """
        name, suffix = split_ref(ref)
        self._name = client.defaults.collection(name)
        self._alias = suffix.removeprefix(":") or "latest"
        is_fixed = suffix.startswith("@") or (self._alias[0] == "v" and self._alias[1:].isdigit())
        if is_fixed or suffix == ":":
            raise RefInvalidError(f"{ref!r} never moves; follow an alias, as in {name}:production")
        self.ref = f"{self._name}:{self._alias}"
        self._client = client
        self._notices = Notices(on_notice)
        self._options = options or FollowOptions()
        self._root = FollowRoot(root)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="hydria-follow")
        self._placer = Placer(
            client,
            self._root,
            self._executor,
            references=self._options.references,
            on_step=on_step or (lambda _step: None),
        )
        self._teller = Teller(self._placer, on_swap, self._notices)
        self.is_in_place = asyncio.Event()
        """Set once there is a version in place."""

    @property
    def current(self) -> ServedVersion | None:
        """The version in place."""
        return self._placer.current

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            FollowerRunningError: another follower keeps the directory.
            FollowRootError: something is in place there that Hydria has not made.
            InvalidArgumentError: the server says that the ref is malformed.
            OSError: the directory cannot be used at all.
        """
        with ExitStack() as held:
            await self._open(held)
            lease = DeploymentLease(
                self._client,
                self._name,
                self._alias,
                self._options,
                directory=str(self._root.link),
                on_failure=lambda ref, problem: self._notices.say(
                    NoticeKind.UNREPORTED, ref, message=problem
                ),
            )
            leasing = asyncio.create_task(lease.run())
            try:
                await self._tell_of_what_is_there(lease)
                await self._follow(lease)
            finally:
                leasing.cancel()
                await asyncio.wait([leasing])

    async def once(self) -> ServedVersion:
        """Bring the directory up to date, and return what is in place. Nothing is reported.

        Raises:
            NotFoundError: the alias leads nowhere.
            HydriaError: what the server says, and as `run`.
            OSError: the disk refuses.
        """
        with ExitStack() as held:
            await self._open(held)
            before = self.current
            version = await self._client.version(self.ref)
            await self._bring(version, self._placer.token, None)
            current = self.current
            assert current is not None
            if current == before:
                self._notices.say(NoticeKind.CURRENT, current.version_ref, current)
            return current

    async def _open(self, held: ExitStack) -> None:
        await self._in_thread(lambda: held.enter_context(self._root.locked()))
        await self._placer.load(self.ref)

    async def _tell_of_what_is_there(self, lease: DeploymentLease) -> None:
        """Begin with what an earlier follower left, whether the server answers or not."""
        current = self.current
        if current is None:
            await self._look_for_server()
            return
        self._notices.say(NoticeKind.CURRENT, current.version_ref, current)
        lease.serve(current.version_ref)
        try:
            await self._teller.tell(current)
        except OSError as error:
            self._notices.say(NoticeKind.RETRYING, current.version_ref, message=self._words(error))
        self.is_in_place.set()

    async def _look_for_server(self) -> None:
        """Say so when there is none: the watch waits for it without a word."""
        try:
            await self._client.ping()
        except HydriaError as error:
            self._notices.say(NoticeKind.RETRYING, "", message=error.message)

    async def _follow(self, lease: DeploymentLease) -> None:
        wait_seconds = _FIRST_WAIT_SECONDS
        while True:
            try:
                async with self._watch() as watch:
                    async for item in watch:
                        await self._catch_up(item.token, lease)
                        wait_seconds = _FIRST_WAIT_SECONDS
            except WatchTokenInvalidError:  # the server keeps another store now
                self._placer.forget_token()
            except (FollowRootError, InvalidArgumentError):
                raise
            except HydriaError as error:
                self._notices.say(NoticeKind.RETRYING, "", message=error.message)
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, _LONGEST_WAIT_SECONDS)

    def _watch(self) -> Watch:
        return self._client.watch(
            str(self._name),
            aliases=[self._alias],
            snapshot=True,
            token=self._placer.token,
            coalesce=True,
            snapshot_again=True,
            retry_seconds=float("inf"),
        )

    async def _catch_up(self, token: bytes, lease: DeploymentLease) -> None:
        """Bring in place what the alias points to now, however long that takes.

        The alias is asked for again, for what woke us may be old news; the token is kept only
        when this is done.
        """
        wait_seconds = _FIRST_WAIT_SECONDS
        while True:
            version: Version | None = None
            try:
                version = await self._find()
                if version is None:
                    await self._placer.keep_token(token)
                else:
                    await self._bring(version, token, lease)
                return
            except (FollowRootError, InvalidArgumentError):
                raise
            except HydriaError as error:  # it may have been deleted meanwhile
                problem = error.message
            except OSError as error:
                problem = self._words(error)
            self._notices.say(NoticeKind.RETRYING, version.ref if version else "", message=problem)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, _LONGEST_WAIT_SECONDS)

    async def _find(self) -> Version | None:
        """Return what the alias points to; None when it leads nowhere, and that was said."""
        try:
            return await self._client.version(self.ref)
        except NotFoundError as error:
            await self._stay(error)
            return None

    async def _stay(self, error: NotFoundError) -> None:
        """Say that the alias leads nowhere, and what became of the version that is in place."""
        current = self.current
        message = error.message
        if current is not None:
            try:
                await self._client.version(current.version_ref)
            except NotFoundError as gone:
                message = f"{message}; {gone.message}; it stays in place"
        self._notices.say(
            NoticeKind.GONE, current.version_ref if current else "", current, message=message
        )

    async def _bring(self, version: Version, token: bytes, lease: DeploymentLease | None) -> None:
        begun_at = time.monotonic()
        current = self.current
        if current and (current.version_ref, current.digest) == (version.ref, version.digest):
            await self._placer.keep_token(token)
            await self._teller.tell(current)
            self.is_in_place.set()
            return
        self._notices.say(NoticeKind.FETCHING, version.ref)
        received_bytes = await self._placer.fetch(version)
        current = await self._placer.place(version, token)
        self._notices.say(
            NoticeKind.SWAPPED,
            version.ref,
            current,
            seconds=time.monotonic() - begun_at,
            received_bytes=received_bytes,
        )
        if lease is not None:
            lease.serve(version.ref)
        await self._teller.tell(current)
        self.is_in_place.set()
        await self._placer.clean()

    def _words(self, error: OSError) -> str:
        return f"{error.filename or self._root.link}: {error.strerror}"

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await run_in_thread(self._executor, work, stop=lambda: None)
