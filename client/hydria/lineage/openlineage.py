"""Runs as events of OpenLineage 2-0-2, the standard of lineage between systems.

docs/protocol.md says what stands for what. An event is JSON text; what a run was told by events of
another system is told again as it came.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hydria.lineage.records import LineageNode, RunInfo, RunState

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Facets = dict[str, Json]

DATASET_TYPE: Final = "openlineage-dataset"  # of versions that stand for datasets elsewhere
MAX_DOCUMENT_BYTES: Final = 256 * 1024  # larger configs and summaries are left out
_SPEC: Final = "https://openlineage.io/spec"
_EVENT: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_OURS: Final = "urn:hydria:openlineage:1-0-0#/$defs"
PRODUCER: Final = "urn:hydria"
_RUN_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:hydria:runs")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s<>\"{}|\\^`]+")
_ENDS: Final = {
    RunState.FINISHED: "COMPLETE",
    RunState.FAILED: "FAIL",
    RunState.CRASHED: "FAIL",
    RunState.KILLED: "ABORT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedDataset:
    """A version that a run used or logged."""

    node: LineageNode
    metadata_json: str
    """Of one that stands for a dataset elsewhere; empty for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedRun:
    """A run with its documents, its inputs and its outputs."""

    run: RunInfo
    inputs: Sequence[DescribedDataset]
    outputs: Sequence[DescribedDataset]


def run_uuid(ref: str) -> str:
    """Return the UUID of a run: its own id if that is one, else one that is made of its ref."""
    run_id = ref.rpartition("/")[2]
    try:
        if str(uuid.UUID(run_id)) == run_id:
            return run_id
    except ValueError:
        pass
    return str(uuid.uuid5(_RUN_IDS, ref))


def events_of(described: DescribedRun) -> list[str]:
    """Return a run's START, and its end or how it stands: all that the standard asks for."""
    run = described.run
    inputs = [_dataset(each) for each in described.inputs]
    outputs = [_dataset(each) for each in described.outputs]
    ended_at = run.finished_at if run.state in _ENDS and run.finished_at else run.heartbeat_at
    told = _told(run.config_json)
    common: Facets = {
        "run": {"runId": run_uuid(run.ref), "facets": dict(_run_facets(run, told))},
        "job": _job(run, told),
        "producer": PRODUCER,
        "schemaURL": _EVENT,
        "inputs": inputs,
    }
    start: Facets = {"eventType": "START", "eventTime": _time(run.created_at), **common}
    end: Facets = {
        "eventType": _ENDS.get(run.state, "RUNNING"),
        "eventTime": _time(max(ended_at, run.created_at)),
        **common,
        "outputs": outputs,
    }
    return [json.dumps(start), json.dumps(end)]


def _told(document_json: str) -> Mapping[str, object]:
    """Return what events of another system told, as it is kept; nothing for what is our own."""
    if not document_json:
        return {}
    document: object = json.loads(document_json, parse_int=_number, parse_float=_number)
    return _mapping(_mapping(document).get("openlineage"))


def _number(text: str) -> Json:
    """Return a number; one that Python has no number for stays a text."""
    try:
        value = float(text) if set(text) & set(".eE") else int(text)
    except ValueError:  # thousands of digits
        return text
    return value if isinstance(value, int) or math.isfinite(value) else text


def _job(run: RunInfo, told: Mapping[str, object]) -> Facets:
    known = _mapping(told.get("job"))
    if "namespace" in known and "name" in known:
        facets = _as_they_came(known.get("facets"))
        return {"namespace": str(known["namespace"]), "name": str(known["name"]), "facets": facets}
    return {
        "namespace": f"hydria://{run.entity}/{run.project}",
        "name": run.job_type or "run",
        "facets": dict(_job_facets(run)),
    }


def _job_facets(run: RunInfo) -> Iterator[tuple[str, Json]]:
    job_type: Facets = {"processingType": "BATCH", "integration": "HYDRIA", "jobType": "RUN"}
    yield "jobType", _facet(f"{_SPEC}/facets/2-0-4/JobTypeJobFacet.json", job_type)
    if run.git_commit and _URI.fullmatch(run.git_remote):
        source: Facets = {
            "type": "git",
            "url": run.git_remote,
            "repoUrl": run.git_remote,
            "version": run.git_commit,
        }
        url = f"{_SPEC}/facets/1-1-0/SourceCodeLocationJobFacet.json"
        yield "sourceCodeLocation", _facet(url, source)


def _run_facets(run: RunInfo, told: Mapping[str, object]) -> Iterator[tuple[str, Json]]:
    if run.state in (RunState.FAILED, RunState.CRASHED):
        error: Facets = {"message": _failure(run), "programmingLanguage": "unknown"}
        url = f"{_SPEC}/facets/1-0-1/ErrorMessageRunFacet.json"
        yield "errorMessage", _facet(url, error)
    yield from _as_they_came(_mapping(told.get("run")).get("facets")).items()
    if run.tags:
        tags = [{"key": tag, "value": "true", "source": "HYDRIA"} for tag in run.tags]
        yield "tags", _facet(f"{_SPEC}/facets/1-0-0/TagsRunFacet.json", {"tags": tags})
    yield "hydria_run", _own(run, is_told=bool(told))


def _failure(run: RunInfo) -> str:
    if run.state is RunState.CRASHED:
        return "the run gave no more signs of life"
    return "the run failed" if run.exit_code is None else f"exit code {run.exit_code}"


def _own(run: RunInfo, *, is_told: bool) -> Json:
    """Return all that we know of a run, for whoever takes our events in again."""
    words: Facets = {
        "displayName": run.display_name,
        "jobType": run.job_type,
        "group": run.group,
        "tags": run.tags,
        "gitCommit": run.git_commit,
        "gitRemote": run.git_remote,
        "commandLine": run.command_line,
        "description": _short(run.description),
        "configJson": "" if is_told else _short(run.config_json),
        "summaryJson": _short(run.summary_json),
    }
    facet = {name: value for name, value in words.items() if value}
    if run.exit_code is not None:
        facet["exitCode"] = run.exit_code
    facet |= {"ref": run.ref, "state": run.state.value, "updatedAt": _time(run.updated_at)}
    return {"_producer": PRODUCER, "_schemaURL": f"{_OURS}/HydriaRunFacet", **facet}


def _short(document: str) -> str:
    return document if len(document.encode()) <= MAX_DOCUMENT_BYTES else ""


def _dataset(described: DescribedDataset) -> Json:
    node = described.node
    known = _told(described.metadata_json)
    if "namespace" in known and "name" in known:
        facets = _as_they_came(known.get("facets"))
        if known.get("version"):
            facets["version"] = _version(str(known["version"]))
        return {"namespace": str(known["namespace"]), "name": str(known["name"]), "facets": facets}
    name, _, version = node.name.rpartition(":")
    own: Facets = {"ref": node.ref, "digest": node.digest, "type": node.type}
    return {
        "namespace": f"hydria://{node.entity}/{node.project}",
        "name": name,
        "facets": {
            "version": _version(version),
            "hydria_version": {
                "_producer": PRODUCER,
                "_schemaURL": f"{_OURS}/HydriaVersionDatasetFacet",
                **own,
            },
        },
    }


def _version(version: str) -> Json:
    url = f"{_SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json"
    return _facet(url, {"datasetVersion": version})


def _facet(file_url: str, fields: Mapping[str, Json]) -> Json:
    """Return a facet of the standard; its file is called as its definition."""
    definition = file_url.rpartition("/")[2].removesuffix(".json")
    return {"_producer": PRODUCER, "_schemaURL": f"{file_url}#/$defs/{definition}", **fields}


def _as_they_came(facets: object) -> Facets:
    """Return facets of another system without the time that was noted with them."""
    return {
        name: {key: value for key, value in _mapping(facet).items() if key != "_eventTime"}
        for name, facet in _mapping(facets).items()
    }


def _mapping(value: object) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
