"""What a verification may find damaged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class DamageKind(IntEnum):
    """What is damaged."""

    CHUNK = 1
    RECIPE = 2
    FILE = 3  # its chunks are right, one by one, and do not add up
    MANIFEST = 4
    VERSION = 5  # the list of files is readable, and does not add up


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is damaged, and the digest that was not found to be true."""

    kind: DamageKind
    digest: bytes
    path: str = ""  # the file; of a part of the manifest, its first one
    last_path: str = ""  # of a part of the manifest
    offset: int = 0  # where in the file bytes are missing
    size_bytes: int = 0  # how many
