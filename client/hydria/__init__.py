"""Hydria for Python: versioned datasets and models, and what made and used them.

`Client` (or `AsyncClient`) is where to begin. Names are loaded when they are first used, so that
importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hydria.alias_records import AliasInterval as AliasInterval
    from hydria.alias_records import RollbackResult as RollbackResult
    from hydria.client import AsyncClient as AsyncClient
    from hydria.deployment_records import Deployment as Deployment
    from hydria.deployment_records import DeploymentState as DeploymentState
    from hydria.deployments import AsyncDeployments as AsyncDeployments
    from hydria.draft import Draft as Draft
    from hydria.errors import HydriaError as HydriaError
    from hydria.following.follower import AsyncModelFollower as AsyncModelFollower
    from hydria.following.records import FollowNotice as FollowNotice
    from hydria.following.records import FollowOptions as FollowOptions
    from hydria.following.records import ServedVersion as ServedVersion
    from hydria.following.sync_follower import ModelFollower as ModelFollower
    from hydria.history_records import AliasHolder as AliasHolder
    from hydria.history_records import AliasSnapshot as AliasSnapshot
    from hydria.history_records import Event as Event
    from hydria.inspection.records import ChangedFile as ChangedFile
    from hydria.inspection.records import Damage as Damage
    from hydria.inspection.records import DamageKind as DamageKind
    from hydria.inspection.records import DiffResult as DiffResult
    from hydria.inspection.records import DiffTotals as DiffTotals
    from hydria.inspection.records import FileChange as FileChange
    from hydria.inspection.records import VerifyResult as VerifyResult
    from hydria.lineage.comparison import RunComparison as RunComparison
    from hydria.lineage.graphs import GraphNode as GraphNode
    from hydria.lineage.graphs import GroupedLineage as GroupedLineage
    from hydria.lineage.graphs import LineageGraph as LineageGraph
    from hydria.lineage.graphs import LineageGroup as LineageGroup
    from hydria.lineage.graphs import LineageGroupEdge as LineageGroupEdge
    from hydria.lineage.graphs import WalkLimits as WalkLimits
    from hydria.lineage.impact import Impact as Impact
    from hydria.lineage.impact import ImpactedLink as ImpactedLink
    from hydria.lineage.impact import ImpactedVersion as ImpactedVersion
    from hydria.lineage.provenance import Provenance as Provenance
    from hydria.lineage.provenance import ProvenanceStep as ProvenanceStep
    from hydria.lineage.records import Direction as Direction
    from hydria.lineage.records import EdgeKind as EdgeKind
    from hydria.lineage.records import LastMetric as LastMetric
    from hydria.lineage.records import LineageEdge as LineageEdge
    from hydria.lineage.records import LineageNode as LineageNode
    from hydria.lineage.records import MetricHistory as MetricHistory
    from hydria.lineage.records import Neighbour as Neighbour
    from hydria.lineage.records import NewEdge as NewEdge
    from hydria.lineage.records import NodeKind as NodeKind
    from hydria.lineage.records import Resume as Resume
    from hydria.lineage.records import RunInfo as RunInfo
    from hydria.lineage.records import RunState as RunState
    from hydria.lineage.run import Run as Run
    from hydria.lineage.sync import SyncRun as SyncRun
    from hydria.options import TransferOptions as TransferOptions
    from hydria.reading.open_file import OpenFile as OpenFile
    from hydria.reading.sync_open_file import SyncOpenFile as SyncOpenFile
    from hydria.records import AliasChange as AliasChange
    from hydria.records import AliasOperation as AliasOperation
    from hydria.records import ArtifactType as ArtifactType
    from hydria.records import Collection as Collection
    from hydria.records import CopyResult as CopyResult
    from hydria.records import Directory as Directory
    from hydria.records import DownloadResult as DownloadResult
    from hydria.records import File as File
    from hydria.records import Phase as Phase
    from hydria.records import Progress as Progress
    from hydria.records import Project as Project
    from hydria.records import ServerInfo as ServerInfo
    from hydria.records import UploadResult as UploadResult
    from hydria.records import Version as Version
    from hydria.records import VersionState as VersionState
    from hydria.registry import AsyncRegistry as AsyncRegistry
    from hydria.registry_records import LinkResult as LinkResult
    from hydria.registry_records import Registry as Registry
    from hydria.shared_uploads import SharedUpload as SharedUpload
    from hydria.shared_uploads import UploadWriter as UploadWriter
    from hydria.sync import Client as Client
    from hydria.sync_deployments import SyncDeployments as SyncDeployments
    from hydria.sync_draft import SyncDraft as SyncDraft
    from hydria.sync_history import SyncWatch as SyncWatch
    from hydria.sync_registry import SyncRegistry as SyncRegistry
    from hydria.sync_webhooks import SyncWebhooks as SyncWebhooks
    from hydria.upload_status import UploadStatus as UploadStatus
    from hydria.watching import Watch as Watch
    from hydria.webhook_records import DeliveryState as DeliveryState
    from hydria.webhook_records import Webhook as Webhook
    from hydria.webhook_records import WebhookAttempt as WebhookAttempt
    from hydria.webhook_records import WebhookDelivery as WebhookDelivery
    from hydria.webhook_records import WebhookFilter as WebhookFilter
    from hydria.webhook_records import WebhookFormat as WebhookFormat
    from hydria.webhook_records import WebhookState as WebhookState
    from hydria.webhooks import AsyncWebhooks as AsyncWebhooks

_HOME_OF = {
    "AliasInterval": "hydria.alias_records",
    "RollbackResult": "hydria.alias_records",
    "AsyncClient": "hydria.client",
    "AsyncRegistry": "hydria.registry",
    "Client": "hydria.sync",
    "Draft": "hydria.draft",
    "HydriaError": "hydria.errors",
    "LinkResult": "hydria.registry_records",
    "Registry": "hydria.registry_records",
    "SharedUpload": "hydria.shared_uploads",
    "OpenFile": "hydria.reading.open_file",
    "Run": "hydria.lineage.run",
    "RunComparison": "hydria.lineage.comparison",
    "SyncDraft": "hydria.sync_draft",
    "SyncRun": "hydria.lineage.sync",
    "SyncRegistry": "hydria.sync_registry",
    "AsyncWebhooks": "hydria.webhooks",
    "SyncWebhooks": "hydria.sync_webhooks",
    "SyncOpenFile": "hydria.reading.sync_open_file",
    "TransferOptions": "hydria.options",
    "UploadStatus": "hydria.upload_status",
    "UploadWriter": "hydria.shared_uploads",
} | dict.fromkeys(
    (
        "AliasChange",
        "AliasOperation",
        "ArtifactType",
        "Collection",
        "CopyResult",
        "Directory",
        "DownloadResult",
        "File",
        "Phase",
        "Progress",
        "Project",
        "ServerInfo",
        "UploadResult",
        "Version",
        "VersionState",
    ),
    "hydria.records",
)
_HOME_OF |= dict.fromkeys(
    (
        "ChangedFile",
        "Damage",
        "DamageKind",
        "DiffResult",
        "DiffTotals",
        "FileChange",
        "VerifyResult",
    ),
    "hydria.inspection.records",
)
_HOME_OF |= dict.fromkeys(
    (
        "Direction",
        "EdgeKind",
        "LastMetric",
        "LineageEdge",
        "LineageNode",
        "MetricHistory",
        "Neighbour",
        "NewEdge",
        "NodeKind",
        "Resume",
        "RunInfo",
        "RunState",
    ),
    "hydria.lineage.records",
)
_HOME_OF |= dict.fromkeys(
    (
        "GraphNode",
        "GroupedLineage",
        "LineageGraph",
        "LineageGroup",
        "LineageGroupEdge",
        "WalkLimits",
    ),
    "hydria.lineage.graphs",
)
_HOME_OF |= dict.fromkeys(("Provenance", "ProvenanceStep"), "hydria.lineage.provenance")
_HOME_OF |= dict.fromkeys(("Impact", "ImpactedLink", "ImpactedVersion"), "hydria.lineage.impact")
_HOME_OF |= dict.fromkeys(
    (
        "DeliveryState",
        "Webhook",
        "WebhookAttempt",
        "WebhookDelivery",
        "WebhookFilter",
        "WebhookFormat",
        "WebhookState",
    ),
    "hydria.webhook_records",
)

_HOME_OF |= dict.fromkeys(("AliasHolder", "AliasSnapshot", "Event"), "hydria.history_records")
_HOME_OF |= dict.fromkeys(("Deployment", "DeploymentState"), "hydria.deployment_records")
_HOME_OF |= dict.fromkeys(
    ("FollowNotice", "FollowOptions", "ServedVersion"), "hydria.following.records"
)
_HOME_OF |= {
    "AsyncDeployments": "hydria.deployments",
    "AsyncModelFollower": "hydria.following.follower",
    "ModelFollower": "hydria.following.sync_follower",
    "SyncDeployments": "hydria.sync_deployments",
}
_HOME_OF |= {"SyncWatch": "hydria.sync_history", "Watch": "hydria.watching"}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
