"""From what SQLite reports to what Hydria raises."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError

from hydria_server.domain.errors import StorageFullError, StorageUnavailableError

_PRIMARY: Final = 0xFF  # an extended code's lowest byte is its family
# A statement that writes in a read is READONLY too; that is a mistake of ours, and stays one.
_UNUSABLE: Final = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
    )
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn a full disk and an unusable database into errors of ours; let others pass.

    Raises:
        StorageFullError: there is no room.
        StorageUnavailableError: the database cannot be read or written.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        family = _family(error)
        if family == sqlite3.SQLITE_FULL:
            raise StorageFullError("the disk that holds the metadata is full") from error
        if family in _UNUSABLE:
            raise StorageUnavailableError("the metadata database cannot be used") from error
        raise


def is_disk_error(error: BaseException) -> bool:
    """Tell whether the disk failed, so that nobody knows any more what is on it."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and _family(cause) == sqlite3.SQLITE_IOERR


def _family(error: DBAPIError | sqlite3.Error) -> int:
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlite_errorcode", 0) & _PRIMARY
