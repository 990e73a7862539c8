"""From a URI to the references that go into a version. Blocking: for a thread."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from hydria.errors import DuplicatePathError, InvalidArgumentError
from hydria.paths import normalize_path
from hydria.references.errors import (
    ReferenceInvalidError,
    ReferenceLimitError,
    ReferenceUnverifiableError,
)
from hydria.references.stores import FoundObject, Stores
from hydria.references.words import Reference, scheme_of
from hydria.threads import Stop
from hydria.walk import checked_prefix


def list_references(
    uri: str, name: str | None, *, max_objects: int, stop: Stop
) -> dict[str, Reference]:
    """Return what is at `uri`, by paths: an object under `name`, or all objects below it.

    Raises:
        ReferenceInvalidError: no reference may have this URI, or `name` is needed.
        ReferenceLimitError: there are more than `max_objects` objects.
        BrokenReferenceError: nothing is there, or it cannot be had.
        PathInvalidError, DuplicatePathError: names of objects do not make paths.
    """
    if max_objects < 1:
        raise InvalidArgumentError("max_objects is at least 1")
    references: dict[str, Reference] = {}
    with Stores() as stores:
        for found in stores.of(uri).find(uri):
            stop.check()
            if len(references) >= max_objects:
                raise ReferenceLimitError(
                    f"there are more than {max_objects} objects at {uri!r}: raise max_objects, or"
                    " name a part of them",
                    details={"uri": uri, "limit": str(max_objects)},
                )
            if not found.checksum:
                raise ReferenceUnverifiableError(
                    f"the store of {found.uri!r} says nothing to verify it by; without a checksum"
                    " the URI alone can be kept",
                    details={"uri": found.uri},
                )
            reference = _reference(found, name)
            if reference.path in references:
                other = references[reference.path].uri
                message = f"{other!r} and {found.uri!r} would both be {reference.path!r}"
                raise DuplicatePathError(message)
            references[reference.path] = reference
    return references


def bare_reference(uri: str, name: str | None) -> Reference:
    """Return a reference that is a URI and nothing else. Nothing is looked at.

    Raises:
        ReferenceInvalidError: no reference may have this URI, or `name` is needed.
        PathInvalidError: the name makes no path.
    """
    scheme_of(uri)
    last = urlsplit(uri).path.rstrip("/").rpartition("/")[2]
    return Reference(_path_of(name, unquote(last), uri), 0, uri, "")


def _reference(found: FoundObject, name: str | None) -> Reference:
    scheme_of(found.uri)
    if found.is_alone:
        path = _path_of(name, found.name, found.uri)
    else:
        path = normalize_path(checked_prefix(name or "") + found.name)
    return Reference(path, found.size_bytes, found.uri, found.checksum)


def _path_of(name: str | None, own_name: str, uri: str) -> str:
    if name is None and not own_name:
        raise ReferenceInvalidError(f"{uri!r} does not end in a name: say under which path it goes")
    return normalize_path(own_name if name is None else name)
