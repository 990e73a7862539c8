"""The standard's own client for Python: its classes as a second judge, and a sender of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    set_producer,
)
from openlineage.client.facet_v2 import (
    dataset_version_dataset,
    error_message_run,
    job_type_job,
    source_code_location_job,
    tags_run,
)
from openlineage.client.serde import Serde
from openlineage.client.transport.file import FileConfig, FileTransport

from tests.openlineage_events import PRODUCER, new_run_id

JsonObject = dict[str, object]
_FACETS: Mapping[str, Callable[..., object]] = {
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "jobType": job_type_job.JobTypeJobFacet,
    "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet,
    "tags": tags_run.TagsRunFacet,
}


def rebuilt(event: JsonObject) -> JsonObject:
    """Return an event as the classes of the standard write it, made of their fields.

    Facets that the standard does not know stay as they are.
    """
    set_producer("urn:hydria")
    run, job = cast("JsonObject", event["run"]), cast("JsonObject", event["job"])
    made = RunEvent(
        eventTime=str(event["eventTime"]),
        producer=str(event["producer"]),
        eventType=RunState(event["eventType"]),
        run=Run(runId=str(run["runId"])),
        job=Job(namespace=str(job["namespace"]), name=str(job["name"])),
        inputs=[InputDataset(*_names(each)) for each in _list(event, "inputs")],
        outputs=[OutputDataset(*_names(each)) for each in _list(event, "outputs")],
    )
    written = Serde.to_dict(made)
    written["run"]["facets"] = _facets(run)
    written["job"]["facets"] = _facets(job)
    for field in ("inputs", "outputs"):
        for place, each in enumerate(_list(event, field)):
            found = written[field][place]
            found["facets"] = _facets(each)
            del found[f"{field[:-1]}Facets"]
    if "outputs" not in event:
        del written["outputs"]
    return cast("JsonObject", written)


def _names(dataset: JsonObject) -> tuple[str, str]:
    return str(dataset["namespace"]), str(dataset["name"])


def _list(event: JsonObject, field: str) -> list[JsonObject]:
    return cast("list[JsonObject]", event.get(field, []))


def _facets(owner: JsonObject) -> JsonObject:
    facets = cast("dict[str, JsonObject]", owner["facets"])
    return {name: _facet(name, facet) for name, facet in facets.items()}


def _facet(name: str, facet: JsonObject) -> JsonObject:
    if name not in _FACETS or facet["_producer"] != "urn:hydria":
        return facet
    fields = {key: value for key, value in facet.items() if not key.startswith("_")}
    if name == "tags":
        tags = cast("list[dict[str, str]]", fields["tags"])
        fields["tags"] = [tags_run.TagsRunFacetFields(**tag) for tag in tags]
    return cast("JsonObject", Serde.to_dict(_FACETS[name](**fields)))


def emitted(path: Path, *, job: str) -> Path:
    """Have the standard's client write a START, a COMPLETE and a FAIL to a file."""
    set_producer(PRODUCER)
    client = OpenLineageClient(
        transport=FileTransport(FileConfig(log_file_path=str(path), append=True))
    )
    run, failing = Run(runId=new_run_id()), Run(runId=new_run_id())
    known = Job(namespace="airflow", name=job)
    inputs = [InputDataset(namespace="postgres://db:5432", name="shop.public.orders")]
    outputs = [OutputDataset(namespace="s3://lake", name="orders")]
    failure = error_message_run.ErrorMessageRunFacet("it broke", "PYTHON", "Traceback")
    for type_, time, told_run, told_job in (
        (RunState.START, "2026-03-04T05:06:07Z", run, known),
        (RunState.COMPLETE, "2026-03-04T05:07:07.5+00:00", run, known),
        (
            RunState.FAIL,
            "2026-03-04T05:08:07.123456789Z",
            Run(runId=failing.runId, facets={"errorMessage": failure}),
            Job(namespace="airflow", name=f"{job}-failing"),
        ),
    ):
        is_done = type_ is RunState.COMPLETE
        client.emit(
            RunEvent(
                eventTime=time,
                eventType=type_,
                run=told_run,
                job=told_job,
                inputs=inputs if is_done else [],
                outputs=outputs if is_done else [],
            )
        )
    client.close()
    return path
