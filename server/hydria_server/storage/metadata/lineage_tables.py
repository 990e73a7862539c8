"""The schema, third part: runs, their metrics, and the graph of what they used and logged."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from hydria_server.domain.lineage import EdgeKind
from hydria_server.domain.runs import RunState
from hydria_server.storage.metadata.tables import (
    ENTITY,
    METADATA,
    NAME,
    PATH,
    PROJECT,
    ROW_ID,
    VERSION,
    only_where,
)

# Every sign of life writes this row, so long texts have a row of their own.
RUN = Table(
    "run",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("entity_id", ForeignKey(ENTITY.c.id), nullable=False),
    Column("project_id", ForeignKey(PROJECT.c.id), nullable=False),
    Column("run_id", NAME, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("exit_code", Integer, nullable=True),
    Column("revision", BigInteger, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
    Column("heartbeat_at_us", BigInteger, nullable=False),
    Column("finished_at_us", BigInteger, nullable=True),
    Column("display_name", NAME, nullable=False),
    Column("job_type", NAME, nullable=False),
    Column("group_name", NAME, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    UniqueConstraint("project_id", "run_id"),
    sqlite_autoincrement=True,
)
IS_RUNNING: Final = RUN.c.state == literal_column(str(RunState.RUNNING.value))
HAS_RUN_REQUEST: Final = RUN.c.request_id != literal_column("''")
# A request begins at most one run.
only_where(Index("uq_run_request", RUN.c.entity_id, RUN.c.request_id, unique=True), HAS_RUN_REQUEST)
# Of all runs ever, few are at work: those that may have fallen silent.
only_where(Index("ix_run_running_heartbeat", RUN.c.heartbeat_at_us), IS_RUNNING)
# Lists, newest first.
Index(None, RUN.c.project_id, RUN.c.created_at_us)

# The number of the last run of each project, for display names.
RUN_NUMBER = Table(
    "run_number",
    METADATA,
    Column("project_id", ForeignKey(PROJECT.c.id), primary_key=True, autoincrement=False),
    Column("last_number", BigInteger, nullable=False),
)

RUN_DOCUMENT = Table(
    "run_document",
    METADATA,
    Column("run_id", ForeignKey(RUN.c.id), primary_key=True, autoincrement=False),
    Column("git_commit", Text, nullable=False),
    Column("git_remote", Text, nullable=False),
    Column("command_line_json", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("config_json", Text, nullable=False),
    Column("summary_json", Text, nullable=False),
)

# `project_id` repeats the run's: a filter by tag then looks at one project only.
RUN_TAG = Table(
    "run_tag",
    METADATA,
    Column("run_id", ForeignKey(RUN.c.id), nullable=False),
    Column("tag", NAME, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("run_id", "tag"),
    Index(None, "project_id", "tag"),
    sqlite_with_rowid=False,
)

# The metrics of each run with their last values: 8 bytes, for SQLite takes NaN for NULL.
METRIC = Table(
    "metric",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("run_id", ForeignKey(RUN.c.id), nullable=False),
    Column("key", PATH, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("last_value", LargeBinary(8), nullable=False),
    Column("last_time_us", BigInteger, nullable=False),
    Column("point_count", BigInteger, nullable=False),
    UniqueConstraint("run_id", "key"),
    sqlite_autoincrement=True,
)

# The points of a metric, 8 bytes each in every column. Blocks are sorted by step within, do not
# overlap, and are named by their first step.
METRIC_BLOCK = Table(
    "metric_block",
    METADATA,
    Column("metric_id", ForeignKey(METRIC.c.id), nullable=False),
    Column("first_step", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("point_count", Integer, nullable=False),
    Column("steps", LargeBinary, nullable=False),
    Column("point_values", LargeBinary, nullable=False),
    Column("times_us", LargeBinary, nullable=False),
    PrimaryKeyConstraint("metric_id", "first_step"),
)

# Append-only: edges outlive what they name. `version_id` is what was used, logged or derived; the
# ids grow in the order of recording, so that pages of a walk can be pinned to one moment.
LINEAGE_EDGE = Table(
    "lineage_edge",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("version_id", ForeignKey(VERSION.c.id), nullable=False),
    Column("run_id", ForeignKey(RUN.c.id), nullable=True),
    Column("from_version_id", ForeignKey(VERSION.c.id), nullable=True),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("recorded_ref", Text, nullable=False),
    Column("requested_ref", Text, nullable=False),
    CheckConstraint(f"(kind = {EdgeKind.DERIVED.value}) = (run_id IS NULL)", name="run"),
    CheckConstraint(
        f"(kind = {EdgeKind.DERIVED.value}) = (from_version_id IS NOT NULL)", name="source"
    ),
    Index(None, "version_id", "kind", "id"),
    sqlite_autoincrement=True,
)
HAS_RUN: Final = LINEAGE_EDGE.c.run_id.is_not(None)
HAS_SOURCE: Final = LINEAGE_EDGE.c.from_version_id.is_not(None)
# A derivation from what was committed later: without one there is no cycle.
IS_BACKWARD: Final = LINEAGE_EDGE.c.from_version_id >= LINEAGE_EDGE.c.version_id
# One edge of a kind for each run and version, one for each pair of versions.
RUN_EDGE = Index(
    "uq_lineage_edge_run",
    LINEAGE_EDGE.c.run_id,
    LINEAGE_EDGE.c.version_id,
    LINEAGE_EDGE.c.kind,
    unique=True,
)
SOURCE_EDGE = Index(
    "uq_lineage_edge_source", LINEAGE_EDGE.c.from_version_id, LINEAGE_EDGE.c.version_id, unique=True
)
only_where(RUN_EDGE, HAS_RUN)
only_where(SOURCE_EDGE, HAS_SOURCE)
# Lists of one node's edges, in the order of recording.
only_where(
    Index("ix_lineage_edge_of_run", LINEAGE_EDGE.c.run_id, LINEAGE_EDGE.c.kind, LINEAGE_EDGE.c.id),
    HAS_RUN,
)
only_where(
    Index("ix_lineage_edge_of_source", LINEAGE_EDGE.c.from_version_id, LINEAGE_EDGE.c.id),
    HAS_SOURCE,
)
only_where(Index("ix_lineage_edge_backward", LINEAGE_EDGE.c.id), IS_BACKWARD)
