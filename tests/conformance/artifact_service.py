"""What the artifact service must do, through the wire, on whatever stores it stands.

Tests share a server; each has a team, an entity of its own. The families have a file each.
"""

from __future__ import annotations

import pytest

from tests.conformance.artifact_chunk_lists import ChunkListsContract
from tests.conformance.artifact_chunks import ChunksContract
from tests.conformance.artifact_commits import CommitsContract
from tests.conformance.artifact_copies import CopiesContract
from tests.conformance.artifact_file_uploads import FileUploadsContract
from tests.conformance.artifact_globs import GlobsContract
from tests.conformance.artifact_inspection import InspectionContract
from tests.conformance.artifact_lies import LiesContract
from tests.conformance.artifact_lists import ListsContract
from tests.conformance.artifact_reading import ReadingContract
from tests.conformance.artifact_references import EntryCopiesContract, ReferencesContract
from tests.conformance.artifact_retyping import RetypingContract
from tests.conformance.artifact_reuse import ReuseContract
from tests.conformance.artifact_rules import RulesContract
from tests.conformance.artifact_sessions import SessionsContract
from tests.conformance.artifact_staging import StagingContract
from tests.conformance.artifact_words import WordsContract
from tests.conformance.artifact_writers import WritersContract
from tests.servers import Server
from tests.teams import Team


class ArtifactServiceContract(
    SessionsContract,
    ChunksContract,
    StagingContract,
    ReferencesContract,
    EntryCopiesContract,
    LiesContract,
    CommitsContract,
    RulesContract,
    ReuseContract,
    FileUploadsContract,
    ChunkListsContract,
    ReadingContract,
    InspectionContract,
    GlobsContract,
    ListsContract,
    WordsContract,
    CopiesContract,
    RetypingContract,
    WritersContract,
):
    """Inherited by a test class that has the fixtures `server` and `clock`."""

    @pytest.fixture
    def team(self, server: Server) -> Team:
        return Team.new(server)
