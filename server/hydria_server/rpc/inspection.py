"""The calls that look at whole versions: VerifyVersion, CompareVersions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

from hydria.v1 import artifact_pb2
from hydria_server.domain.damage import Damage
from hydria_server.rpc import messages
from hydria_server.rpc.calls import Context, note
from hydria_server.rpc.family import ArtifactRpcs
from hydria_server.services.comparing import Comparison, FileChange
from hydria_server.services.findings import VerificationStep

T = TypeVar("T")

# With two paths of 1 KiB each, a message of so many stays well under gRPC's 4 MiB.
MAX_ROWS = 500


class InspectionRpcs(ArtifactRpcs):
    """VerifyVersion, CompareVersions."""

    async def VerifyVersion(
        self, request: artifact_pb2.VerifyVersionRequest, context: Context
    ) -> AsyncIterator[artifact_pb2.VerifyVersionResponse]:
        version, steps = await self.services.verification.open(request.ref)
        note("version", version.ref)
        last = VerificationStep()
        try:
            yield artifact_pb2.VerifyVersionResponse(version_ref=version.ref)
            async for step in steps:
                self.drain.check()
                last = step
                for damages in _in_rows(step.damages):
                    yield _progress(step, damages)
        finally:
            note("damages", last.damage_count)
            await steps.aclose()
        yield artifact_pb2.VerifyVersionResponse(summary=_verify_summary(last))

    async def CompareVersions(
        self, request: artifact_pb2.CompareVersionsRequest, context: Context
    ) -> AsyncIterator[artifact_pb2.CompareVersionsResponse]:
        before, after, steps = await self.services.comparisons.open(
            request.from_ref, request.to_ref
        )
        note("version", after.ref)
        last = Comparison()
        try:
            yield artifact_pb2.CompareVersionsResponse(from_ref=before.ref, to_ref=after.ref)
            async for step in steps:
                self.drain.check()
                last = step
                for changes in _in_rows(step.changes):
                    yield artifact_pb2.CompareVersionsResponse(
                        changes=map(_change, changes), compared_files=step.compared_files
                    )
        finally:
            await steps.aclose()
        yield artifact_pb2.CompareVersionsResponse(summary=_compare_summary(last))


def _in_rows(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield `items` in parts for one message each; one empty part where there are none."""
    for at in range(0, max(len(items), 1), MAX_ROWS):
        yield items[at : at + MAX_ROWS]


def _progress(
    step: VerificationStep, damages: Sequence[Damage]
) -> artifact_pb2.VerifyVersionResponse:
    return artifact_pb2.VerifyVersionResponse(
        checked_files=step.checked_files,
        checked_bytes=step.checked_bytes,
        damages=map(_damage, damages),
    )


def _damage(damage: Damage) -> artifact_pb2.Damage:
    return artifact_pb2.Damage(
        kind=artifact_pb2.DamageKind.Value(f"DAMAGE_KIND_{damage.kind.name}"),
        path=damage.path,
        last_path=damage.last_path,
        digest=damage.digest,
        offset=damage.offset,
        size_bytes=damage.size_bytes,
    )


def _verify_summary(step: VerificationStep) -> artifact_pb2.VerifySummary:
    return artifact_pb2.VerifySummary(
        intact=not step.damage_count,
        checked_files=step.checked_files,
        checked_bytes=step.checked_bytes,
        checked_chunks=step.checked_chunks,
        reference_count=step.reference_count,
        damage_count=step.damage_count,
        damaged_files=step.damaged_files,
    )


def _change(change: FileChange) -> artifact_pb2.FileChange:
    before, after = change.before, change.after
    return artifact_pb2.FileChange(
        file=messages.file_message(after) if after else None,
        previous_file=messages.file_message(before) if before else None,
    )


def _compare_summary(step: Comparison) -> artifact_pb2.CompareSummary:
    return artifact_pb2.CompareSummary(
        added_count=step.added_count,
        removed_count=step.removed_count,
        changed_count=step.changed_count,
        unchanged_count=step.unchanged_count,
        added_bytes=step.added_bytes,
        removed_bytes=step.removed_bytes,
        changed_bytes=step.changed_bytes,
        unchanged_bytes=step.unchanged_bytes,
        shared_bytes=step.shared_bytes,
        new_bytes=step.new_bytes,
    )
