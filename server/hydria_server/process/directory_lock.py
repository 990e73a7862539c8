"""Keeps a second server off a data directory."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from hydria_server.domain.errors import StorageUnavailableError

LOCK_FILE = "LOCK"


class DirectoryLock:
    """An advisory lock that ends with the process, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, directory: Path) -> DirectoryLock:
        """Lock the directory, made if need be.

        Raises:
            StorageUnavailableError: another server has it, or it cannot be written.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(
                directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise StorageUnavailableError(
                f"the data directory {directory} cannot be written: {error.strerror}; "
                "choose another with --data"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StorageUnavailableError(
                f"another server (process {holder}) uses the data directory {directory}; "
                "stop it or choose another directory with --data"
            ) from error
        os.ftruncate(descriptor, 0)
        with suppress(OSError):  # a courtesy to whoever comes second, and the disk may be full
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)
