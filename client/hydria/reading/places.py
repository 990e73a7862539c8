"""Where in the file system something is: an entity, a project, a version, a file of it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Such refs name the same content for ever.
_PINNED = re.compile(r"[^:@]*(:v[0-9]+|@blake3:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Place:
    """`ENTITY[/PROJECT[/NAME[:SUFFIX][/PATH]]]`, as the paths of the file system are."""

    text: str
    entity: str = ""
    project: str = ""
    ref: str = ""
    """The full ref; empty above the versions."""
    path: str = ""
    """The path in the version; empty for its root."""

    @property
    def is_pinned(self) -> bool:
        """Whether the ref cannot come to mean another content."""
        return _PINNED.fullmatch(self.ref) is not None

    def name_of(self, path: str) -> str:
        """Return the file system's path for a path in the same version."""
        return f"{self.ref}/{path}" if path else self.ref


def place_of(text: str) -> Place:
    """Return the place that a path of the file system names, without `hydria://`."""
    parts = text.strip("/").split("/", 3)
    entity, project = parts[0], parts[1] if len(parts) > 1 else ""
    if len(parts) < 3:
        return Place("/".join(parts), entity, project)
    ref = "/".join(parts[:3])
    path = unicodedata.normalize("NFC", parts[3]) if len(parts) > 3 else ""
    return Place(f"{ref}/{path}" if path else ref, entity, project, ref, path)
