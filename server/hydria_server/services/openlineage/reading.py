"""Batches of texts to values: what run events say, and nothing of what others do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hydria_server.domain.errors import (
    BatchTooLargeError,
    FieldViolationError,
    HydriaError,
)
from hydria_server.domain.exact_json import Exact, Number
from hydria_server.domain.openlineage import Dataset, EventType, OwnWords, RunEvent
from hydria_server.services.openlineage.checking import event_of, time_us

# A batch is one transaction, for which others wait: so many new runs or versions take seconds.
MAX_EVENTS: Final = 100
MAX_DATASETS: Final = 500  # in all events of a batch
MAX_EVENT_BYTES: Final = 1024 * 1024
MAX_BATCH_BYTES: Final = 3 * 1024 * 1024
MAX_NAME_CHARACTERS: Final = 2_048
OWN_RUN: Final = "hydria_run"
OWN_VERSION: Final = "hydria_version"
_NONE: Final[Mapping[str, Exact]] = {}


@dataclass(frozen=True, slots=True)
class Batch:
    """What is understood of a batch."""

    events: tuple[RunEvent, ...]
    ignored_count: int  # events about jobs or datasets without a run


def require_bounds(texts: Sequence[str]) -> int:
    """Return how many bytes a batch has.

    Raises:
        BatchTooLargeError: there are too many, or too many events.
    """
    if len(texts) > MAX_EVENTS:
        raise _too_large(f"{len(texts)} events are more than {MAX_EVENTS}", MAX_EVENTS)
    sizes = [len(text.encode()) for text in texts]
    for index, size in enumerate(sizes):
        if size > MAX_EVENT_BYTES:
            problem = f"{size} bytes are more than {MAX_EVENT_BYTES}"
            raise at(_too_large(problem, MAX_EVENT_BYTES), index)
    if sum(sizes) > MAX_BATCH_BYTES:
        problem = f"{sum(sizes)} bytes of events are more than {MAX_BATCH_BYTES}"
        raise _too_large(problem, MAX_BATCH_BYTES)
    return sum(sizes)


def read_batch(texts: Sequence[str]) -> Batch:
    """Return what events say about runs.

    Raises:
        FieldViolationError: one is malformed; its place is in the details, as `index`.
        BatchTooLargeError: they have too many inputs and outputs.
    """
    found: list[RunEvent] = []
    for index, text in enumerate(texts):
        try:
            kind, event = event_of(text)
            if kind == "RunEvent":
                found.append(_run_event(index, _object(event)))
        except HydriaError as error:
            raise at(error, index) from None
    count = sum(len(event.inputs) + len(event.outputs) for event in found)
    if count > MAX_DATASETS:
        problem = f"{count} inputs and outputs are more than {MAX_DATASETS}; send fewer events"
        raise _too_large(problem, MAX_DATASETS)
    return Batch(tuple(found), len(texts) - len(found))


def at(error: HydriaError, index: int) -> HydriaError:
    """Return the error with the place of the event that it is about."""
    error.details["index"] = str(index)
    error.message = f"events[{index}]: {error.message}"
    return error


def _too_large(problem: str, limit: int) -> BatchTooLargeError:
    return BatchTooLargeError(problem, details={"limit": str(limit)})


def _run_event(index: int, event: Mapping[str, Exact]) -> RunEvent:
    run, job = _object(event["run"]), _object(event["job"])
    facets = _object(run.get("facets"))
    own, time = _object(facets.get(OWN_RUN)), _text(event["eventTime"])
    return RunEvent(
        index=index,
        type=EventType(_text(event.get("eventType")) or EventType.OTHER),
        time_us=time_us(time) or 0,
        time=time,
        run_id=_text(run["runId"]).lower(),
        own_ref=_text(own.get("ref")),
        own=_own_words(own) if own else None,
        group=_group(_object(facets.get("parent"))),
        job_namespace=_bounded(job["namespace"], "$.job.namespace"),
        job_name=_bounded(job["name"], "$.job.name"),
        run_facets={name: facet for name, facet in facets.items() if name != OWN_RUN},
        job_facets=_object(job.get("facets")),
        inputs=tuple(_datasets(event, "inputs", "inputFacets")),
        outputs=tuple(_datasets(event, "outputs", "outputFacets")),
    )


def _own_words(own: Mapping[str, Exact]) -> OwnWords:
    exit_code = own.get("exitCode")
    return OwnWords(
        display_name=_text(own.get("displayName")),
        job_type=_text(own.get("jobType")),
        group=_text(own.get("group")),
        tags=_texts(own.get("tags")),
        git_commit=_text(own.get("gitCommit")),
        git_remote=_text(own.get("gitRemote")),
        command_line=_texts(own.get("commandLine")),
        description=_text(own.get("description")),
        config_json=_text(own.get("configJson")),
        summary_json=_text(own.get("summaryJson")),
        state=_text(own.get("state")),
        exit_code=_exit_code(exit_code) if isinstance(exit_code, Number) else None,
        updated_at_us=time_us(_text(own.get("updatedAt"))) or 0,
    )


def _exit_code(number: Number) -> int:
    """Return a 32-bit integer.

    Raises:
        FieldViolationError: it is something else.
    """
    if (
        len(number) > 11
        or not number.lstrip("-").isdecimal()
        or not -(2**31) <= int(number) < 2**31
    ):
        raise FieldViolationError("$.run.facets.hydria_run.exitCode", "it is no 32-bit integer")
    return int(number)


def _group(parent: Mapping[str, Exact]) -> str:
    """Return the id of the run that is at the root of a run, such as the run of its DAG."""
    run = _object(_object(parent.get("root")).get("run")) or _object(parent.get("run"))
    return _text(run.get("runId")).lower()


def _datasets(event: Mapping[str, Exact], field: str, more_facets: str) -> Iterator[Dataset]:
    listed = event.get(field)
    for place, each in enumerate(listed if isinstance(listed, list) else ()):
        dataset, path = _object(each), f"$.{field}[{place}]"
        facets = _object(dataset.get("facets"))
        own = _object(facets.get(OWN_VERSION))
        version = _text(_object(facets.get("version")).get("datasetVersion"))
        others = {
            name: facet
            for name, facet in {**facets, **_object(dataset.get(more_facets))}.items()
            if name != OWN_VERSION
        }
        yield Dataset(
            namespace=_bounded(dataset["namespace"], f"{path}.namespace"),
            name=_bounded(dataset["name"], f"{path}.name"),
            version=_bounded(version, f"{path}.facets.version.datasetVersion"),
            digest=_text(own.get("digest")),
            facets=others,
        )


def _bounded(value: Exact, path: str) -> str:
    """Return a name of bounded length.

    Raises:
        FieldViolationError: it is longer.
    """
    text = _text(value)
    if len(text) > MAX_NAME_CHARACTERS:
        raise FieldViolationError(path, f"it has more than {MAX_NAME_CHARACTERS} characters")
    return text


def _object(value: Exact) -> Mapping[str, Exact]:
    return value if isinstance(value, dict) else _NONE


def _text(value: Exact) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _texts(value: Exact) -> tuple[str, ...]:
    return tuple(_text(each) for each in value) if isinstance(value, list) else ()
