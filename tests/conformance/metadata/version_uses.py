"""Rows that tell of many versions at once by what they are asked for, in every metadata store."""

from __future__ import annotations

from hydria_server.domain.deployments import DeploymentDraft, DeploymentKey
from hydria_server.domain.records import VersionRecord
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.metadata.given import a_line, a_version, in_one_write
from tests.conformance.metadata.registries import a_link

NOW_US = 100


async def serve(
    rows: Rows, version: VersionRecord, host: str, *, expires_at_us: int = NOW_US + 1
) -> int:
    """Deploy a version; return the id of the deployment."""
    key = DeploymentKey(version.entity_id, "api", host)
    await rows.deployments.put(
        DeploymentDraft(key, version.collection_id, version.id, "", (), 1, 1, expires_at_us)
    )
    found = await rows.deployments.find(key, now_us=NOW_US)
    assert found is not None
    return found.id


class UsesOfVersionsContract:
    """Aliases, links and deployments of many versions."""

    @in_one_write
    async def test_aliases_of_many_versions_leave_out_latest(self, rows: Rows) -> None:
        line = await a_line(rows)
        ids = [(await a_version(rows, line.collection_id)).id for _ in range(3)]
        for alias, version_id in (("latest", ids[2]), ("b", ids[1]), ("a", ids[1]), ("c", ids[0])):
            await rows.aliases.point(line.collection_id, alias, version_id, now_us=1)
        assert await rows.aliases.named(ids) == {ids[0], ids[1]}
        assert await rows.aliases.named(ids[2:]) == set()
        every = [(ids[0], "c"), (ids[1], "a"), (ids[1], "b")]
        assert await rows.aliases.of_versions(ids[::-1], limit=9) == every
        assert await rows.aliases.of_versions(ids, limit=2) == every[:2]
        many = [*range(-1_200, 0), *ids]  # more than fit into one statement
        assert await rows.aliases.of_versions(many, limit=2) == every[:2]

    @in_one_write
    async def test_links_of_many_versions_are_those_that_live(self, rows: Rows) -> None:
        line = await a_line(rows, type_="model")
        versions = [await a_version(rows, line.collection_id) for _ in range(3)]
        ids = [version.id for version in versions]
        links = [
            await a_link(rows, versions[source], name=name)
            for name, source in (("a", 1), ("b", 0), ("c", 1), ("gone", 2))
        ]
        await rows.versions.mark_deleted([links[3].id], now_us=9)
        assert await rows.links.linked(ids) == {ids[0], ids[1]}
        every = [(ids[0], links[1].id), (ids[1], links[0].id), (ids[1], links[2].id)]
        assert await rows.links.of_versions(ids[::-1], limit=9) == every
        assert await rows.links.of_versions(ids, limit=2) == every[:2]
        assert await rows.links.of_versions(ids[2:], limit=9) == []

    @in_one_write
    async def test_deployments_of_many_versions_are_live_and_count_links(self, rows: Rows) -> None:
        line = await a_line(rows, type_="model")
        versions = [await a_version(rows, line.collection_id) for _ in range(3)]
        ids = [version.id for version in versions]
        link = await a_link(rows, versions[1])
        made = [await serve(rows, versions[0], "z"), await serve(rows, link, "a")]
        await serve(rows, versions[2], "lost", expires_at_us=NOW_US)
        await rows.deployments.end(await serve(rows, versions[2], "ended"), now_us=NOW_US)

        assert await rows.deployments.served(ids, now_us=NOW_US) == {ids[0], ids[1]}
        assert await rows.deployments.served(ids[2:], now_us=NOW_US) == set()
        found = await rows.deployments.serving_versions(ids, now_us=NOW_US, limit=9)
        assert [(version_id, each.id) for version_id, each in found] == [
            (ids[1], made[1]),
            (ids[0], made[0]),
        ]
        assert found[0][1].version_ref == link.ref
        assert await rows.deployments.serving_versions(ids, now_us=NOW_US, limit=1) == found[:1]
        assert await rows.deployments.serving_versions([], now_us=NOW_US, limit=9) == []
