"""What is selected of a run, and how it is listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Integer, RowMapping, literal_column, select

from hydria_server.domain.runs import RunRecord, RunState
from hydria_server.storage.metadata.dialect import gathered, names_in
from hydria_server.storage.metadata.fields import EnumField, NamesField, NumberField, TextField
from hydria_server.storage.metadata.lineage_tables import RUN, RUN_TAG
from hydria_server.storage.metadata.paging import Listing
from hydria_server.storage.metadata.tables import ENTITY, PROJECT

RUN_RECORDS: Final = select(
    RUN.c.id,
    RUN.c.entity_id,
    RUN.c.project_id,
    ENTITY.c.name.label("entity"),
    PROJECT.c.name.label("project"),
    RUN.c.run_id,
    RUN.c.display_name,
    RUN.c.job_type,
    RUN.c.group_name.label("group"),
    gathered(RUN_TAG.c.tag, where=RUN_TAG.c.run_id, equals=RUN.c.id).label("tags"),
    RUN.c.state,
    RUN.c.exit_code,
    RUN.c.attempt,
    RUN.c.revision,
    RUN.c.created_at_us,
    RUN.c.updated_at_us,
    RUN.c.heartbeat_at_us,
    RUN.c.finished_at_us,
).select_from(
    RUN.join(PROJECT, PROJECT.c.id == RUN.c.project_id).join(
        ENTITY, ENTITY.c.id == PROJECT.c.entity_id
    )
)


_TAGS: Final = 9  # where its columns have them; the state is next


def run_of(row: RowMapping) -> RunRecord:
    """Return the record in a row that has the columns of `RUN_RECORDS`."""
    fields = {name: row[name] for name in RunRecord._fields}
    return RunRecord(**{**fields, "state": RunState(row["state"])})


def run_in(row: Sequence[Any]) -> RunRecord:
    """Return the record in a row of `RUN_RECORDS` as the driver has it."""
    tags, state = names_in(row[_TAGS]), RunState(row[_TAGS + 1])
    return RunRecord._make((*row[:_TAGS], tags, state, *row[_TAGS + 2 :]))


def run_listing(project_id: int) -> Listing[RunRecord]:
    """Return what can be listed of the runs of a project."""
    tagged = select(RUN_TAG.c.run_id).where(RUN_TAG.c.project_id == project_id)
    return Listing(
        rows=select(RUN.c.id).where(RUN.c.project_id == project_id),
        row_id=RUN.c.id,
        text_bytes=literal_column("0", Integer),
        fields={
            "run_id": TextField(RUN.c.run_id),
            "name": TextField(RUN.c.display_name),
            "job_type": TextField(RUN.c.job_type),
            "group": TextField(RUN.c.group_name),
            "tag": NamesField(RUN.c.id, tagged, RUN_TAG.c.tag),
            "state": EnumField(RUN.c.state, RunState),
            "created_at": NumberField(RUN.c.created_at_us),
            "updated_at": NumberField(RUN.c.updated_at_us),
            "finished_at": NumberField(RUN.c.finished_at_us),
        },
        records=RUN_RECORDS,
        record_of=run_of,
    )
