"""Registries, registered models and links, without await: `Client.registry`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hydria.loop_thread import LoopThread
from hydria.records import Collection, Version
from hydria.registry import AsyncRegistry
from hydria.registry_records import LinkResult, Registry
from hydria.sync_alias_history import SyncAliasHistory


class SyncRegistry(SyncAliasHistory):
    """Every method as that of `AsyncRegistry`. Lists are iterators."""

    def __init__(self, registry: AsyncRegistry, loop: LoopThread) -> None:
        super().__init__(registry, loop)
        self._registry = registry

    def create(
        self, registry: str, *, description: str = "", types: Sequence[str] = ()
    ) -> Registry:
        return self._loop.run(self._registry.create(registry, description=description, types=types))

    def get(self, registry: str = "") -> Registry:
        return self._loop.run(self._registry.get(registry))

    def registries(
        self, entity: str = "", *, filter: str = "", order_by: str = ""
    ) -> Iterator[Registry]:
        pages = self._registry.registries(entity, filter=filter, order_by=order_by)
        for page in self._loop.iterate(pages.pages()):
            yield from page

    def update(
        self,
        registry: str,
        *,
        new_name: str | None = None,
        description: str | None = None,
        types: Sequence[str] | None = None,
        etag: str = "",
    ) -> Registry:
        return self._loop.run(
            self._registry.update(
                registry, new_name=new_name, description=description, types=types, etag=etag
            )
        )

    def delete(self, registry: str, *, force: bool = False, etag: str = "") -> int:
        return self._loop.run(self._registry.delete(registry, force=force, etag=etag))

    def create_model(
        self, model: str, *, type: str, description: str = "", tags: Sequence[str] = ()
    ) -> Collection:
        return self._loop.run(
            self._registry.create_model(model, type=type, description=description, tags=tags)
        )

    def link(self, ref: str, model: str, *, aliases: Sequence[str] = ()) -> LinkResult:
        return self._loop.run(self._registry.link(ref, model, aliases=aliases))

    def unlink(self, ref: str, *, delete_aliases: bool = False, etag: str = "") -> Version:
        return self._loop.run(self._registry.unlink(ref, delete_aliases=delete_aliases, etag=etag))

    def links(self, ref: str, *, filter: str = "", order_by: str = "") -> Iterator[Version]:
        pages = self._registry.links(ref, filter=filter, order_by=order_by)
        for page in self._loop.iterate(pages.pages()):
            yield from page
