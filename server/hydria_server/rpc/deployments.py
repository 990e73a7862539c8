"""The calls on deployments."""

from __future__ import annotations

from typing import Final

from hydria.v1 import registry_pb2
from hydria_server.domain.deployments import DeploymentRecord, DeploymentState
from hydria_server.rpc import requests
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.family import RegistryRpcs
from hydria_server.rpc.messages import timestamp, version_name
from hydria_server.services.deployments import DeploymentReport

_STATES: Final = {
    state: registry_pb2.DeploymentState.Value(f"DEPLOYMENT_STATE_{state.name}")
    for state in DeploymentState
}


class DeploymentRpcs(RegistryRpcs):
    """ReportDeployment, EndDeployment, ListDeployments."""

    async def ReportDeployment(
        self, request: registry_pb2.ReportDeploymentRequest, context: Context
    ) -> registry_pb2.ReportDeploymentResponse:
        deployment = await self.services.deployments.report(
            DeploymentReport(
                version_ref=request.version_ref,
                name=request.name,
                host=request.host,
                labels=request.labels,
                alias=request.alias,
                lease_seconds=request.lease_seconds,
            )
        )
        note("version", deployment.version_ref)
        return registry_pb2.ReportDeploymentResponse(deployment=deployment_message(deployment))

    async def EndDeployment(
        self, request: registry_pb2.EndDeploymentRequest, context: Context
    ) -> registry_pb2.EndDeploymentResponse:
        deployment = await self.services.deployments.end(request.entity, request.name, request.host)
        note("version", deployment.version_ref)
        return registry_pb2.EndDeploymentResponse(deployment=deployment_message(deployment))

    async def ListDeployments(
        self, request: registry_pb2.ListDeploymentsRequest, context: Context
    ) -> registry_pb2.ListDeploymentsResponse:
        listed = await self.services.deployment_listing.list(
            request.entity, request.project, request.collection, requests.list_request(request)
        )
        return registry_pb2.ListDeploymentsResponse(
            deployments=[deployment_message(deployment) for deployment in listed.items],
            next_page_token=listed.next_page_token,
        )


def deployment_message(deployment: DeploymentRecord) -> registry_pb2.Deployment:
    """Return a deployment as clients see it."""
    labels = (label.partition("=") for label in deployment.labels)
    return registry_pb2.Deployment(
        entity=deployment.entity,
        name=deployment.name,
        host=deployment.host,
        labels={key: value for key, _, value in labels},
        version_ref=deployment.version_ref,
        alias=deployment.alias,
        alias_version=version_name(deployment.alias_number),
        current=deployment.is_current,
        state=_STATES[deployment.state],
        created_at=timestamp(deployment.created_at_us),
        serving_since=timestamp(deployment.serving_since_us),
        updated_at=timestamp(deployment.updated_at_us),
        expires_at=timestamp(deployment.expires_at_us),
    )
