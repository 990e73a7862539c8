"""Where references point: what a store of a scheme must do, and which store has which scheme."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from hydria.references.errors import ReferenceUnsupportedError
from hydria.references.words import scheme_of

PIECE_BYTES = 1 << 20


class FoundObject(NamedTuple):
    """An object, as a store describes it."""

    name: str
    """Of an object alone: its own. Of one below a directory or prefix: its path from there on."""
    is_alone: bool
    uri: str
    size_bytes: int
    checksum: str


@dataclass(frozen=True, slots=True)
class OpenedObject:
    """An object while it is read: what its store says of it now, and its bytes."""

    size_bytes: int | None
    """None where the store does not say."""
    checksums: Mapping[str, str]
    """By kinds, as far as the store says."""
    pieces: Iterator[bytes]


class ReferenceStore(Protocol):
    """Reads one kind of place. Blocking, every wait bounded; for several threads at once."""

    checksum_kinds: frozenset[str]
    """What it can verify objects by; beside these a client verifies `blake3` itself."""

    def find(self, uri: str) -> Iterator[FoundObject]:
        """Yield the object at `uri`, or those below it, as they are listed.

        Raises:
            BrokenReferenceError: nothing is there, or it cannot be had.
        """
        ...

    def open(self, uri: str, checksums: Mapping[str, str]) -> AbstractContextManager[OpenedObject]:
        """Begin to read an object: the version of it that `checksums` name, where they do.

        Raises:
            BrokenReferenceError: nothing is there, or it cannot be had; now or while it is read.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Stores:
    """The stores that one operation uses, each made when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Callable[[], ReferenceStore], ReferenceStore] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for store in self._made.values():
            store.close()

    def of(self, uri: str) -> ReferenceStore:
        """Return the store of a URI.

        Raises:
            ReferenceInvalidError: a reference may not have this URI.
            ReferenceUnsupportedError: there is none for its scheme, or it is not installed.
        """
        make = _MAKERS.get(scheme_of(uri))
        if make is None:
            known = ", ".join(sorted(_MAKERS))
            raise ReferenceUnsupportedError(
                f"{uri!r} cannot be read: this client knows {known} only",
                details={"uri": uri},
            )
        with self._lock:
            if make not in self._made:
                self._made[make] = make()
            return self._made[make]


def _local_files() -> ReferenceStore:
    from hydria.references.local_files import LocalFileStore

    return LocalFileStore()


def _http() -> ReferenceStore:
    from hydria.references.http import HttpStore

    return HttpStore()


def _s3() -> ReferenceStore:
    from hydria.references.s3 import S3Store

    return S3Store()


def _gs() -> ReferenceStore:
    from hydria.references.gs import GoogleStore

    return GoogleStore()


def _az() -> ReferenceStore:
    from hydria.references.az import AzureStore

    return AzureStore()


_MAKERS: Mapping[str, Callable[[], ReferenceStore]] = {
    "az": _az,
    "file": _local_files,
    "gs": _gs,
    "http": _http,
    "https": _http,
    "s3": _s3,
}
