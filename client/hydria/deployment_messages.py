"""Messages about deployments to values of the library. Pure functions."""

from __future__ import annotations

from hydria import messages
from hydria.deployment_records import Deployment, DeploymentState
from hydria.v1 import registry_pb2 as pb

_STATES = {
    pb.DEPLOYMENT_STATE_LIVE: DeploymentState.LIVE,
    pb.DEPLOYMENT_STATE_LOST: DeploymentState.LOST,
    pb.DEPLOYMENT_STATE_ENDED: DeploymentState.ENDED,
}


def deployment_of(message: pb.Deployment) -> Deployment:
    """Return the deployment that a message describes."""
    return Deployment(
        entity=message.entity,
        name=message.name,
        host=message.host,
        labels=dict(message.labels),
        version_ref=message.version_ref,
        alias=message.alias,
        alias_version=message.alias_version,
        current=message.current,
        state=_STATES.get(message.state, DeploymentState.UNKNOWN),
        created_at=messages.time_of(message.created_at),
        serving_since=messages.time_of(message.serving_since),
        updated_at=messages.time_of(message.updated_at),
        expires_at=messages.time_of(message.expires_at),
    )
