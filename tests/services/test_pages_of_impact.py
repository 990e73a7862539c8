"""Impact is told in messages that fit, from rows that are read a few at a time."""

from __future__ import annotations

import pytest

from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.kinds import CollectionKind
from hydria_server.domain.links import NewLink
from hydria_server.domain.names import MODEL_REGISTRY
from hydria_server.services import version_uses
from hydria_server.storage.metadata.interface import Rows
from tests.conformance.lineage_impact import impact
from tests.conformance.registry_deployments import Serving
from tests.run_teams import RunTeam, logged
from tests.servers import memory_server

MESSAGE_BYTES = 4 * 1024 * 1024
LONG = "\U0001f426" * 124
ALIASES = [f"{at}{LONG}" for at in range(9)]


async def link_often(runs: RunTeam, number: int, names: list[str]) -> None:
    """Link a version of the team in registered models of these names, with long aliases."""

    async def link(rows: Rows) -> None:
        project = await rows.names.project(runs.name, MODEL_REGISTRY)
        source = await rows.versions.resolve_alias(runs.name, "birds", "calls", f"n{number}")
        assert project is not None
        assert source is not None
        for name in names:
            model_id = await rows.names.create_collection(
                project.id, name, "dataset", now_us=1, kind=CollectionKind.PORTFOLIO
            )
            made = await rows.links.insert(NewLink(model_id, 0, source.id, 1))
            await rows.aliases.point_all(model_id, ALIASES, made.id, now_us=1)

    await runs.team.server.metadata.write(link)


async def some_versions(runs: RunTeam, count: int) -> str:
    """Make versions of one run, each with an alias; return the ref of the run."""
    ref = await runs.run()
    for number in range(count):
        version = await runs.team.log({"a": bytes([number])}, aliases=[f"n{number}"])
        await runs.record(logged(ref, version.ref))
    return ref


async def pages_of(runs: RunTeam, node: str) -> list[pb.GetImpactResponse]:
    """Return all pages of the impact of a node."""
    pages = [await impact(runs, node, page_size=1000)]
    while pages[-1].next_page_token:
        token = pages[-1].next_page_token
        pages.append(await impact(runs, node, page_size=1000, page_token=token))
    return pages


async def test_what_is_too_much_for_a_message_is_cut_and_said() -> None:
    async with memory_server() as server:
        runs = RunTeam.new(server)
        ref = await some_versions(runs, 3)
        names = [f"{at:04}{LONG}" for at in range(200)]
        for number in range(2):
            await link_often(runs, number, [f"{number}{name}"[:128] for name in names])
        labels = {f"{at:04}{LONG}": LONG * 2 for at in range(64)}
        for at in range(20):
            await Serving(runs.team, host=f"{at:02}").report(runs.team.ref(":n0"), labels=labels)
        pages = await pages_of(runs, ref)
        assert max(page.ByteSize() for page in pages) < MESSAGE_BYTES
        first, second, third = (each for page in pages for each in page.versions)
        assert (first.truncated, second.truncated, third.truncated) == (True, True, False)
        told = [link.ref.rpartition("/")[2] for link in first.links]
        assert told == [f"0{name}"[:128] + ":v0" for name in names[: len(told)]]
        assert 100 < len(told) < 200
        assert [each.host for each in first.deployments][:2] == ["00", "01"]
        assert 2 < len(first.deployments) < 20


async def test_versions_are_read_a_few_at_a_time_where_they_have_many_links(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with memory_server() as server:
        runs = RunTeam.new(server)
        ref = await some_versions(runs, 9)
        for number in range(8):
            await link_often(runs, number, [f"model {number} {at}" for at in range(number)])
            await Serving(runs.team, host=str(number)).report(runs.team.ref(f":n{number}"))
        whole = await pages_of(runs, ref)
        assert [len(each.links) for each in whole[0].versions] == [*range(8), 0]

        monkeypatch.setattr(version_uses, "_MAX_NAMES", 80)
        assert await pages_of(runs, ref) == whole
        monkeypatch.setattr(version_uses, "_MAX_DEPLOYMENTS", 3)
        assert await pages_of(runs, ref) == whole
        monkeypatch.setattr(version_uses, "_MAX_ENTRIES", 5)
        (cut,) = await pages_of(runs, ref)
        assert [len(each.links) for each in cut.versions] == [0, 1, 2, 3, 4, 5, 5, 5, 0]
        assert [each.truncated for each in cut.versions] == [
            False,
            *[True] * 7,
            False,
        ]  # links have 9 aliases
