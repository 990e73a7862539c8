"""Pure conversions of what is affected. No I/O."""

from __future__ import annotations

from hydria.v1 import lineage_pb2 as pb
from hydria_server.rpc.deployments import deployment_message
from hydria_server.rpc.graph_messages import reached_message
from hydria_server.rpc.lineage_messages import node_message
from hydria_server.services.impact import Impact, Impacted


def impact_message(found: Impact) -> pb.GetImpactResponse:
    """Return a page of what is affected."""
    return pb.GetImpactResponse(
        node=node_message(found.node),
        versions=map(_impacted_message, found.versions),
        visited_count=found.visited_count,
        truncated=found.is_truncated,
        next_page_token=found.next_page_token,
    )


def _impacted_message(impacted: Impacted) -> pb.ImpactedVersion:
    uses = impacted.uses
    return pb.ImpactedVersion(
        version=reached_message(impacted.version, impacted.reached),
        links=[pb.ImpactedLink(ref=each.link.ref, aliases=each.aliases) for each in uses.links],
        deployments=map(deployment_message, uses.deployments),
        path_ids=map(str, impacted.path),
        aliases=uses.aliases,
        truncated=uses.is_cut,
    )
