"""The values of the client as rows of JSON. Scripts depend on these keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hydria.cli.output import JsonText, JsonValue

if TYPE_CHECKING:
    from hydria.records import (
        AliasChange,
        Collection,
        DownloadResult,
        File,
        Project,
        UploadResult,
        Version,
    )

Row = dict[str, JsonValue]


def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC as RFC 3339 writes it, ending in `Z`."""
    return moment.isoformat().replace("+00:00", "Z")


def version_row(version: Version) -> Row:
    """Return all that is known of a version."""
    return {
        "ref": version.ref,
        "name": version.collection,
        "version": version.version,
        "type": version.type,
        "aliases": version.aliases,
        "tags": version.tags,
        "metadata": JsonText(version.metadata_json),
        "description": version.description,
        "digest": version.digest,
        "file_count": version.file_count,
        "size_bytes": version.size_bytes,
        "state": version.state.value,
        "created_at": rfc3339(version.created_at),
        "updated_at": rfc3339(version.updated_at),
        "etag": version.etag,
    }


def collection_row(collection: Collection) -> Row:
    """Return all that is known of a collection."""
    return {
        "name": collection.name,
        "type": collection.type,
        "path": collection.path,
        "version_count": collection.version_count,
        "latest_version": collection.latest_version or None,
        "aliases": collection.aliases,
        "tags": collection.tags,
        "description": collection.description,
        "created_at": rfc3339(collection.created_at),
        "updated_at": rfc3339(collection.updated_at),
    }


def project_row(project: Project) -> Row:
    """Return all that is known of a project. It has no type, and says so."""
    return {
        "name": project.name,
        "type": None,
        "path": f"{project.entity}/{project.name}",
        "collection_count": project.collection_count,
        "created_at": rfc3339(project.created_at),
    }


def file_row(file: File) -> Row:
    """Return all that is known of a file: it has a digest, or a URI where it is."""
    return {
        "path": file.path,
        "size_bytes": file.size_bytes,
        "digest": file.digest or None,
        "ref_uri": file.ref_uri or None,
        "ref_checksum": file.ref_checksum or None,
    }


def upload_row(result: UploadResult) -> Row:
    """Return what a put did."""
    return {
        "ref": result.version.ref,
        "version": result.version.version,
        "created": result.created,
        "digest": result.version.digest,
        "file_count": result.file_count,
        "size_bytes": result.size_bytes,
        "new_bytes": result.new_bytes,
        "duplicate_bytes": result.duplicate_bytes,
        "sent_bytes": result.sent_bytes,
        "seconds": round(result.seconds, 6),
        "aliases": result.version.aliases,
        "ignored_fields": result.ignored_fields,
    }


def download_row(result: DownloadResult) -> Row:
    """Return what a get did."""
    return {
        "ref": result.ref,
        "version": result.version,
        "root": str(result.root.absolute()),
        "file_count": result.file_count,
        "size_bytes": result.size_bytes,
        "received_bytes": result.received_bytes,
        "skipped_reference_count": result.skipped_reference_count,
        "seconds": round(result.seconds, 6),
    }


def alias_row(change: AliasChange) -> Row:
    """Return what became of an alias; null is no version."""
    return {
        "alias": change.alias,
        "version": change.version or None,
        "previous_version": change.previous_version or None,
    }
