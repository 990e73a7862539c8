"""Verification of the stored bytes of a version, by its server."""

from __future__ import annotations

import time
from contextlib import aclosing

from hydria.connection import Connection
from hydria.digests import format_digest
from hydria.errors import ReceivedDataError
from hydria.inspection.records import Damage, DamageKind, VerifyResult
from hydria.progress import ProgressCallback, ProgressMeter
from hydria.records import Phase, Version
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb

DAMAGES_KEPT = 100_000

_KINDS = {
    pb.DAMAGE_KIND_CHUNK: DamageKind.CHUNK,
    pb.DAMAGE_KIND_RECIPE: DamageKind.RECIPE,
    pb.DAMAGE_KIND_FILE: DamageKind.FILE,
    pb.DAMAGE_KIND_MANIFEST: DamageKind.MANIFEST,
    pb.DAMAGE_KIND_VERSION: DamageKind.VERSION,
}


class StoredBytes:
    """Asks a server to read a version again."""

    def __init__(self, connection: Connection, *, retry_seconds: float) -> None:
        self._connection = connection
        self._retry_seconds = retry_seconds

    async def verify(self, version: Version, progress: ProgressCallback | None) -> VerifyResult:
        """Return what the server found; it begins again when the line breaks.

        Raises:
            ReceivedDataError: the server contradicts itself, or did not come to an end.
            HydriaError: what else the server or the transport says.
        """
        patience = Patience(self._retry_seconds)
        return await patience.run(lambda: self._verify(version, progress))

    async def _verify(self, version: Version, progress: ProgressCallback | None) -> VerifyResult:
        begun_at = time.monotonic()
        meter = ProgressMeter(progress, phase=Phase.VERIFY)
        meter.set_totals(version.file_count, version.size_bytes)
        stream = self._connection.stream(
            self._connection.stub.VerifyVersion,
            pb.VerifyVersionRequest(ref=version.ref),
            stall_seconds=self._retry_seconds,
        )
        damages: list[Damage] = []
        async with aclosing(stream) as responses:
            async for response in responses:
                if response.HasField("summary"):
                    meter.enter(Phase.DONE)
                    return _result(version, response.summary, damages, begun_at)
                found = response.damages[: DAMAGES_KEPT - len(damages)]
                damages.extend(map(_damage_of, found))
                now = meter.progress
                meter.add(
                    files_done=max(response.checked_files - now.files_done, 0),
                    bytes_done=max(response.checked_bytes - now.bytes_done, 0),
                )
        raise ReceivedDataError(f"the verification of {version.ref} did not come to its end")


def _result(
    version: Version, summary: pb.VerifySummary, damages: list[Damage], begun_at: float
) -> VerifyResult:
    if summary.intact == bool(summary.damage_count) or summary.damage_count < len(damages):
        raise ReceivedDataError(f"what the server says of {version.ref} contradicts itself")
    return VerifyResult(
        ref=version.ref,
        root=None,
        file_count=summary.checked_files,
        size_bytes=summary.checked_bytes,
        reference_count=summary.reference_count,
        damage_count=summary.damage_count,
        damages=tuple(damages),
        seconds=time.monotonic() - begun_at,
    )


def _damage_of(message: pb.Damage) -> Damage:
    return Damage(
        kind=_KINDS.get(message.kind, DamageKind.OTHER),
        path=message.path,
        last_path=message.last_path,
        digest=format_digest(message.digest),
        offset=message.offset,
        size_bytes=message.size_bytes,
    )
