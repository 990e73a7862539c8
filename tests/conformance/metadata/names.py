"""What must be true of entities, projects, collections and redirects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hydria_server.domain.errors import AlreadyExistsError, NotFoundError
from hydria_server.domain.records import CollectionRecord
from hydria_server.storage.metadata.interface import MetadataStore, Rows
from tests.conformance.metadata.given import a_line, a_version, in_one_write


async def found(rows: Rows, name: str, *, follow: bool = True) -> CollectionRecord | None:
    return await rows.names.collection("acme", "vision", name, follow=follow)


class EntitiesAndProjects:
    @in_one_write
    async def test_an_entity_is_made_once_with_a_domain_of_its_own(self, rows: Rows) -> None:
        assert await rows.names.entity("acme") is None

        acme = await rows.names.ensure_entity("acme", now_us=1)
        other = await rows.names.ensure_entity("other", now_us=2)

        assert await rows.names.ensure_entity("acme", now_us=3) == acme
        assert await rows.names.entity("acme") == acme
        assert len(acme.domain.key) == len(other.domain.key) == 16
        assert acme.domain.key != other.domain.key
        assert (acme.id, acme.domain.id) != (other.id, other.domain.id)

    @in_one_write
    async def test_a_project_is_found_by_its_name_in_its_entity(self, rows: Rows) -> None:
        acme = await rows.names.ensure_entity("acme", now_us=1)
        made = await rows.names.create_project(acme.id, "vision", now_us=42)

        project = await rows.names.project("acme", "vision")

        assert project is not None
        assert (project.id, project.entity_id, project.entity) == (made, acme.id, "acme")
        assert (project.name, project.created_at_us) == ("vision", 42)
        assert await rows.names.project("acme", "Vision") is None
        assert await rows.names.project("other", "vision") is None

    @in_one_write
    async def test_a_project_counts_its_live_collections(self, rows: Rows) -> None:
        line = await a_line(rows, collection="cats")
        await a_line(rows, collection="dogs")
        await rows.names.delete_collection(line.collection_id, now_us=9)

        project = await rows.names.project("acme", "vision")

        assert project is not None
        assert project.collection_count == 1

    @in_one_write
    async def test_a_project_is_not_made_twice(self, rows: Rows) -> None:
        line = await a_line(rows)

        with pytest.raises(AlreadyExistsError):
            await rows.names.create_project(line.entity.id, "vision", now_us=2)

        assert await rows.names.project("acme", "vision") is not None  # the transaction goes on


class Collections:
    @in_one_write
    async def test_a_new_collection_is_as_it_was_made(self, rows: Rows) -> None:
        line = await a_line(rows, type_="model", now_us=1_000)

        assert await found(rows, "cats") == CollectionRecord(
            id=line.collection_id,
            project_id=line.project_id,
            entity_id=line.entity.id,
            entity="acme",
            project="vision",
            name="cats",
            type="model",
            description="",
            tags=(),
            revision=1,
            created_at_us=1_000,
            updated_at_us=1_000,
        )

    @in_one_write
    async def test_names_are_compared_to_the_letter(self, rows: Rows) -> None:
        line = await a_line(rows, collection="Straße é")
        twin = await a_line(rows, collection="straße é")

        assert await found(rows, "STRASSE É") is None
        one, other = await found(rows, "Straße é"), await found(rows, "straße é")
        assert one is not None
        assert other is not None
        assert (one.id, other.id) == (line.collection_id, twin.collection_id)

    @in_one_write
    async def test_a_collection_comes_with_what_belongs_to_it(self, rows: Rows) -> None:
        line = await a_line(rows)
        for _ in range(3):
            await a_version(rows, line.collection_id)
        last = await rows.versions.highest(line.collection_id)
        first = await rows.versions.by_number(line.collection_id, 0)
        assert last is not None
        assert first is not None
        await rows.aliases.point(line.collection_id, "latest", last.id, now_us=5)
        await rows.aliases.point(line.collection_id, "best", first.id, now_us=5)
        await rows.versions.mark_deleted([first.id], now_us=6)
        await rows.names.update_collection(
            line.collection_id, description=None, tags=["new", "big"], now_us=7
        )

        collection = await found(rows, "cats")

        assert collection is not None
        assert collection.version_count == 2
        assert collection.latest_version == 2
        assert collection.aliases == ("best", "latest")
        assert collection.tags == ("big", "new")

    @in_one_write
    async def test_a_live_name_is_not_given_twice(self, rows: Rows) -> None:
        line = await a_line(rows)

        with pytest.raises(AlreadyExistsError):
            await rows.names.create_collection(line.project_id, "cats", "dataset", now_us=2)

    @in_one_write
    async def test_a_collection_is_found_by_its_id_also_when_it_is_deleted(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        before = await rows.names.collection_by_id(line.collection_id)
        await rows.names.delete_collection(line.collection_id, now_us=5)

        assert await rows.names.collection_by_id(line.collection_id) == before
        with pytest.raises(NotFoundError):
            await rows.names.collection_by_id(line.collection_id + 1)

    @in_one_write
    async def test_an_update_replaces_what_is_not_none_and_the_revision_grows(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        before = await rows.names.collection_by_id(line.collection_id)

        await rows.names.update_collection(
            line.collection_id, description="Cats.", tags=["b", "a", "b"], now_us=50
        )
        first = await rows.names.collection_by_id(line.collection_id)
        await rows.names.update_collection(line.collection_id, description=None, tags=[], now_us=60)
        second = await rows.names.collection_by_id(line.collection_id)

        assert first == replace(
            before, description="Cats.", tags=("a", "b"), revision=2, updated_at_us=50
        )
        assert second == replace(first, tags=(), revision=3, updated_at_us=60)

    @in_one_write
    async def test_a_deleted_collection_frees_its_name_for_another_that_starts_at_0(
        self, rows: Rows
    ) -> None:
        line = await a_line(rows)
        await a_version(rows, line.collection_id)
        await rows.names.delete_collection(line.collection_id, now_us=5)
        assert await found(rows, "cats") is None

        again = await rows.names.create_collection(line.project_id, "cats", "model", now_us=6)

        assert again != line.collection_id
        assert await rows.names.take_version_number(again) == 0
        collection = await found(rows, "cats")
        assert collection is not None
        assert (collection.id, collection.type, collection.version_count) == (again, "model", 0)

    @in_one_write
    async def test_a_version_number_is_never_given_twice(self, rows: Rows) -> None:
        line = await a_line(rows)
        other = await a_line(rows, collection="dogs")
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        await rows.versions.mark_deleted([first.id, second.id], now_us=5)

        assert [first.number, second.number] == [0, 1]
        assert await rows.names.take_version_number(line.collection_id) == 2
        assert await rows.names.take_version_number(other.collection_id) == 0

    async def test_a_number_taken_in_a_transaction_that_failed_was_not_taken(
        self, store: MetadataStore
    ) -> None:
        line = await store.write(a_line)

        async def fail(rows: Rows) -> None:
            assert await rows.names.take_version_number(line.collection_id) == 0
            raise LookupError

        with pytest.raises(LookupError):
            await store.write(fail)
        taken = await store.write(lambda rows: rows.names.take_version_number(line.collection_id))
        assert taken == 0


class Redirects:
    @in_one_write
    async def test_an_old_name_leads_to_the_renamed_collection(self, rows: Rows) -> None:
        line = await a_line(rows)
        before = await found(rows, "cats")
        assert before is not None

        await rows.names.rename_collection(line.collection_id, "felines", now_us=50)

        renamed = replace(before, name="felines", revision=2, updated_at_us=50)
        assert await found(rows, "felines") == renamed
        assert await found(rows, "cats") == renamed
        assert await found(rows, "cats", follow=False) is None

    @in_one_write
    async def test_every_name_that_it_ever_had_leads_to_it(self, rows: Rows) -> None:
        line = await a_line(rows)
        for name in ("felines", "kittens", "cats", "tigers"):
            await rows.names.rename_collection(line.collection_id, name, now_us=50)

        for name in ("cats", "felines", "kittens", "tigers"):
            collection = await found(rows, name)
            assert collection is not None
            assert (collection.id, collection.name) == (line.collection_id, "tigers")

    @in_one_write
    async def test_a_live_name_goes_before_a_former_one(self, rows: Rows) -> None:
        line = await a_line(rows)
        await rows.names.rename_collection(line.collection_id, "felines", now_us=50)

        new = await rows.names.create_collection(line.project_id, "cats", "dataset", now_us=60)
        await rows.names.delete_collection(new, now_us=70)

        assert await found(rows, "cats") is None, "the redirect ended when the name was used again"
        renamed = await found(rows, "felines")
        assert renamed is not None
        assert renamed.id == line.collection_id

    @in_one_write
    async def test_a_rename_to_a_former_name_ends_its_redirect(self, rows: Rows) -> None:
        cats, dogs = await a_line(rows), await a_line(rows, collection="dogs")
        await rows.names.rename_collection(cats.collection_id, "felines", now_us=50)
        await rows.names.rename_collection(dogs.collection_id, "cats", now_us=60)
        await rows.names.rename_collection(dogs.collection_id, "canines", now_us=70)

        collection = await found(rows, "cats")

        assert collection is not None
        assert collection.id == dogs.collection_id

    @in_one_write
    async def test_a_rename_to_a_live_name_is_refused(self, rows: Rows) -> None:
        line = await a_line(rows)
        await a_line(rows, collection="dogs")

        with pytest.raises(AlreadyExistsError):
            await rows.names.rename_collection(line.collection_id, "dogs", now_us=50)

        collection = await found(rows, "cats", follow=False)
        assert collection is not None
        assert collection.revision == 1

    @in_one_write
    async def test_a_rename_to_its_own_name_leaves_no_redirect(self, rows: Rows) -> None:
        line = await a_line(rows)

        await rows.names.rename_collection(line.collection_id, "cats", now_us=50)
        assert await found(rows, "cats", follow=False) is not None

        await rows.names.delete_collection(line.collection_id, now_us=60)
        assert await found(rows, "cats") is None

    @in_one_write
    async def test_the_name_of_a_deleted_collection_may_be_taken_by_a_rename(
        self, rows: Rows
    ) -> None:
        cats, dogs = await a_line(rows), await a_line(rows, collection="dogs")
        await rows.names.delete_collection(cats.collection_id, now_us=50)

        await rows.names.rename_collection(dogs.collection_id, "cats", now_us=60)

        collection = await found(rows, "cats", follow=False)
        assert collection is not None
        assert collection.id == dogs.collection_id

    @in_one_write
    async def test_a_deleted_collection_takes_its_redirects_with_it(self, rows: Rows) -> None:
        line = await a_line(rows)
        await rows.names.rename_collection(line.collection_id, "felines", now_us=50)

        await rows.names.delete_collection(line.collection_id, now_us=60)

        assert await found(rows, "cats") is None
        assert await found(rows, "felines") is None

    @in_one_write
    async def test_redirects_stay_in_their_project(self, rows: Rows) -> None:
        line = await a_line(rows)
        await a_line(rows, project="audio", collection="dogs")
        await rows.names.rename_collection(line.collection_id, "felines", now_us=50)

        assert await rows.names.collection("acme", "audio", "cats") is None


class NamesContract(EntitiesAndProjects, Collections, Redirects):
    """Everything about names."""
