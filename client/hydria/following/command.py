"""Runs a command for each version that came in place."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from hydria.following.errors import CommandFailedError
from hydria.following.records import ServedVersion


def command_for(
    arguments: Sequence[str], *, timeout_seconds: float
) -> Callable[[ServedVersion], Awaitable[None]]:
    """Return a callback that runs a command with the path of the version as its last argument.

    No shell has a part in it. What the command prints goes to standard error.

    Args:
        arguments: the program and its first arguments.
        timeout_seconds: how long it may take; then it is killed, with the processes it began.
    """

    async def run(version: ServedVersion) -> None:
        command = [*arguments, os.fspath(version.path)]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=2, start_new_session=True
            )
        except OSError as error:
            raise CommandFailedError(f"{arguments[0]!r} did not start: {error.strerror}") from error
        try:
            async with asyncio.timeout(timeout_seconds):
                code = await process.wait()
        except TimeoutError as error:
            message = f"{arguments[0]!r} took longer than {timeout_seconds:g} s, and was killed"
            raise CommandFailedError(message) from error
        finally:
            await _kill(process)
        if code:
            raise CommandFailedError(f"{arguments[0]!r} ended with {code}")

    return run


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill a command that still runs, with its session."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
