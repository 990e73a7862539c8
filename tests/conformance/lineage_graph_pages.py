"""The lineage service through the wire: walks in pages and in groups, and those refused."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.filters import Cursor
from hydria_server.services.page_tokens import encode_token
from hydria_server.services.traversal import TraversalRequest
from tests.graph_walks import a_pipeline, found, walk, walk_in_pages
from tests.refusals import refused
from tests.run_teams import UP, RunTeam

VERSION = pb.LINEAGE_NODE_KIND_VERSION
GROUPED = pb.LINEAGE_SHAPE_GROUPED


class PagesOfWalksContract:
    """Walks in pages and in groups, and what is refused."""

    async def test_pages_together_are_the_walk(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        whole = await walk(runs, refs["clean"])
        pages = await walk_in_pages(runs, refs["clean"], page_size=2)
        assert [len(page.nodes) for page in pages] == [2, 2, 2, 2, 1]
        assert [node for page in pages for node in page.nodes] == list(whole.nodes)
        assert sorted(edge.recorded_ref for page in pages for edge in page.edges) == sorted(
            edge.recorded_ref for edge in whole.edges
        )
        seen: set[str] = set()
        for page in pages:
            seen |= {node.id for node in page.nodes}
            assert all({edge.source_id, edge.target_id} <= seen for edge in page.edges)

    async def test_pages_see_the_edges_of_one_moment(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        alias = refs["clean"].rpartition(":")[0]
        whole = await walk(runs, alias)
        first = await walk(runs, alias, page_size=3)
        late = await runs.run("late", job_type="late")
        await runs.use(late, refs["clean"])
        await runs.log(late, collection="clean", content=b"newer")  # `latest` moves
        pages = [first]
        while pages[-1].next_page_token:
            pages.append(await walk(runs, alias, page_size=3, page_token=pages[-1].next_page_token))
        assert [node for page in pages for node in page.nodes] == list(whole.nodes)
        assert late in found(await walk(runs, refs["clean"]))

    async def test_a_token_is_good_for_its_own_walk_only(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        token = (await walk(runs, refs["clean"], page_size=2)).next_page_token
        assert (await walk(runs, refs["clean"], page_size=3, page_token=token)).nodes
        for other in (
            walk(runs, refs["raw"], page_token=token),
            walk(runs, refs["clean"], way=UP, page_token=token),
            walk(runs, refs["clean"], depth=9, page_token=token),
            walk(runs, refs["clean"], page_token="nonsense"),
            walk(runs, refs["clean"], shape=GROUPED, page_token=token),
        ):
            with refused("PAGE_TOKEN_INVALID"):
                await other

    async def test_a_forged_token_is_refused_or_finds_nothing(self, runs: RunTeam) -> None:
        ref = await runs.run()
        node_id = (await walk(runs, ref)).nodes[0].id
        bound_to = TraversalRequest(roots=(ref,)).bound_to
        forgeries: tuple[Cursor, ...] = (
            (1,), (1, 0, 0), (1, 0, 0, "x"), (1, 0, 0, 7), (-1, 0, 0, node_id),
            (1 << 70, 0, 0, node_id), (1, 0, "0", node_id), (1, 0, 0, "r999999999"),
            (1, 0, 0, *[node_id] * 101),
        )  # fmt: skip
        for cursor in forgeries:
            with refused("PAGE_TOKEN_INVALID"):
                await walk(runs, ref, page_token=encode_token(cursor, bound_to=bound_to))
        beyond = encode_token((1, 1 << 40, 9, node_id), bound_to=bound_to)
        page = await walk(runs, ref, page_token=beyond)
        assert (len(page.nodes), page.next_page_token) == (0, "")

    async def test_filtered_pages_go_on_to_the_end(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        only = pb.LineageNodeFilter(types=["model"], kinds=[VERSION])
        pages = await walk_in_pages(runs, refs["raw"], page_size=1, nodes=only)
        assert [node.ref for page in pages for node in page.nodes] == [
            refs["model1"],
            refs["model2"],
        ]

    async def test_a_grouped_walk_counts_types_and_job_types(self, runs: RunTeam) -> None:
        refs = await a_pipeline(runs)
        page = await walk(runs, refs["clean"], shape=GROUPED)
        assert not page.nodes
        assert not page.edges
        assert {group.id: group.node_count for group in page.groups} == {
            "dataset": 2, "model": 2, "run:": 1, "run:load": 1, "run:train": 2, "run:eval": 1,
        }  # fmt: skip
        models = next(group for group in page.groups if group.id == "model")
        assert (models.kind, models.type) == (VERSION, "model")
        assert list(models.labels) == ["model:net:v0", "model:net:v1"]
        edges = {(edge.source_id, edge.target_id): edge.edge_count for edge in page.group_edges}
        assert edges == {
            ("run:", "dataset"): 1, ("dataset", "run:load"): 1, ("run:load", "dataset"): 1,
            ("dataset", "run:train"): 2, ("run:train", "model"): 2, ("model", "run:eval"): 2,
        }  # fmt: skip
        cut = await walk(runs, refs["clean"], shape=GROUPED, way=UP, depth=1)
        assert cut.truncated_by_depth
        assert len(cut.frontier) == 1

    async def test_walks_beyond_limits_are_refused(self, runs: RunTeam) -> None:
        ref = await runs.run()
        for bad, field in (
            (walk(runs), "roots"),
            (walk(runs, ref, depth=101), "max_depth"),
            (walk(runs, ref, budget=10_001), "max_nodes"),
            (walk(runs, ref, page_size=-1), "page_size"),
            (walk(runs, "nonsense"), "roots"),
        ):
            with refused("FIELD_VIOLATION") as refusal:
                await bad
            assert refusal.metadata["field"] == field
        with refused("BATCH_TOO_LARGE"):
            await walk(runs, *[ref] * 101)
        with refused("BATCH_TOO_LARGE"):
            await walk(runs, ref, nodes=pb.LineageNodeFilter(types=["a"] * 101))
        with refused("RESOURCE_NOT_FOUND"):
            await walk(runs, ref, f"{runs.name}/birds/runs/none")
        for request in (
            pb.TraverseLineageRequest(roots=[ref], shape=99),  # type: ignore[arg-type]
            pb.TraverseLineageRequest(roots=[ref], direction=99),  # type: ignore[arg-type]
            pb.TraverseLineageRequest(
                roots=[ref],
                nodes=pb.LineageNodeFilter(kinds=[99]),  # type: ignore[list-item]
            ),
            pb.TraverseLineageRequest(
                roots=[ref],
                edges=pb.LineageEdgeFilter(recorded_after=Timestamp(seconds=1 << 60)),
            ),
        ):
            with refused("FIELD_VIOLATION"):
                await runs.stub.TraverseLineage(request)
