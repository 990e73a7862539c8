"""Where packs lie below the store's root, and how one moves from `open/` to `sealed/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hydria_server.storage.packs.disk_calls import DiskCalls
from hydria_server.storage.packs.pack_id import is_pack_id

_SUFFIX = ".pack"
_MODE = 0o700  # whoever can read packs can read every team's bytes

_EFFECTIVE_IDS = os.access in os.supports_effective_ids


@dataclass(frozen=True, slots=True)
class PackLayout:
    """Names the directories and files of a store. Every method that touches them blocks."""

    root: Path

    @property
    def open(self) -> Path:
        """The directory of packs that are written to, or were when the power failed."""
        return self.root / "open"

    @property
    def sealed(self) -> Path:
        """The directory of packs that are complete, spread over up to 1,024 directories."""
        return self.root / "sealed"

    def open_path(self, pack_id: str) -> Path:
        """Return where a pack lies while it is open."""
        return self.open / f"{pack_id}{_SUFFIX}"

    def sealed_path(self, pack_id: str) -> Path:
        """Return where a pack lies once it is sealed."""
        # The last characters are random, the first ones are the time.
        return self.sealed / pack_id[-2:] / f"{pack_id}{_SUFFIX}"

    def create(self, calls: DiskCalls) -> None:
        """Make the directories that are not there yet, durably.

        Raises:
            OSError: they cannot be made, or not be written to.
            SyncFailedError: they may not last.
        """
        for directory in (self.open, self.sealed):
            _make(directory, calls)
            if not os.access(directory, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE_IDS):
                raise PermissionError(f"{directory} is not writable")

    def seal(self, pack_id: str, calls: DiskCalls) -> None:
        """Move a pack whose bytes are synced to its sealed place, durably.

        Raises:
            OSError: it cannot be moved, and is where it was.
            SyncFailedError: it was moved, and may not stay so.
        """
        source, target = self.open_path(pack_id), self.sealed_path(pack_id)
        target.parent.mkdir(mode=_MODE, exist_ok=True)
        if not target.exists():
            calls.rename(source, target)
        elif target.samefile(source):  # power failed between the two directories
            source.unlink()
        else:  # rename would replace it, and its bytes are somebody's
            raise FileExistsError(f"two different packs are called {target.name}")
        # In this order a crash can leave the pack in both places, never in neither.
        for directory in (self.sealed, target.parent, self.open):
            calls.sync_directory(directory)

    def open_packs(self) -> list[str]:
        """Return the ids of the packs in `open/`, oldest first."""
        return sorted(pack_id for pack_id, _ in _packs_in(self.open))

    def sizes(self) -> Iterator[int]:
        """Yield the size in bytes of each pack, sealed or not."""
        for directory in (self.open, *self.sealed.iterdir()):
            if directory.is_dir():
                yield from (size for _, size in _packs_in(directory))


def _make(directory: Path, calls: DiskCalls) -> None:
    if not directory.is_dir():
        _make(directory.parent, calls)
        directory.mkdir(mode=_MODE)
        calls.sync_directory(directory.parent)


def _packs_in(directory: Path) -> Iterator[tuple[str, int]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            pack_id = entry.name.removesuffix(_SUFFIX)
            if entry.name.endswith(_SUFFIX) and is_pack_id(pack_id):
                yield pack_id, entry.stat().st_size
