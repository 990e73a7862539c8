"""All services of lineage, wired to one metadata store."""

from __future__ import annotations

from hydria_server.services.artifact import ArtifactServices
from hydria_server.services.hashing import Hashing
from hydria_server.services.impact import Impacts
from hydria_server.services.lineage_batches import LineageBatches
from hydria_server.services.lineage_edges import LineageEdges
from hydria_server.services.metric_history import MetricHistories
from hydria_server.services.metrics import Metrics
from hydria_server.services.openlineage.ingest import OpenLineageIngest
from hydria_server.services.provenance import Provenances
from hydria_server.services.run_comparison import RunComparisons
from hydria_server.services.run_silence import Silence
from hydria_server.services.runs import Runs
from hydria_server.services.sessions import Clock
from hydria_server.services.traversal import Traversals
from hydria_server.storage.metadata.interface import MetadataStore


class LineageServices:
    """What the wire calls. `silence.crash_silent()` should be called now and then."""

    def __init__(
        self,
        artifacts: ArtifactServices,
        metadata: MetadataStore,
        clock: Clock,
        threads: Hashing,
        *,
        silence_seconds: int,
    ) -> None:
        """Wire everything."""
        self.silence = Silence(metadata, clock, timeout_seconds=silence_seconds)
        self.runs = Runs(metadata, clock, self.silence)
        self.metrics = Metrics(metadata, clock)
        self.histories = MetricHistories(metadata, threads)
        self.edges = LineageEdges(metadata, clock)
        self.batches = LineageBatches(metadata, clock)
        self.traversals = Traversals(metadata, threads)
        self.provenances = Provenances(metadata, threads)
        self.impacts = Impacts(metadata, clock, threads)
        self.comparisons = RunComparisons(metadata, threads)
        self.openlineage = OpenLineageIngest(artifacts, metadata, clock, threads, self.runs)
