"""What is stored, and the words and names about it, without await."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from hydria.async_catalog import AsyncCatalog
from hydria.loop_thread import LoopThread
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

_Item = TypeVar("_Item")


class SyncCatalog:
    """The methods of `Client` that move no bytes: every one as that of `AsyncClient`.

    Lists are iterators that fetch a page when it is needed.
    """

    def __init__(self, client: AsyncCatalog, loop: LoopThread) -> None:
        self._catalog = client
        self._loop = loop

    def server_info(self) -> ServerInfo:
        return self._loop.run(self._catalog.server_info())

    def version(self, ref: str, *, type: str = "", as_of: datetime | None = None) -> Version:
        return self._loop.run(self._catalog.version(ref, type=type, as_of=as_of))

    def versions(
        self, collection: str = "", *, project: str = "", filter: str = "", order_by: str = ""
    ) -> Iterator[Version]:
        return self._items(
            self._catalog.versions(collection, project=project, filter=filter, order_by=order_by)
        )

    def collection(self, name: str) -> Collection:
        return self._loop.run(self._catalog.collection(name))

    def collections(
        self, project: str = "", *, filter: str = "", order_by: str = ""
    ) -> Iterator[Collection]:
        return self._items(self._catalog.collections(project, filter=filter, order_by=order_by))

    def projects(
        self, entity: str = "", *, filter: str = "", order_by: str = ""
    ) -> Iterator[Project]:
        return self._items(self._catalog.projects(entity, filter=filter, order_by=order_by))

    def types(
        self, project: str = "", *, filter: str = "", order_by: str = ""
    ) -> Iterator[ArtifactType]:
        return self._items(self._catalog.types(project, filter=filter, order_by=order_by))

    def files(self, ref: str, prefix: str = "", *, glob: str = "") -> Iterator[File]:
        return self._items(self._catalog.files(ref, prefix, glob=glob))

    def update_version(
        self,
        ref: str,
        *,
        description: str | None = None,
        metadata: Mapping[str, object] | str | None = None,
        tags: Sequence[str] | None = None,
        etag: str = "",
    ) -> Version:
        return self._loop.run(
            self._catalog.update_version(
                ref, description=description, metadata=metadata, tags=tags, etag=etag
            )
        )

    def update_collection(
        self,
        name: str,
        *,
        new_name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        type: str | None = None,
        etag: str = "",
    ) -> Collection:
        return self._loop.run(
            self._catalog.update_collection(
                name,
                new_name=new_name,
                description=description,
                tags=tags,
                type=type,
                etag=etag,
            )
        )

    def set_aliases(self, ref: str, aliases: Sequence[str]) -> tuple[AliasChange, ...]:
        return self._loop.run(self._catalog.set_aliases(ref, aliases))

    def remove_aliases(self, ref: str, aliases: Sequence[str]) -> tuple[AliasChange, ...]:
        return self._loop.run(self._catalog.remove_aliases(ref, aliases))

    def update_aliases(
        self, collection: str, operations: Sequence[AliasOperation]
    ) -> tuple[AliasChange, ...]:
        return self._loop.run(self._catalog.update_aliases(collection, operations))

    def delete_version(
        self, ref: str, *, delete_aliases: bool = False, force: bool = False, etag: str = ""
    ) -> Version:
        return self._loop.run(
            self._catalog.delete_version(ref, delete_aliases=delete_aliases, force=force, etag=etag)
        )

    def delete_collection(self, name: str, *, force: bool = False, etag: str = "") -> int:
        return self._loop.run(self._catalog.delete_collection(name, force=force, etag=etag))

    def _items(self, pages: Pages[_Item]) -> Iterator[_Item]:
        for page in self._loop.iterate(pages.pages()):
            yield from page
