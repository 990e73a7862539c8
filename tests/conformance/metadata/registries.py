"""Rows of registries and links, in every metadata store."""

from __future__ import annotations

import pytest

from hydria_server.domain.errors import AlreadyExistsError, NotFoundError
from hydria_server.domain.filters import Comparison, Operator, OrderTerm, Query
from hydria_server.domain.kinds import CollectionKind, ProjectKind
from hydria_server.domain.links import NewLink
from hydria_server.domain.names import MODEL_REGISTRY
from hydria_server.domain.records import VersionRecord, VersionState
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import a_line, a_shard, a_version, in_one_write


async def a_registry(rows: Rows, entity_id: int, name: str = "registry-field") -> int:
    return await rows.registries.create(entity_id, name, description="", types=(), now_us=1)


async def a_link(rows: Rows, source: VersionRecord, *, name: str = "felines") -> VersionRecord:
    """Link a version in the `model-registry` of its entity, by a new registered model."""
    project = await rows.names.project(source.entity, MODEL_REGISTRY)
    assert project is not None
    model_id = await rows.names.create_collection(
        project.id, name, source.type, now_us=2, kind=CollectionKind.PORTFOLIO
    )
    number = await rows.names.take_version_number(model_id)
    return await rows.links.insert(NewLink(model_id, number, source.id, 3))


class RegistriesContract:
    """`RegistryRows`, `LinkRows`, and what they mean for `VersionRows`."""

    @in_one_write
    async def test_an_entity_is_made_with_its_model_registry(self, rows: Rows) -> None:
        await rows.names.ensure_entity("acme", now_us=7)
        project = await rows.names.project("acme", MODEL_REGISTRY)
        assert project is not None
        assert (project.kind, project.created_at_us) == (ProjectKind.REGISTRY, 7)
        assert (await rows.registries.by_id(project.id)).types == ()

    @in_one_write
    async def test_a_name_is_a_project_s_or_a_registry_s(self, rows: Rows) -> None:
        line = await a_line(rows, project="registry-field")
        with pytest.raises(AlreadyExistsError):
            await a_registry(rows, line.entity.id)
        with pytest.raises(NotFoundError):
            await rows.registries.by_id(line.project_id)

    @in_one_write
    async def test_a_renamed_registry_is_found_by_its_old_name_until_that_is_used(
        self, rows: Rows
    ) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        first = await a_registry(rows, acme.id)
        await rows.names.create_collection(first, "m", "model", now_us=1)
        await rows.registries.rename(first, "registry-new", now_us=9)
        renamed = await rows.registries.by_id(first)
        assert (renamed.name, renamed.revision, renamed.updated_at_us) == ("registry-new", 2, 9)
        for name in ("registry-new", "registry-field"):
            project = await rows.names.project("acme", name)
            assert project is not None
            assert project.id == first
        found = await rows.names.collection("acme", "registry-field", "m")
        assert found is not None
        assert found.project == "registry-new"
        assert await rows.names.collection("acme", "registry-field", "m", follow=False) is None
        second = await a_registry(rows, acme.id)
        project = await rows.names.project("acme", "registry-field")
        assert project is not None
        assert project.id == second
        with pytest.raises(AlreadyExistsError):
            await rows.registries.rename(second, "registry-new", now_us=9)
        await rows.registries.rename(first, "registry-field-2", now_us=9)
        await rows.registries.rename(first, "registry-new", now_us=9)  # back to what it was
        assert (await rows.registries.by_id(first)).name == "registry-new"

    @in_one_write
    async def test_a_deleted_registry_s_name_is_free_at_once(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        first = await a_registry(rows, acme.id)
        await rows.names.create_collection(first, "m", "model", now_us=1)
        await rows.registries.rename(first, "registry-new", now_us=2)
        await rows.registries.delete(first, now_us=3)
        for name in ("registry-new", "registry-field"):
            assert await rows.names.project("acme", name) is None
            assert await rows.names.collection("acme", name, "m") is None
        assert await rows.versions.resolve_alias("acme", "registry-new", "m", "latest") is None
        assert await a_registry(rows, acme.id, "registry-new") != first
        assert (await rows.registries.by_id(first)).name == "registry-new"

    @in_one_write
    async def test_types_and_words_are_replaced(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        made = await rows.registries.create(
            acme.id, "registry-a", description="d", types=("b", "a"), now_us=1
        )
        assert (await rows.registries.by_id(made)).types == ("a", "b")
        await rows.registries.update(made, description=None, types=("c",), now_us=2)
        changed = await rows.registries.by_id(made)
        assert (changed.description, changed.types, changed.revision) == ("d", ("c",), 2)
        await rows.names.create_collection(made, "m", "model", now_us=1)
        gone = await rows.names.create_collection(made, "g", "gone", now_us=1)
        await rows.names.delete_collection(gone, now_us=2)
        assert await rows.registries.types_in_use(made) == {"model"}
        assert len(await rows.registries.collection_ids(made)) == 1

    @in_one_write
    async def test_registries_are_listed_and_projects_are_not_among_them(self, rows: Rows) -> None:
        line = await a_line(rows)
        await a_registry(rows, line.entity.id)
        by_name = (OrderTerm("name"),)
        page = await rows.registries.page(line.entity.id, Query(None, by_name, None, 10))
        assert [each.name for each in page.items] == ["model-registry", "registry-field"]
        none = Comparison("type", Operator.HAS, "model")
        page = await rows.registries.page(line.entity.id, Query(none, by_name, None, 10))
        assert page.items == ()
        projects = await rows.listings.projects(line.entity.id, Query(None, by_name, None, 10))
        assert [each.name for each in projects.items] == ["vision"]

    @in_one_write
    async def test_a_link_has_what_its_source_has(self, rows: Rows) -> None:
        line = await a_line(rows)
        shards = [a_shard(1, "a", "b")]
        source = await a_version(rows, line.collection_id, tags=["t"], shards=shards)
        link = await a_link(rows, source)
        assert link.source is not None
        assert (link.source.ref, link.content_id) == (source.ref, source.id)
        assert (link.ref, link.type) == ("acme/model-registry/felines:v0", source.type)
        assert (link.tags, link.digest, link.revision) == (("t",), source.digest, source.revision)
        assert (link.description, link.metadata_json) == (
            *(source.description, source.metadata_json),
        )
        assert await rows.versions.shards(link.id) == shards
        assert await rows.versions.shards_between(link.id, first="a", last="a") == shards
        assert await rows.versions.domain(link.id) == line.entity.domain

    @in_one_write
    async def test_a_link_has_the_words_of_its_source_as_they_change(self, rows: Rows) -> None:
        line = await a_line(rows)
        source = await a_version(rows, line.collection_id, tags=["t"])
        link = await a_link(rows, source)
        await rows.versions.update(
            source.id, description="new", metadata_json='{"a":1}', tags=["u"], now_us=9
        )
        assert await rows.versions.add_tags(source.id, ["v"], now_us=10)
        assert not await rows.versions.add_tags(source.id, ["u", "v"], now_us=11)
        found = await rows.versions.by_id(link.id)
        assert (found.description, found.metadata_json) == ("new", '{"a":1}')
        assert (found.tags, found.revision, found.updated_at_us) == (("u", "v"), 3, 10)

    @in_one_write
    async def test_live_links_are_found_from_both_sides(self, rows: Rows) -> None:
        line = await a_line(rows)
        source = await a_version(rows, line.collection_id)
        other = await a_version(rows, line.collection_id)
        links = [await a_link(rows, source, name=name) for name in ("a", "b")]
        links.append(await a_link(rows, other, name="c"))
        assert await rows.links.ids_of_version(source.id) == [each.id for each in links[:2]]
        assert await rows.links.ids_of_collection(line.collection_id) == [x.id for x in links]
        await rows.versions.mark_deleted([links[0].id], now_us=5)
        assert await rows.links.live(links[0].collection_id, source.id) is None
        assert await rows.links.live(links[1].collection_id, source.id) == links[1]
        newest = (OrderTerm("created_at", True),)
        state = Comparison("state", Operator.EQ, VersionState.DELETED.name)
        page = await rows.links.page(source.id, Query(state, newest, None, 10))
        assert [each.id for each in page.items] == [links[0].id]
