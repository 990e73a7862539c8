"""What is known of a run that OpenLineage told us of: the config that it has here.

`{"openlineage": {"job": {"namespace": ..., "name": ..., "facets": {...}}, "run": {...}}}`, each
facet as it came with `_eventTime`, the time of its event. Of two facets of one name the later one
stays, so that it does not matter in which order events come, or how often. Of two names of the job
(Spark adds to it as it learns) the one that sorts first stays, for the same reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hydria_server.domain.exact_json import Exact, exact_text, parse_exact
from hydria_server.domain.openlineage import OUR_PRODUCER, Dataset, Facets, RunEvent
from hydria_server.services.openlineage.checking import time_us

_KEY: Final = "openlineage"
_TIME: Final = "_eventTime"


def merged_config(config_json: str, events: Sequence[RunEvent]) -> str:
    """Return the config of a run with what events add to it."""
    config = _object(parse_exact(config_json))
    known = _object(config.get(_KEY))
    job, run = _object(known.get("job")), _object(known.get("run"))
    job_facets, run_facets = _object(job.get("facets")), _object(run.get("facets"))
    for event in events:
        job_facets = _merged(job_facets, event.job_facets, event.time)
        run_facets = _merged(run_facets, event.run_facets, event.time)
    name = min((event.job_namespace, event.job_name) for event in events)
    if job:
        name = min(name, (str(job.get("namespace")), str(job.get("name"))))
    found: Mapping[str, Exact] = {
        "job": {"namespace": name[0], "name": name[1], "facets": job_facets},
        "run": {"facets": run_facets},
    }
    return exact_text({**config, _KEY: found})


def metadata_of(dataset: Dataset, version: str) -> str:
    """Return the metadata of a version that stands for a dataset elsewhere."""
    return exact_text({_KEY: {**_identity(dataset, version), "facets": dataset.facets}})


def identity_of(dataset: Dataset, version: str) -> bytes:
    """Return the content of such a version: what it is, and so the same for whoever tells of it."""
    return exact_text(_identity(dataset, version)).encode() + b"\n"


def _identity(dataset: Dataset, version: str) -> dict[str, Exact]:
    said: dict[str, Exact] = {"namespace": dataset.namespace, "name": dataset.name}
    return {**said, "version": version} if version else said


def _merged(known: Facets, told: Facets, time: str) -> Facets:
    found = dict(known)
    for name, facet in told.items():
        if _object(facet).get("_producer") == OUR_PRODUCER:
            continue  # our own export says the same in other words
        stamped: Mapping[str, Exact] = {**_object(facet), _TIME: time}
        if name not in found or _age(found[name]) < _age(stamped):
            found[name] = stamped
    return dict(sorted(found.items()))


def _age(facet: Exact) -> tuple[int, str]:
    """Return what the later one of two facets has more of; of the same time, any but always one."""
    return time_us(str(_object(facet).get(_TIME))) or 0, exact_text(facet)


def _object(value: Exact) -> Mapping[str, Exact]:
    return value if isinstance(value, dict) else {}
