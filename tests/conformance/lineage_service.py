"""What the lineage service must do, through the wire, on whatever stores it stands."""

from __future__ import annotations

import pytest

from tests.conformance.lineage_and_registry import (
    HistoryOfLineageContract,
    LineageOfLinksContract,
)
from tests.conformance.lineage_bad_graphs import BadGraphsContract
from tests.conformance.lineage_comparison import ComparisonContract
from tests.conformance.lineage_edges import EdgesOfRunsContract, RecordedEdgesContract
from tests.conformance.lineage_graph import WalksContract
from tests.conformance.lineage_graph_pages import PagesOfWalksContract
from tests.conformance.lineage_impact import ImpactContract
from tests.conformance.lineage_metrics import LoggingMetricsContract, ReadingMetricsContract
from tests.conformance.lineage_openlineage import (
    IngestedDatasetsContract,
    IngestedRunsContract,
)
from tests.conformance.lineage_openlineage_refusals import RefusedEventsContract
from tests.conformance.lineage_provenance import ProvenanceContract
from tests.conformance.lineage_runs import BeginningRunsContract, EndingRunsContract
from tests.run_teams import RunTeam
from tests.servers import Server


class LineageServiceContract(
    BeginningRunsContract,
    EndingRunsContract,
    LoggingMetricsContract,
    ReadingMetricsContract,
    EdgesOfRunsContract,
    RecordedEdgesContract,
    LineageOfLinksContract,
    HistoryOfLineageContract,
    WalksContract,
    PagesOfWalksContract,
    ProvenanceContract,
    ComparisonContract,
    ImpactContract,
    BadGraphsContract,
    IngestedRunsContract,
    IngestedDatasetsContract,
    RefusedEventsContract,
):
    """Inherited by a test class that has the fixtures `server` and `clock`."""

    @pytest.fixture
    def runs(self, server: Server) -> RunTeam:
        return RunTeam.new(server)

    @pytest.fixture
    def others(self, server: Server) -> RunTeam:
        return RunTeam.new(server)
