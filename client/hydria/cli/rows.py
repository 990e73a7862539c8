"""The values of the client as rows of JSON. Scripts depend on these keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hydria.cli.output import JsonText, JsonValue

if TYPE_CHECKING:
    from hydria.inspection.records import Damage, DiffTotals, FileChange, VerifyResult
    from hydria.records import (
        AliasChange,
        Collection,
        CopyResult,
        DownloadResult,
        File,
        Project,
        UploadResult,
        Version,
    )
    from hydria.registry_records import LinkResult, Registry
    from hydria.upload_status import UploadStatus

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
        "source_ref": version.source_ref or None,
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
        "protected_aliases": collection.protected_aliases,
        "description": collection.description,
        "created_at": rfc3339(collection.created_at),
        "updated_at": rfc3339(collection.updated_at),
    }


def registry_row(registry: Registry) -> Row:
    """Return all that is known of a registry. It has no type of its own."""
    return {
        "name": registry.name,
        "type": None,
        "path": registry.path,
        "types": registry.types,
        "collection_count": registry.collection_count,
        "protected_aliases": registry.protected_aliases,
        "description": registry.description,
        "created_at": rfc3339(registry.created_at),
        "updated_at": rfc3339(registry.updated_at),
    }


def link_row(result: LinkResult) -> Row:
    """Return what linking did."""
    return {**version_row(result.version), "created": result.created}


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


def copy_row(result: CopyResult) -> Row:
    """Return what a copy did."""
    return {
        **version_row(result.version),
        "created": result.created,
        "ignored_fields": result.ignored_fields,
        "sent_bytes": result.sent_bytes,
    }


def shared_upload_row(status: UploadStatus) -> Row:
    """Return all that is known of an upload."""
    return {
        "upload_id": status.upload_id,
        "collection": status.collection,
        "type": status.type or None,
        "state": status.state,
        "base_version": status.base_version or None,
        "version_ref": status.version_ref or None,
        "writers": [
            {
                "writer_id": writer.writer_id,
                "staged_through_seq": writer.staged_through_seq,
                "operation_count": writer.operation_count,
                "is_finished": writer.is_finished,
            }
            for writer in status.writers
        ],
        "created_at": rfc3339(status.created_at),
        "expires_at": rfc3339(status.expires_at),
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


def verify_row(result: VerifyResult) -> Row:
    """Return what was checked; `root` is null for the stored bytes at the server."""
    return {
        "ref": result.ref,
        "root": str(result.root.absolute()) if result.root is not None else None,
        "intact": result.is_intact,
        "file_count": result.file_count,
        "size_bytes": result.size_bytes,
        "reference_count": result.reference_count,
        "damage_count": result.damage_count,
        "damaged": [_damage_row(found) for found in result.damages],
        "missing": result.missing,
        "changed": result.changed,
        "extra": result.extra,
        "seconds": round(result.seconds, 6),
    }


def _damage_row(found: Damage) -> Row:
    return {
        "kind": found.kind.value,
        "path": found.path or None,
        "last_path": found.last_path or None,
        "digest": found.digest,
        "offset": found.offset,
        "size_bytes": found.size_bytes,
    }


def diff_totals_row(totals: DiffTotals) -> Row:
    """Return the totals of a comparison."""
    return {
        "added_count": totals.added_count,
        "removed_count": totals.removed_count,
        "changed_count": totals.changed_count,
        "unchanged_count": totals.unchanged_count,
        "added_bytes": totals.added_bytes,
        "removed_bytes": totals.removed_bytes,
        "changed_bytes": totals.changed_bytes,
        "unchanged_bytes": totals.unchanged_bytes,
        "shared_bytes": totals.shared_bytes,
        "new_bytes": totals.new_bytes,
    }


def change_row(change: FileChange) -> Row:
    """Return a file that was added or removed, or one that has changed and what it was."""
    file, previous = change.file, change.previous
    if not (file and previous):
        only = file or previous
        assert only
        return file_row(only)
    was = {f"previous_{key}": value for key, value in file_row(previous).items()}
    del was["previous_path"]
    return file_row(file) | was
