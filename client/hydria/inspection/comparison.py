"""What differs between two versions, by their server."""

from __future__ import annotations

from contextlib import aclosing

from hydria import messages
from hydria.connection import Connection
from hydria.errors import ReceivedDataError
from hydria.inspection.records import ChangedFile, DiffResult, DiffTotals
from hydria.paths import check_path
from hydria.records import File
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb


class Comparison:
    """Takes the answer of one comparison apart, and checks what it promises."""

    def __init__(self) -> None:
        self._added: list[File] = []
        self._removed: list[File] = []
        self._changed: list[ChangedFile] = []
        self._last = b""
        self._from_ref = self._to_ref = ""

    def take(self, response: pb.CompareVersionsResponse) -> None:
        """Take the next part.

        Raises:
            ReceivedDataError: a path is out of order, or nothing is said of it.
            PathInvalidError: a path is none.
        """
        self._from_ref = self._from_ref or response.from_ref
        self._to_ref = self._to_ref or response.to_ref
        for change in response.changes:
            self._take(change)

    def _take(self, change: pb.FileChange) -> None:
        path = change.file.path or change.previous_file.path
        check_path(path)
        if path.encode() <= self._last:
            raise ReceivedDataError(f"the list of differences is not in order at {path!r}")
        self._last = path.encode()
        file, previous = messages.file_of(change.file), messages.file_of(change.previous_file)
        if not change.HasField("previous_file"):
            self._added.append(file)
        elif not change.HasField("file"):
            self._removed.append(previous)
        elif file.path == previous.path:
            self._changed.append(ChangedFile(file=file, previous=previous))
        else:
            raise ReceivedDataError(f"{path!r} is compared with {previous.path!r}")

    def result(self, summary: pb.CompareSummary) -> DiffResult:
        """Return all of it.

        Raises:
            ReceivedDataError: parts of it did not come.
        """
        totals = _totals_of(summary)
        counted = (totals.added_count, totals.removed_count, totals.changed_count)
        if counted != (len(self._added), len(self._removed), len(self._changed)):
            raise ReceivedDataError("the list of differences does not match its own totals")
        return DiffResult(
            from_ref=self._from_ref,
            to_ref=self._to_ref,
            added=tuple(self._added),
            removed=tuple(self._removed),
            changed=tuple(self._changed),
            totals=totals,
        )


async def compare(
    connection: Connection, from_ref: str, to_ref: str, *, retry_seconds: float
) -> DiffResult:
    """Return what differs between two versions; ask again from the start when the line breaks.

    Raises:
        ReceivedDataError: the server contradicts itself, or did not come to an end.
        HydriaError: what else the server or the transport says.
    """

    async def once() -> DiffResult:
        request = pb.CompareVersionsRequest(from_ref=from_ref, to_ref=to_ref)
        stream = connection.stream(
            connection.stub.CompareVersions, request, stall_seconds=retry_seconds
        )
        comparison = Comparison()
        async with aclosing(stream) as responses:
            async for response in responses:
                comparison.take(response)
                if response.HasField("summary"):
                    return comparison.result(response.summary)
        raise ReceivedDataError("the comparison did not come to its end")

    return await Patience(retry_seconds).run(once)


def _totals_of(summary: pb.CompareSummary) -> DiffTotals:
    return DiffTotals(
        added_count=summary.added_count,
        removed_count=summary.removed_count,
        changed_count=summary.changed_count,
        unchanged_count=summary.unchanged_count,
        added_bytes=summary.added_bytes,
        removed_bytes=summary.removed_bytes,
        changed_bytes=summary.changed_bytes,
        unchanged_bytes=summary.unchanged_bytes,
        shared_bytes=summary.shared_bytes,
        new_bytes=summary.new_bytes,
    )
