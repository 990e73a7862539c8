"""The edges that a commit records, in its own transaction."""

from __future__ import annotations

from hydria_server.domain.lineage import EdgeKind, NewEdge
from hydria_server.domain.records import VersionRecord
from hydria_server.domain.runs import RunRecord
from hydria_server.storage.metadata.interface import Rows


async def record_logged(rows: Rows, run: RunRecord, version: VersionRecord, *, now_us: int) -> None:
    """Record that a run logged a version, new or found; again changes nothing."""
    await rows.edges.insert(
        [NewEdge(EdgeKind.LOGGED, version.id, now_us, version.ref, run_id=run.id)]
    )


async def record_derived(
    rows: Rows, version: VersionRecord, source_id: int, *, now_us: int
) -> None:
    """Record that a version that was just made derives from another one.

    Nothing derives from a new version yet, so no cycle can come of it.
    """
    await rows.edges.insert(
        [NewEdge(EdgeKind.DERIVED, version.id, now_us, version.ref, from_version_id=source_id)]
    )
