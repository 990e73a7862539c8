"""What is stored, and the words and names about it: the half of the client that moves no bytes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from hydria import messages
from hydria.catalog import Catalog
from hydria.pages import Pages
from hydria.records import (
    AliasChange,
    AliasOperation,
    ArtifactType,
    Collection,
    File,
    Project,
    ServerInfo,
    Version,
)
from hydria.refs import CollectionName, Defaults, split_ref


class AsyncCatalog:
    """The methods of `AsyncClient` that read and change what is stored, apart from bytes."""

    def __init__(self, catalog: Catalog, defaults: Defaults) -> None:
        self.defaults = defaults
        self._catalog = catalog

    async def server_info(self) -> ServerInfo:
        """Return what the server says of itself."""
        return await self._catalog.server_info()

    async def ping(self) -> float:
        """Return how many seconds one small call takes, connecting included."""
        begun_at = time.monotonic()
        await self.server_info()
        return time.monotonic() - begun_at

    # --- what is there --------------------------------------------------------------------------

    async def version(self, ref: str, *, type: str = "", as_of: datetime | None = None) -> Version:
        """Return the version that a ref names.

        Args:
            ref: the version.
            type: the type it must have, if not empty.
            as_of: where the alias of `ref` pointed then, an aware time; the version may be deleted
                since, and its `state` says so. Its `ref` reads what is still there.

        Raises:
            AliasNotFoundError: the alias points nowhere, or did not then.
        """
        return await self._catalog.version(self.defaults.ref(ref), type=type, as_of=as_of)

    def versions(
        self, collection: str = "", *, project: str = "", filter: str = "", order_by: str = ""
    ) -> Pages[Version]:
        """Return the versions of a collection, or of all of `project`, newest first.

        Args:
            collection: empty for all collections of `project`.
            project: `[ENTITY/]PROJECT`, where `collection` is empty.
            filter: one AIP-160 expression, e.g. `tag:gold AND size_bytes > 1000`.
            order_by: e.g. `created_at desc, name`.
        """
        if collection:
            name = self.defaults.collection(collection)
        else:
            entity, project = self.defaults.project_path(project)
            name = CollectionName(entity=entity, project=project, collection="")
        return self._catalog.versions(name, filter=filter, order_by=order_by)

    async def collection(self, name: str) -> Collection:
        """Return a collection."""
        return await self._catalog.collection(self.defaults.collection(name))

    def collections(
        self, project: str = "", *, filter: str = "", order_by: str = ""
    ) -> Pages[Collection]:
        """Return the collections of `[ENTITY/]PROJECT`, by name."""
        entity, name = self.defaults.project_path(project)
        return self._catalog.collections(entity, name, filter=filter, order_by=order_by)

    def projects(self, entity: str = "", *, filter: str = "", order_by: str = "") -> Pages[Project]:
        """Return the projects of an entity, by name."""
        owner = entity or self.defaults.entity
        return self._catalog.projects(owner, filter=filter, order_by=order_by)

    def types(
        self, project: str = "", *, filter: str = "", order_by: str = ""
    ) -> Pages[ArtifactType]:
        """Return the types in use in `[ENTITY/]PROJECT`, by name."""
        entity, name = self.defaults.project_path(project)
        return self._catalog.types(entity, name, filter=filter, order_by=order_by)

    def files(self, ref: str, prefix: str = "", *, glob: str = "") -> Pages[File]:
        """Return the files of a version, by path.

        Args:
            ref: the version.
            prefix: only files whose paths begin with this text.
            glob: only files whose whole paths this stands for, e.g. `data/**/*.csv`: `*`, `?` and
                `[a-z]` within a segment, `**` for any number of segments.
        """
        return self._catalog.files(self.defaults.ref(ref), prefix=prefix, glob=glob)

    # --- changes --------------------------------------------------------------------------------

    async def update_version(
        self,
        ref: str,
        *,
        description: str | None = None,
        metadata: Mapping[str, object] | str | None = None,
        tags: Sequence[str] | None = None,
        etag: str = "",
    ) -> Version:
        """Change those words about a version that are given, if `etag` still holds or is empty."""
        return await self._catalog.update_version(
            self.defaults.ref(ref),
            description=description,
            metadata_json=None if metadata is None else messages.metadata_text(metadata),
            tags=tags,
            etag=etag,
        )

    async def update_collection(
        self,
        name: str,
        *,
        new_name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        type: str | None = None,
        etag: str = "",
    ) -> Collection:
        """Rename a collection (`new_name` has no slash), change its type or the words about it."""
        return await self._catalog.update_collection(
            self.defaults.collection(name),
            new_name=new_name,
            description=description,
            tags=tags,
            type=type,
            etag=etag,
        )

    async def set_aliases(self, ref: str, aliases: Sequence[str]) -> tuple[AliasChange, ...]:
        """Point aliases to a version, wherever they point now."""
        version = await self.version(ref)
        return await self._catalog.update_aliases(
            _collection_of(version),
            [AliasOperation(alias=alias, version=version.version) for alias in aliases],
        )

    async def remove_aliases(self, ref: str, aliases: Sequence[str]) -> tuple[AliasChange, ...]:
        """Remove aliases: from one version if `ref` has a suffix, else wherever they point.

        Raises:
            AliasConflictError: an alias does not point to the version that `ref` names.
        """
        name, suffix = split_ref(ref)
        collection, expected = self.defaults.collection(name), None
        if suffix:
            version = await self.version(ref)
            collection, expected = _collection_of(version), version.version
        return await self._catalog.update_aliases(
            collection,
            [
                AliasOperation(alias=alias, version=None, expected_version=expected)
                for alias in aliases
            ],
        )

    async def update_aliases(
        self, collection: str, operations: Sequence[AliasOperation]
    ) -> tuple[AliasChange, ...]:
        """Change aliases of a collection: all of the operations, or none.

        Raises:
            AliasConflictError: an alias is not where an operation expected it.
        """
        return await self._catalog.update_aliases(self.defaults.collection(collection), operations)

    async def delete_version(
        self, ref: str, *, delete_aliases: bool = False, force: bool = False, etag: str = ""
    ) -> Version:
        """Delete a version, and return what is remembered of it.

        Args:
            ref: the version.
            delete_aliases: delete it although aliases other than `latest` point to it.
            force: delete it although registries link it, and these links with it.
            etag: of the version as it was read; empty to delete it in any case.

        Raises:
            ResourceInUseError: aliases or links hold it.
        """
        return await self._catalog.delete_version(
            self.defaults.ref(ref), delete_aliases=delete_aliases, force=force, etag=etag
        )

    async def delete_collection(self, name: str, *, force: bool = False, etag: str = "") -> int:
        """Delete a collection with all its versions, and return how many there were."""
        return await self._catalog.delete_collection(
            self.defaults.collection(name), force=force, etag=etag
        )


def _collection_of(version: Version) -> CollectionName:
    return CollectionName(
        entity=version.entity, project=version.project, collection=version.collection
    )
