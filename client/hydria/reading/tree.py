"""The tree that the file system shows: entities, projects, versions, and the files of versions."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from hydria.errors import FileNotFoundInVersionError, NotFoundError, PathInvalidError
from hydria.paths import check_path
from hydria.reading.known import Known
from hydria.reading.places import Place
from hydria.reading.sync_open_file import SyncOpenFile
from hydria.records import File, Version
from hydria.sync import Client

_VERSIONS_MAX = 1_000
_FILES_MAX = 20_000

Entry = dict[str, object]
"""What fsspec wants to know of a file or a directory: `name`, `size`, `type`, and what else."""


class Tree:
    """Answers what is at a place. Errors are those of files: FileNotFoundError and its kin.

    What an alias means is asked each time, and not again for what is done with the answer. What
    `:vN` and digests mean, and what files versions have, is remembered.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._versions: Known[str, Version] = Known(_VERSIONS_MAX)
        self._files: Known[tuple[str, str], File] = Known(_FILES_MAX)

    def forget(self) -> None:
        """Forget what is remembered."""
        self._versions.clear()
        self._files.clear()

    def info(self, place: Place) -> Entry:
        """Return the entry of a place.

        Raises:
            FileNotFoundError: there is nothing.
        """
        with _as_os_errors(place):
            if not place.ref:
                if place.project:
                    next(iter(self._client.collections(f"{place.entity}/{place.project}")), None)
                return _directory(place.text)
            version = self._version(place)
            if not place.path:
                return _directory(place.text)
            file = self._file(version, place.path)
            if file is not None:
                return _entry(place, version, file)
            if self._is_directory(version, place.path):
                return _directory(place.text)
            raise FileNotFoundInVersionError(f"{version.ref} has no {place.path!r}")

    def entries(self, place: Place) -> list[Entry]:
        """Return the entries right below a place, or the one of the file that it is.

        Raises:
            FileNotFoundError: there is nothing.
        """
        with _as_os_errors(place):
            if not place.ref:
                return self._names(place)
            version = self._version(place)
            listed = self._client.list_directory(version, place.path)
            above = f"{place.text}/"
            found = [_directory(f"{above}{name}") for name in listed.directories]
            found += [self._remembered(place, version, file) for file in listed.files]
            if place.path and not found:
                return [self.info(place)]
            return sorted(found, key=lambda entry: str(entry["name"]))

    def all_files(self, place: Place) -> Iterator[Entry]:
        """Yield the entries of all files below a place in a version, or of the file that it is.

        Raises:
            FileNotFoundError: there is no such version.
        """
        with _as_os_errors(place):
            version = self._version(place)
            file = self._file(version, place.path) if place.path else None
            if file is not None:
                yield _entry(place, version, file)
                return
            prefix = f"{place.path}/" if place.path else ""
            for file in self._client.files(version.ref, prefix):
                yield self._remembered(place, version, file)

    def open(self, place: Place) -> SyncOpenFile:
        """Open a file.

        Raises:
            FileNotFoundError: there is no such file.
            IsADirectoryError: it is a directory.
        """
        with _as_os_errors(place):
            if place.ref and place.path:
                version = self._version(place)
                file = self._file(version, place.path)
                if file is not None:
                    return self._client.open(version, file)
            if self.info(place)["type"] == "directory":
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), place.text)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place.text)

    def version(self, place: Place) -> Version:
        """Return the version that a place is in.

        Raises:
            FileNotFoundError: there is none.
        """
        with _as_os_errors(place):
            return self._version(place)

    def _version(self, place: Place) -> Version:
        version = self._versions.get(place.ref)
        if version is None:
            version = self._client.version(place.ref)
            if place.is_pinned:
                self._versions.put(place.ref, version)
        return version

    def _file(self, version: Version, path: str) -> File | None:
        file = self._files.get((version.ref, path))
        if file is None:
            check_path(path)
            # The first of all paths that begin with it, or as a glob, which answers with less.
            is_glob = not any(wildcard in path for wildcard in "*?[")
            wanted = {"glob": path} if is_glob else {"prefix": path}
            file = next(iter(self._client.files(version.ref, **wanted)), None)
            if file is None or file.path != path:
                return None
            self._files.put((version.ref, path), file)
        return file

    def _is_directory(self, version: Version, path: str) -> bool:
        return next(iter(self._client.files(version.ref, f"{path}/")), None) is not None

    def _remembered(self, place: Place, version: Version, file: File) -> Entry:
        self._files.put((version.ref, file.path), file)
        return _entry(place, version, file)

    def _names(self, place: Place) -> list[Entry]:
        """Return what lies above the versions."""
        if place.project:
            collections = self._client.collections(f"{place.entity}/{place.project}")
            return [_directory(f"{place.text}/{each.name}") for each in collections]
        if place.entity:
            projects = self._client.projects(place.entity)
            return [_directory(f"{place.text}/{each.name}") for each in projects]
        raise FileNotFoundError(errno.ENOENT, "entities are not listed; name one", "hydria://")


def _directory(name: str) -> Entry:
    return {"name": name, "size": 0, "type": "directory"}


def _entry(place: Place, version: Version, file: File) -> Entry:
    return {
        "name": place.name_of(file.path),
        "size": file.size_bytes,
        "type": "file",
        "digest": file.digest,
        "ref_uri": file.ref_uri,
        "version_ref": version.ref,
        "created": version.created_at,
    }


@contextmanager
def _as_os_errors(place: Place) -> Iterator[None]:
    """Say in the words of files that something is not there."""
    try:
        yield
    except (NotFoundError, PathInvalidError) as error:
        raise FileNotFoundError(errno.ENOENT, error.message, place.text) from error
