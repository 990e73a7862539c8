"""Refs as people write them, filled in to the full refs that servers take."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hydria.errors import RefInvalidError

DEFAULT_ENTITY = "local"


@dataclass(frozen=True, slots=True)
class CollectionName:
    """Which collection: all three parts, none of them empty."""

    entity: str
    project: str
    collection: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What fills in the parts that a name leaves out."""

    entity: str = DEFAULT_ENTITY
    project: str = ""

    def collection(self, name: str) -> CollectionName:
        """Return the collection that `[[ENTITY/]PROJECT/]COLLECTION` names.

        Raises:
            RefInvalidError: it has empty or too many parts, a suffix, or no project.
        """
        if "@" in name or ":" in name:
            raise RefInvalidError(f"{name!r} names a version; the name of a collection is needed")
        parts = name.split("/")
        if len(parts) > 3 or not all(parts):
            raise RefInvalidError(f"{name!r} is not [[ENTITY/]PROJECT/]COLLECTION")
        entity = parts[-3] if len(parts) == 3 else self.entity
        project = parts[-2] if len(parts) >= 2 else self.project
        if not project:
            raise RefInvalidError(
                f"{name!r} names no project: write PROJECT/{name}, or set HYDRIA_PROJECT"
            )
        return CollectionName(entity=entity, project=project, collection=parts[-1])

    def ref(self, text: str) -> str:
        """Return the full ref that `text` means, its suffix (`:alias`, `@digest`) as it is.

        Raises:
            RefInvalidError: the part before the suffix does not name a collection.
        """
        name, suffix = split_ref(text)
        return f"{self.collection(name)}{suffix}"

    def run(self, text: str) -> str:
        """Return the full ref of the run that `[[ENTITY/]PROJECT/runs/]ID` names.

        Raises:
            RefInvalidError: it has another shape, or there is no project.
        """
        parts = text.split("/")
        if len(parts) == 1:
            parts = ["runs", text]
        if len(parts) not in (2, 3, 4) or parts[-2] != "runs" or not all(parts):
            raise RefInvalidError(f"{text!r} is not [[ENTITY/]PROJECT/runs/]ID")
        entity, project = self.project_path("/".join(parts[:-2]))
        return f"{entity}/{project}/runs/{parts[-1]}"

    def node(self, text: str) -> str:
        """Return the run ref, the full ref of a version, or the id that `text` means.

        Raises:
            RefInvalidError: it is none of these.
        """
        if re.fullmatch(r"[rv][1-9][0-9]*", text):
            return text
        if re.fullmatch(r"([^/:@]+/){1,2}runs/[^/:@]+", text) and text.count("/") > 2:
            return self.run(text)
        return self.ref(text)

    def project_path(self, text: str) -> tuple[str, str]:
        """Return the entity and the project that `[ENTITY/]PROJECT` means; empty: the defaults.

        Raises:
            RefInvalidError: it has empty or too many parts, or there is no project.
        """
        parts = text.split("/") if text else [self.project]
        if len(parts) > 2 or not all(parts):
            raise RefInvalidError(f"{text!r} is not [ENTITY/]PROJECT, and there is no default")
        return (parts[0] if len(parts) == 2 else self.entity), parts[-1]


def split_ref(text: str) -> tuple[str, str]:
    """Split a ref into its name and its suffix with the mark: `a/b/c:v1` -> `a/b/c`, `:v1`.

    `@` is looked for before `:`, because a digest has a `:` of its own.
    """
    for mark in "@:":
        name, found, rest = text.partition(mark)
        if found:
            return name, mark + rest
    return text, ""
