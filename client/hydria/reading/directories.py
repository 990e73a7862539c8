"""The directories of a version. It has only files; directories are what their paths make of it."""

from __future__ import annotations

from hydria import messages
from hydria.download.listing import VersionListing
from hydria.records import Directory, Version
from hydria.retry import Patience
from hydria.runtime import Runtime


async def list_directory(runtime: Runtime, version: Version, path: str) -> Directory:
    """Return what lies right below a directory; `path` is empty for the root.

    Raises:
        ReceivedDataError: what the server sent is no such list.
        HydriaError: what else the server or the transport says.
    """
    patience = Patience(runtime.options.retry_seconds)
    listing = VersionListing(runtime.connection, version, patience=patience)
    files, names = await listing.directory(path)
    return Directory(
        files=tuple(messages.file_of(file) for file in files), directories=tuple(sorted(names))
    )
