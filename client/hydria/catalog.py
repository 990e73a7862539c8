"""Calls about what is stored: versions, collections, aliases. Full names in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from google.protobuf.field_mask_pb2 import FieldMask

from hydria import messages
from hydria.connection import LONG_CALL_SECONDS, Connection
from hydria.pages import PAGE_SIZE, Pages
from hydria.records import (
    AliasChange,
    AliasOperation,
    ArtifactType,
    Collection,
    CopyResult,
    File,
    Project,
    ServerInfo,
    Version,
    Words,
)
from hydria.refs import CollectionName
from hydria.v1 import artifact_pb2 as pb


class Catalog:
    """One method for each call. Every one raises a `HydriaError` for what the server says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def server_info(self) -> ServerInfo:
        """Return what the server says of itself."""
        method = self._connection.stub.GetServerInfo
        return messages.server_info_of(
            await self._connection.call(method, pb.GetServerInfoRequest(), timeout_seconds=10)
        )

    async def version(self, ref: str, *, type: str, as_of: datetime | None = None) -> Version:
        """Return the version that a full ref names, or that its alias pointed to at a time."""
        request = pb.GetVersionRequest(ref=ref, type=type, as_of=messages.given_time(as_of))
        response = await self._connection.call(self._connection.stub.GetVersion, request)
        return messages.version_of(response.version)

    async def reuse_version(
        self, name: CollectionName, digest: bytes, *, type: str, words: Words
    ) -> tuple[Version, tuple[str, ...]]:
        """Point the aliases to the version with that digest; return it, and the ignored fields."""
        request = pb.ReuseVersionRequest(
            entity=name.entity,
            project=name.project,
            collection=name.collection,
            type=type,
            digest=digest,
            description=words.description,
            metadata_json=words.metadata_json,
            tags=words.tags,
            aliases=words.aliases,
            run_ref=words.run_ref,
        )
        response = await self._connection.call(self._connection.stub.ReuseVersion, request)
        return messages.version_of(response.version), tuple(response.ignored_fields)

    def versions(self, name: CollectionName, *, filter: str, order_by: str) -> Pages[Version]:
        """Return the versions of a collection; its name may be empty, for all of the project."""

        async def fetch(token: str) -> tuple[list[Version], str]:
            request = pb.ListVersionsRequest(
                entity=name.entity,
                project=name.project,
                collection=name.collection,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            page = await self._connection.call(self._connection.stub.ListVersions, request)
            return [messages.version_of(item) for item in page.versions], page.next_page_token

        return Pages(fetch)

    async def collection(self, name: CollectionName) -> Collection:
        """Return a collection."""
        request = pb.GetCollectionRequest(
            entity=name.entity, project=name.project, collection=name.collection
        )
        response = await self._connection.call(self._connection.stub.GetCollection, request)
        return messages.collection_of(response.collection)

    def collections(
        self, entity: str, project: str, *, filter: str, order_by: str
    ) -> Pages[Collection]:
        """Return the collections of a project."""

        async def fetch(token: str) -> tuple[list[Collection], str]:
            request = pb.ListCollectionsRequest(
                entity=entity,
                project=project,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            page = await self._connection.call(self._connection.stub.ListCollections, request)
            return [messages.collection_of(item) for item in page.collections], page.next_page_token

        return Pages(fetch)

    def projects(self, entity: str, *, filter: str, order_by: str) -> Pages[Project]:
        """Return the projects of an entity."""

        async def fetch(token: str) -> tuple[list[Project], str]:
            request = pb.ListProjectsRequest(
                entity=entity,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            page = await self._connection.call(self._connection.stub.ListProjects, request)
            return [messages.project_of(item) for item in page.projects], page.next_page_token

        return Pages(fetch)

    def types(
        self, entity: str, project: str, *, filter: str, order_by: str
    ) -> Pages[ArtifactType]:
        """Return the types in use in a project."""

        async def fetch(token: str) -> tuple[list[ArtifactType], str]:
            request = pb.ListTypesRequest(
                entity=entity,
                project=project,
                filter=filter,
                order_by=order_by,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            page = await self._connection.call(self._connection.stub.ListTypes, request)
            return [messages.artifact_type_of(item) for item in page.types], page.next_page_token

        return Pages(fetch)

    def files(self, ref: str, *, prefix: str, glob: str) -> Pages[File]:
        """Return the files of a version."""

        async def fetch(token: str) -> tuple[list[File], str]:
            request = pb.ListFilesRequest(
                ref=ref, prefix=prefix, glob=glob, page_size=PAGE_SIZE, page_token=token
            )
            page = await self._connection.call(self._connection.stub.ListFiles, request)
            return [messages.file_of(item) for item in page.files], page.next_page_token

        return Pages(fetch)

    async def update_version(
        self,
        ref: str,
        *,
        description: str | None,
        metadata_json: str | None,
        tags: Sequence[str] | None,
        etag: str,
    ) -> Version:
        """Change those words about a version that are not None."""
        given = {"description": description, "metadata_json": metadata_json, "tags": tags}
        request = pb.UpdateVersionRequest(
            ref=ref,
            description=description or "",
            metadata_json=metadata_json or "",
            tags=tags or (),
            update_mask=FieldMask(paths=[name for name in given if given[name] is not None]),
            etag=etag,
        )
        response = await self._connection.call(self._connection.stub.UpdateVersion, request)
        return messages.version_of(response.version)

    async def update_collection(
        self,
        name: CollectionName,
        *,
        new_name: str | None,
        description: str | None,
        tags: Sequence[str] | None,
        type: str | None,
        etag: str,
    ) -> Collection:
        """Change what is not None: a collection's name, its type, the words about it."""
        given = {"name": new_name, "description": description, "tags": tags, "type": type}
        request = pb.UpdateCollectionRequest(
            entity=name.entity,
            project=name.project,
            collection=name.collection,
            name=new_name or "",
            type=type or "",
            description=description or "",
            tags=tags or (),
            update_mask=FieldMask(paths=[field for field in given if given[field] is not None]),
            etag=etag,
        )
        response = await self._connection.call(self._connection.stub.UpdateCollection, request)
        return messages.collection_of(response.collection)

    async def copy_version(
        self,
        source_ref: str,
        name: CollectionName,
        *,
        type: str,
        aliases: Sequence[str],
        tags: Sequence[str],
        description: str | None,
        metadata_json: str | None,
        request_id: str,
    ) -> CopyResult:
        """Make a version with the content of another one, at the server."""
        request = pb.CopyVersionRequest(
            source_ref=source_ref,
            entity=name.entity,
            project=name.project,
            collection=name.collection,
            type=type,
            aliases=aliases,
            tags=tags,
            description=description,
            metadata_json=metadata_json,
            request_id=request_id,
        )
        method = self._connection.stub.CopyVersion
        response = await self._connection.call(method, request, timeout_seconds=LONG_CALL_SECONDS)
        return CopyResult(
            version=messages.version_of(response.version),
            created=response.created,
            ignored_fields=tuple(response.ignored_fields),
        )

    async def delete_version(
        self, ref: str, *, delete_aliases: bool, force: bool, etag: str
    ) -> Version:
        """Delete a version, and return what is remembered of it."""
        request = pb.DeleteVersionRequest(
            ref=ref, delete_aliases=delete_aliases, force=force, etag=etag
        )
        response = await self._connection.call(self._connection.stub.DeleteVersion, request)
        return messages.version_of(response.version)

    async def delete_collection(self, name: CollectionName, *, force: bool, etag: str) -> int:
        """Delete a collection, and return how many versions went with it."""
        request = pb.DeleteCollectionRequest(
            entity=name.entity,
            project=name.project,
            collection=name.collection,
            force=force,
            etag=etag,
        )
        method = self._connection.stub.DeleteCollection
        response = await self._connection.call(method, request, timeout_seconds=LONG_CALL_SECONDS)
        return response.deleted_version_count

    async def update_aliases(
        self, name: CollectionName, operations: Sequence[AliasOperation]
    ) -> tuple[AliasChange, ...]:
        """Change aliases of a collection, all or none."""
        request = pb.UpdateAliasesRequest(
            entity=name.entity,
            project=name.project,
            collection=name.collection,
            operations=[messages.alias_operation_message(operation) for operation in operations],
        )
        response = await self._connection.call(self._connection.stub.UpdateAliases, request)
        return tuple(messages.alias_change_of(change) for change in response.changes)
