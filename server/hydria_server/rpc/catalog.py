"""The unary calls on projects, collections, versions and aliases."""

from __future__ import annotations

from hydria.v1 import artifact_pb2
from hydria_server.rpc import messages, requests
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.family import ArtifactRpcs
from hydria_server.services.collections import CollectionChange
from hydria_server.services.versions import VersionChange

_VERSION_WORDS = ("description", "metadata_json", "tags")
_COLLECTION_WORDS = ("name", "description", "tags", "type")


class CatalogRpcs(ArtifactRpcs):
    """Get, list, update and delete."""

    async def GetVersion(
        self, request: artifact_pb2.GetVersionRequest, context: Context
    ) -> artifact_pb2.GetVersionResponse:
        as_of_us = requests.as_of_us(request)
        if as_of_us is None:
            version = await self.services.versions.get(request.ref, type_=request.type)
        else:
            version = await self.services.alias_history.version_at(
                request.ref, as_of_us, type_=request.type
            )
        return artifact_pb2.GetVersionResponse(version=messages.version_message(version))

    async def ListVersions(
        self, request: artifact_pb2.ListVersionsRequest, context: Context
    ) -> artifact_pb2.ListVersionsResponse:
        listed = await self.services.listings.versions(
            request.entity, request.project, request.collection, requests.list_request(request)
        )
        return artifact_pb2.ListVersionsResponse(
            versions=[messages.version_message(version) for version in listed.items],
            next_page_token=listed.next_page_token,
        )

    async def GetCollection(
        self, request: artifact_pb2.GetCollectionRequest, context: Context
    ) -> artifact_pb2.GetCollectionResponse:
        collection = await self.services.collections.get(requests.collection_name(request))
        return artifact_pb2.GetCollectionResponse(
            collection=messages.collection_message(collection)
        )

    async def ListCollections(
        self, request: artifact_pb2.ListCollectionsRequest, context: Context
    ) -> artifact_pb2.ListCollectionsResponse:
        listed = await self.services.listings.collections(
            request.entity, request.project, requests.list_request(request)
        )
        return artifact_pb2.ListCollectionsResponse(
            collections=[messages.collection_message(collection) for collection in listed.items],
            next_page_token=listed.next_page_token,
        )

    async def ListProjects(
        self, request: artifact_pb2.ListProjectsRequest, context: Context
    ) -> artifact_pb2.ListProjectsResponse:
        listed = await self.services.listings.projects(
            request.entity, requests.list_request(request)
        )
        return artifact_pb2.ListProjectsResponse(
            projects=[messages.project_message(project) for project in listed.items],
            next_page_token=listed.next_page_token,
        )

    async def ListTypes(
        self, request: artifact_pb2.ListTypesRequest, context: Context
    ) -> artifact_pb2.ListTypesResponse:
        listed = await self.services.listings.types(
            request.entity, request.project, requests.list_request(request)
        )
        return artifact_pb2.ListTypesResponse(
            types=[messages.type_message(type_) for type_ in listed.items],
            next_page_token=listed.next_page_token,
        )

    async def UpdateVersion(
        self, request: artifact_pb2.UpdateVersionRequest, context: Context
    ) -> artifact_pb2.UpdateVersionResponse:
        paths = requests.mask_paths(request.update_mask, _VERSION_WORDS)
        change = VersionChange(
            description=request.description if "description" in paths else None,
            metadata_json=request.metadata_json if "metadata_json" in paths else None,
            tags=tuple(request.tags) if "tags" in paths else None,
        )
        version = await self.services.versions.update(
            request.ref, change, etag=request.etag, actor=self.actor(context)
        )
        note("version", version.ref)
        return artifact_pb2.UpdateVersionResponse(version=messages.version_message(version))

    async def UpdateCollection(
        self, request: artifact_pb2.UpdateCollectionRequest, context: Context
    ) -> artifact_pb2.UpdateCollectionResponse:
        paths = requests.mask_paths(request.update_mask, _COLLECTION_WORDS)
        change = CollectionChange(
            name=request.name if "name" in paths else None,
            description=request.description if "description" in paths else None,
            tags=tuple(request.tags) if "tags" in paths else None,
            type=request.type if "type" in paths else None,
        )
        collection = await self.services.collections.update(
            requests.collection_name(request),
            change,
            etag=request.etag,
            actor=self.actor(context),
        )
        return artifact_pb2.UpdateCollectionResponse(
            collection=messages.collection_message(collection)
        )

    async def DeleteVersion(
        self, request: artifact_pb2.DeleteVersionRequest, context: Context
    ) -> artifact_pb2.DeleteVersionResponse:
        version = await self.services.versions.delete(
            request.ref,
            delete_aliases=request.delete_aliases,
            force=request.force,
            etag=request.etag,
            actor=self.actor(context),
        )
        note("version", version.ref)
        return artifact_pb2.DeleteVersionResponse(version=messages.version_message(version))

    async def DeleteCollection(
        self, request: artifact_pb2.DeleteCollectionRequest, context: Context
    ) -> artifact_pb2.DeleteCollectionResponse:
        count = await self.services.collections.delete(
            requests.collection_name(request),
            force=request.force,
            etag=request.etag,
            actor=self.actor(context),
        )
        return artifact_pb2.DeleteCollectionResponse(deleted_version_count=count)

    async def UpdateAliases(
        self, request: artifact_pb2.UpdateAliasesRequest, context: Context
    ) -> artifact_pb2.UpdateAliasesResponse:
        changes = await self.services.aliases.update(
            requests.collection_name(request),
            [requests.alias_operation(operation) for operation in request.operations],
            actor=self.actor(context),
            role=self.role(context),
        )
        return artifact_pb2.UpdateAliasesResponse(
            changes=[messages.alias_change_message(change) for change in changes]
        )
