"""Pure conversions of comparisons of runs. No I/O."""

from __future__ import annotations

from hydria.v1 import lineage_pb2 as pb
from hydria_server.domain.lineage import NodeId
from hydria_server.domain.metrics import MetricRecord
from hydria_server.rpc.lineage_messages import node_message, run_message
from hydria_server.services.run_comparison import RunComparison, Table


def comparison_message(compared: RunComparison) -> pb.CompareRunsResponse:
    """Return what differs between runs."""
    return pb.CompareRunsResponse(
        runs=[run_message(run) for run in compared.runs],
        config=_leaves(compared.config),
        summary=_leaves(compared.summary),
        metrics=[_metric(key, row) for key, row in compared.metrics.items()],
        inputs=_versions(compared, compared.inputs),
        outputs=_versions(compared, compared.outputs),
        truncated=compared.is_truncated,
    )


def _leaves(table: Table[str, str]) -> list[pb.DocumentLeaf]:
    return [
        pb.DocumentLeaf(path=path, values_json=[text or "" for text in row])
        for path, row in table.items()
    ]


def _metric(key: str, row: tuple[MetricRecord | None, ...]) -> pb.MetricComparison:
    there = [(place, metric) for place, metric in enumerate(row) if metric is not None]
    return pb.MetricComparison(
        key=key,
        run_indexes=[place for place, _ in there],
        values=[metric.last_value for _, metric in there],
        steps=[metric.last_step for _, metric in there],
    )


def _versions(compared: RunComparison, table: Table[NodeId, bool]) -> list[pb.VersionComparison]:
    return [
        pb.VersionComparison(
            version=node_message(compared.nodes[key]),
            run_indexes=[place for place, is_there in enumerate(row) if is_there],
        )
        for key, row in table.items()
    ]
