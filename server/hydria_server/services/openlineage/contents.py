"""The content of versions that stand for datasets elsewhere: one small file that says which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hydria_server.domain.openlineage import WRITES, Dataset, RunEvent
from hydria_server.services.openlineage.documents import identity_of
from hydria_server.services.small_versions import InlineFile, SmallContent, small_content

FILE: Final = "dataset.json"
Contents = Mapping[bytes, SmallContent]


def output_version(event: RunEvent, dataset: Dataset) -> str:
    """Return the version of an output: the one that is told, else one of its own for each run."""
    return dataset.version or f"run:{event.run_id}"


def is_written(event: RunEvent, dataset: Dataset) -> bool:
    """Tell whether an output was written as far as is known.

    Our own export names what is there, whatever became of the run.
    """
    return event.type in WRITES or dataset.is_ours


def contents_of(events: Sequence[RunEvent]) -> Contents:
    """Return all contents that a batch may need, by what they identify."""
    return {
        identity: small_content([InlineFile(FILE, identity)])
        for identity in dict.fromkeys(_identities(events))
    }


def _identities(events: Sequence[RunEvent]) -> Iterator[bytes]:
    for event in events:
        for dataset in event.inputs:
            yield identity_of(dataset, dataset.version)
        for dataset in event.outputs:
            if is_written(event, dataset):
                yield identity_of(dataset, output_version(event, dataset))
