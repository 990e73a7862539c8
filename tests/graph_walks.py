"""A pipeline as a graph, and short words for walks through it."""

from __future__ import annotations

from collections.abc import Sequence

from hydria.v1 import lineage_pb2 as pb
from tests.run_teams import RunTeam

BOTH = pb.LINEAGE_DIRECTION_BOTH


async def a_pipeline(runs: RunTeam) -> dict[str, str]:
    """Return the refs of: raw -> load -> clean -> two trainings -> two models -> one evaluation."""
    refs = {name: await runs.run(name, job_type=name[:5]) for name in ("load", "train1", "train2")}
    refs["eval"] = await runs.run("eval", job_type="eval")
    raw = await runs.log(await runs.run("collect"), collection="raw", content=b"raw")
    await runs.use(refs["load"], raw.ref)
    clean = await runs.log(refs["load"], collection="clean", content=b"clean")
    refs |= {"raw": raw.ref, "clean": clean.ref, "collect": f"{runs.name}/birds/runs/collect"}
    for number in "12":
        await runs.use(refs[f"train{number}"], clean.ref)
        model = await runs.log(
            refs[f"train{number}"], collection="net", content=number.encode(), type_="model"
        )
        refs[f"model{number}"] = model.ref
        await runs.use(refs["eval"], model.ref)
    return refs


async def walk(
    runs: RunTeam,
    *roots: str,
    way: pb.LineageDirection.ValueType = BOTH,
    depth: int = 0,
    budget: int = 0,
    nodes: pb.LineageNodeFilter | None = None,
    edges: pb.LineageEdgeFilter | None = None,
    shape: pb.LineageShape.ValueType = pb.LINEAGE_SHAPE_UNSPECIFIED,
    page_size: int = 0,
    page_token: str = "",
) -> pb.TraverseLineageResponse:
    """Walk, and return a page."""
    return await runs.stub.TraverseLineage(
        pb.TraverseLineageRequest(
            roots=roots,
            direction=way,
            max_depth=depth,
            max_nodes=budget,
            nodes=nodes,
            edges=edges,
            shape=shape,
            page_size=page_size,
            page_token=page_token,
        )
    )


async def walk_in_pages(
    runs: RunTeam, *roots: str, page_size: int, nodes: pb.LineageNodeFilter | None = None
) -> Sequence[pb.TraverseLineageResponse]:
    """Walk, and return all pages."""
    pages = [await walk(runs, *roots, page_size=page_size, nodes=nodes)]
    while pages[-1].next_page_token:
        token = pages[-1].next_page_token
        pages.append(await walk(runs, *roots, page_size=page_size, nodes=nodes, page_token=token))
    return pages


def found(page: pb.TraverseLineageResponse) -> dict[str, int]:
    """Return the depths of what was reached, by ref."""
    return {node.ref: node.depth for node in page.nodes}


def labelled_edges(page: pb.TraverseLineageResponse) -> set[tuple[str, str]]:
    """Return the refs at the ends of the edges of a walk that has one page."""
    refs = {node.id: node.ref for node in page.nodes}
    return {(refs[edge.source_id], refs[edge.target_id]) for edge in page.edges}


def is_cut(page: pb.TraverseLineageResponse) -> bool:
    """Tell whether a walk ended at a limit, in whatever way it says so."""
    return page.truncated_by_depth or page.truncated_by_budget or bool(page.frontier)
