"""The server program: `python -m hydria_server`, or `hydria server`."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from pathlib import Path

from hydria_server.app import RunningServer, serve
from hydria_server.domain.errors import HydriaError
from hydria_server.domain.release import server_version
from hydria_server.process.allocator import keep_large_buffers
from hydria_server.process.log_lines import write_json_lines
from hydria_server.settings import Settings, SettingsError, parse_settings

ADDRESS_FILE = "server.json"
# A call makes thousands of objects, and hardly ever a circle: with Python's 700 it is interrupted
# many times for nothing.
_YOUNG_OBJECTS = 10_000

_log = logging.getLogger("hydria.server")


def main(arguments: list[str] | None = None) -> int:
    """Run a server until SIGTERM or SIGINT; return the exit code (0, 1 failure, 2 usage)."""
    try:
        settings = parse_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
    except SettingsError as error:
        print(f"hydria server: {error}", file=sys.stderr)  # noqa: T201 - before there is a log
        return 2
    os.umask(0o077)  # what this user stores is nobody else's to read
    write_json_lines(settings.log_level)
    keep_large_buffers()
    try:
        return asyncio.run(_run(settings))
    except HydriaError as error:
        print(f"hydria server: {error.message}", file=sys.stderr)  # noqa: T201 - for the operator
        return 1


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(settings) as running:
        # What was imported lives as long as the process: no collection need look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
        _announce(settings, running)
        failed = await _first(stop, running.failed)
        _log.info("draining")
    (settings.data / ADDRESS_FILE).unlink(missing_ok=True)
    _log.info("stopped")
    return 1 if failed else 0


async def _first(stop: asyncio.Event, failed: asyncio.Event) -> bool:
    """Wait for either event; return whether it was the failure."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, failed)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return failed.is_set()


def _announce(settings: Settings, running: RunningServer) -> None:
    """Log the settings; tell the address to whoever started us, and to clients of this user."""
    _log.info("settings", extra={"fields": settings.effective()})
    if not settings.insecure:
        _log.warning("no authentication yet: every user of this machine may call this server")
    else:
        _log.warning("--insecure: whoever reaches this address may read, write and delete")
    line = json.dumps(
        {
            "address": running.address,
            "data": str(settings.data),
            "pid": os.getpid(),
            "version": server_version(),
        }
    )
    _write_address(settings.data / ADDRESS_FILE, line)
    print(line, flush=True)  # noqa: T201 - the one line that programs wait for


def _write_address(path: Path, line: str) -> None:
    """Write the file by which clients of this user find the server; on a full disk, go without."""
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_text(line + "\n", encoding="utf-8")
        unfinished.chmod(0o600)
        unfinished.replace(path)
    except OSError as error:
        _log.warning("%s cannot be written: %s; give clients the address", path, error.strerror)
        for useless in (unfinished, path):
            useless.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
