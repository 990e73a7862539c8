"""What must be true of edges, and of the nodes at their ends."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from hydria_server.domain.lineage import (
    Direction,
    EdgeKind,
    EdgeRecord,
    NewEdge,
    NodeId,
    RunId,
    RunNode,
    VersionId,
)
from hydria_server.domain.runs import RunRecord, RunState
from hydria_server.domain.traversal import EdgeFilter, EdgeQuestion
from hydria_server.storage.metadata.interface import EdgeQuestions, Rows
from tests.conformance.metadata.given import a_line, a_version, in_one_write
from tests.conformance.metadata.lineage import a_running

ALL_KINDS = tuple(EdgeKind)
EVERY_EDGE = EdgeFilter()


def used(run: RunRecord, version_id: int) -> NewEdge:
    return NewEdge(EdgeKind.USED, version_id, 1, "then", run_id=run.id, requested_ref="asked")


def derived(version_id: int, from_version_id: int) -> NewEdge:
    return NewEdge(EdgeKind.DERIVED, version_id, 1, "then", from_version_id=from_version_id)


def asked_once(question: EdgeQuestion) -> EdgeQuestions[Sequence[EdgeRecord]]:
    """Ask one question, and return what was found."""
    return (yield question)


class EdgeRowsContract:
    @in_one_write
    async def test_an_edge_is_there_once(self, rows: Rows) -> None:
        line = await a_line(rows)
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        run = await a_running(rows, line)
        batch = [used(run, first.id), derived(second.id, first.id)]

        made = await rows.edges.insert([*batch, *batch])
        assert [(edge.kind, edge.version_id) for edge in made] == [
            (EdgeKind.USED, first.id),
            (EdgeKind.DERIVED, second.id),
        ]
        assert await rows.edges.insert(batch) == []
        logged = NewEdge(EdgeKind.LOGGED, first.id, 1, "", run_id=run.id)
        (more,) = await rows.edges.insert([logged])
        assert more.id > made[-1].id

    @in_one_write
    async def test_edges_are_listed_from_both_ends(self, rows: Rows) -> None:
        line = await a_line(rows)
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        run = await a_running(rows, line)
        logged = NewEdge(EdgeKind.LOGGED, second.id, 1, "", run_id=run.id)
        made = await rows.edges.insert([used(run, first.id), logged, derived(second.id, first.id)])

        async def ids(node: RunId | VersionId, way: Direction) -> list[int]:
            found = await rows.edges.of_node(node, way, ALL_KINDS, after_id=0, limit=9)
            return [edge.id for edge in found]

        use, log, derivation = (edge.id for edge in made)
        assert await ids(RunId(run.id), Direction.UPSTREAM) == [use]
        assert await ids(RunId(run.id), Direction.BOTH) == [use, log]
        assert await ids(VersionId(first.id), Direction.DOWNSTREAM) == [use, derivation]
        assert await ids(VersionId(first.id), Direction.UPSTREAM) == []
        assert await ids(VersionId(second.id), Direction.UPSTREAM) == [log, derivation]
        page = await rows.edges.of_node(
            VersionId(second.id), Direction.BOTH, ALL_KINDS, after_id=log, limit=1
        )
        assert [edge.id for edge in page] == [derivation]
        assert page[0].source == VersionId(first.id)

    @in_one_write
    async def test_edges_of_many_nodes_are_read_up_to_a_moment(self, rows: Rows) -> None:
        line = await a_line(rows)
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        runs = [await a_running(rows, line, name) for name in ("one", "two", "three")]
        assert await rows.edges.last_id() == 0
        made = await rows.edges.insert([used(run, first.id) for run in reversed(runs)])
        made += await rows.edges.insert([derived(second.id, first.id)])
        last_id = await rows.edges.last_id()
        assert last_id == made[-1].id
        late = NewEdge(EdgeKind.LOGGED, second.id, 9, "", run_id=runs[0].id)
        made += await rows.edges.insert([late])

        async def ids(
            *nodes: RunId | VersionId,
            way: Direction = Direction.DOWNSTREAM,
            edges: EdgeFilter = EVERY_EDGE,
            up_to_id: int = 99,
            limit: int = 99,
        ) -> list[int]:
            asking = asked_once(EdgeQuestion(nodes, way, limit))
            found = await rows.edges.answer(asking, edges, up_to_id=up_to_id)
            return [edge.id - made[0].id for edge in found]

        ends = (RunId(runs[0].id), VersionId(second.id), VersionId(first.id))
        assert await ids(*ends) == [4, 0, 1, 2, 3]
        assert await ids(*ends, up_to_id=last_id) == [0, 1, 2, 3]
        assert await ids(*ends, limit=3) == [4, 0, 1]
        assert await ids(*ends, way=Direction.UPSTREAM) == [2, 4, 3]
        assert await ids(*ends, edges=EdgeFilter(recorded_from_us=9)) == [4]
        assert await ids(*ends, edges=EdgeFilter(recorded_before_us=9)) == [0, 1, 2, 3]
        assert await ids(*ends, edges=EdgeFilter(frozenset([EdgeKind.DERIVED]))) == [3]
        assert await ids() == []

    @in_one_write
    async def test_questions_may_depend_on_what_was_answered(self, rows: Rows) -> None:
        line = await a_line(rows)
        first, second = [await a_version(rows, line.collection_id) for _ in range(2)]
        run = await a_running(rows, line)
        logged = NewEdge(EdgeKind.LOGGED, second.id, 1, "", run_id=run.id)
        made = await rows.edges.insert([used(run, first.id), logged])

        def chain(node: NodeId) -> EdgeQuestions[list[NodeId]]:
            passed = [node]
            while found := (yield EdgeQuestion(passed[-1:], Direction.DOWNSTREAM, 9)):
                passed.append(found[0].target)
            return passed

        def no_question() -> EdgeQuestions[str]:
            yield from ()
            return "nothing asked"

        def mistaken() -> EdgeQuestions[None]:
            yield EdgeQuestion([RunId(run.id)], Direction.UPSTREAM, 9)
            raise LookupError("its own mistake")

        last_id = made[-1].id
        begin = VersionId(first.id)
        assert await rows.edges.answer(chain(begin), EVERY_EDGE, up_to_id=last_id) == [
            begin,
            RunId(run.id),
            VersionId(second.id),
        ]
        assert await rows.edges.answer(no_question(), EVERY_EDGE, up_to_id=9) == "nothing asked"
        with pytest.raises(LookupError, match="its own mistake"):
            await rows.edges.answer(mistaken(), EVERY_EDGE, up_to_id=last_id)
        assert await rows.edges.last_id() == last_id

    @in_one_write
    async def test_derivations_are_followed_however_far(self, rows: Rows) -> None:
        line = await a_line(rows)
        chain = [(await a_version(rows, line.collection_id)).id for _ in range(5)]
        assert not await rows.edges.has_backward()
        await rows.edges.insert(
            [derived(after, before) for before, after in itertools.pairwise(chain)]
        )

        assert not await rows.edges.has_backward()
        assert await rows.edges.derives(chain[4], from_version_id=chain[0])
        assert await rows.edges.derives(chain[2], from_version_id=chain[2])
        assert not await rows.edges.derives(chain[0], from_version_id=chain[4])
        # The store itself keeps what a service let in, and even then a walk ends.
        await rows.edges.insert([derived(chain[0], chain[4])])
        assert await rows.edges.has_backward()
        assert await rows.edges.derives(chain[0], from_version_id=chain[2])
        assert not await rows.edges.derives(chain[0], from_version_id=999)

    @in_one_write
    async def test_nodes_outlive_what_they_stand_for(self, rows: Rows) -> None:
        line = await a_line(rows)
        version = await a_version(rows, line.collection_id)
        names = ("acme", "vision", "cats", version.number)
        assert (
            await rows.edges.live_versions(line.project_id, [("cats", 0), ("cats", 9)])
        ).keys() == {("cats", 0)}
        await rows.versions.mark_deleted([version.id], now_us=50)
        await rows.names.delete_collection(line.collection_id, now_us=50)

        node = (await rows.edges.version_nodes([version.id, 99]))[version.id]
        run = await a_running(rows, line)
        ids: list[NodeId] = [VersionId(version.id), VersionId(99), RunId(run.id), RunId(99)]
        assert await rows.edges.nodes(ids) == {
            VersionId(version.id): node,
            RunId(run.id): RunNode(
                run.id, "acme", "vision", "one", run.display_name, "train", 10, RunState.RUNNING
            ),
        }
        assert await rows.edges.nodes([]) == {}
        assert (node.ref, node.digest, node.deleted_at_us) == (version.ref, version.digest, 50)
        assert await rows.edges.remembered_version(*names) == node
        assert await rows.edges.live_versions(line.project_id, [("cats", 0)]) == {}
        newer = await a_version(rows, (await a_line(rows)).collection_id)
        remembered = await rows.edges.remembered_version(*names)
        assert remembered is not None
        assert remembered.id == newer.id
