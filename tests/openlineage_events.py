"""OpenLineage events as some pipeline would send them, as JSON."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

JsonObject = dict[str, object]
PRODUCER = "https://example.org/pipeline"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


def new_run_id() -> str:
    """Return the UUID of a run that nobody has told of."""
    return str(uuid.uuid4())


def facet(**fields: object) -> JsonObject:
    """Return a facet of those fields."""
    return {"_producer": PRODUCER, "_schemaURL": "https://example.org/facet.json", **fields}


def dataset(name: str, version: str = "", *, namespace: str = "s3://lake") -> JsonObject:
    """Return a dataset elsewhere."""
    facets = {"version": facet(datasetVersion=version)} if version else {}
    return {"namespace": namespace, "name": name, "facets": facets}


def event(
    run_id: str,
    type_: str = "COMPLETE",
    *,
    at: str = "2026-03-04T05:06:07Z",
    job: str = "orders.clean",
    inputs: Sequence[JsonObject] = (),
    outputs: Sequence[JsonObject] = (),
    facets: Mapping[str, JsonObject] | None = None,
) -> JsonObject:
    """Return an event of a run."""
    return {
        "eventType": type_,
        "eventTime": at,
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {"runId": run_id, "facets": facets or {}},
        "job": {"namespace": "airflow-prod", "name": job},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


def texts(*events: JsonObject) -> list[str]:
    """Return events as they are sent."""
    return [json.dumps(each) for each in events]
