"""Provenance: what something was made from, and the steps that made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hydria.lineage.messages import node_of, run_of
from hydria.lineage.records import LineageNode, RunInfo
from hydria.v1 import lineage_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceStep:
    """A run with its config and code, or a derivation without one."""

    run: RunInfo | None
    inputs: tuple[LineageNode, ...]
    """What it used, or was derived from, with digests."""
    outputs: tuple[LineageNode, ...]
    """What it logged of what lies upstream, or what was derived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What has to be at hand, and what has to be done, to make something again."""

    node: LineageNode
    sources: tuple[LineageNode, ...]
    """Versions that no run logged and that are derived from nothing."""
    steps: tuple[ProvenanceStep, ...]
    """In an order in which they can be done."""
    is_truncated: bool
    """Whether there is more upstream than the server may visit."""


def provenance_of(pages: Sequence[pb.GetProvenanceResponse]) -> Provenance:
    """Return what all pages describe."""
    return Provenance(
        node=node_of(pages[0].node),
        sources=tuple(node_of(node) for page in pages for node in page.sources),
        steps=_steps_of(step for page in pages for step in page.steps),
        is_truncated=pages[-1].truncated,
    )


def _steps_of(parts: Iterable[pb.ProvenanceStep]) -> tuple[ProvenanceStep, ...]:
    """Return the steps that parts, which follow each other, make."""
    steps: list[ProvenanceStep] = []
    for part in parts:
        inputs, outputs = tuple(map(node_of, part.inputs)), tuple(map(node_of, part.outputs))
        if part.part:
            first = steps.pop()
            steps.append(
                replace(first, inputs=first.inputs + inputs, outputs=first.outputs + outputs)
            )
        else:
            run = run_of(part.run) if part.HasField("run") else None
            steps.append(ProvenanceStep(run=run, inputs=inputs, outputs=outputs))
    return tuple(steps)
