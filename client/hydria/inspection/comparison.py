"""What differs between two versions, by their server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from hydria import messages
from hydria.connection import Connection
from hydria.errors import ReceivedDataError, ServerUnavailableError, StreamStalledError
from hydria.inspection.records import ChangedFile, DiffResult, DiffTotals, FileChange
from hydria.paths import check_path
from hydria.progress import ProgressMeter
from hydria.records import File, Phase
from hydria.retry import Patience
from hydria.v1 import artifact_pb2 as pb

TakeChange = Callable[[FileChange], None]


class Changes:
    """Keeps differences for a result."""

    def __init__(self) -> None:
        self.added: list[File] = []
        self.removed: list[File] = []
        self.changed: list[ChangedFile] = []

    def take(self, change: FileChange) -> None:
        """Sort a difference in."""
        if change.previous is None:
            assert change.file is not None
            self.added.append(change.file)
        elif change.file is None:
            self.removed.append(change.previous)
        else:
            self.changed.append(ChangedFile(file=change.file, previous=change.previous))


class Comparison:
    """Takes the answers of one comparison apart, and checks what they promise.

    When the line breaks another answer begins, with what was taken already: versions do not change.
    """

    def __init__(self, from_ref: str, to_ref: str, take: TakeChange) -> None:
        """Take the refs to ask for, and what gets each difference, once and by path."""
        self.from_ref = from_ref
        self.to_ref = to_ref
        self._take_change = take
        self._taken = self._last = b""
        self._counts = [0, 0, 0]

    @property
    def request(self) -> pb.CompareVersionsRequest:
        """What to ask. Once the server has said which versions the refs mean, it stays at these."""
        return pb.CompareVersionsRequest(from_ref=self.from_ref, to_ref=self.to_ref)

    @property
    def taken_count(self) -> int:
        """How many differences there were so far."""
        return sum(self._counts)

    def begin(self) -> None:
        """Begin with an answer."""
        self._last = b""

    def take(self, response: pb.CompareVersionsResponse) -> None:
        """Take the next part.

        Raises:
            ReceivedDataError: a path is out of order, or nothing is said of it.
            PathInvalidError: a path is none.
        """
        self.from_ref = response.from_ref or self.from_ref
        self.to_ref = response.to_ref or self.to_ref
        for change in response.changes:
            self._take(change)

    def _take(self, change: pb.FileChange) -> None:
        is_added, is_removed = not change.HasField("previous_file"), not change.HasField("file")
        path = change.previous_file.path if is_removed else change.file.path
        check_path(path)
        last = path.encode()
        if last <= self._last:
            raise ReceivedDataError(f"the list of differences is not in order at {path!r}")
        self._last = last
        if not (is_added or is_removed) and change.previous_file.path != path:
            raise ReceivedDataError(f"{path!r} is compared with {change.previous_file.path!r}")
        if last <= self._taken:
            return
        self._taken = last
        self._counts[0 if is_added else 1 if is_removed else 2] += 1
        self._take_change(
            FileChange(
                file=None if is_removed else messages.file_of(change.file),
                previous=None if is_added else messages.file_of(change.previous_file),
            )
        )

    def totals(self, summary: pb.CompareSummary) -> DiffTotals:
        """Return the totals.

        Raises:
            ReceivedDataError: parts of the comparison did not come.
        """
        totals = _totals_of(summary)
        if [totals.added_count, totals.removed_count, totals.changed_count] != self._counts:
            raise ReceivedDataError("the list of differences does not match its own totals")
        return totals


async def compare(
    connection: Connection,
    from_ref: str,
    to_ref: str,
    *,
    take: TakeChange | None,
    meter: ProgressMeter,
    retry_seconds: float,
) -> DiffResult:
    """Return what differs between two versions, or have `take` get each difference instead.

    Raises:
        ReceivedDataError: the server contradicts itself, or did not come to an end.
        HydriaError: what else the server or the transport says.
        Exception: what `take` raises.
    """
    kept = Changes()
    comparison = Comparison(from_ref, to_ref, take or kept.take)
    patience = Patience(retry_seconds)
    while True:
        begun_with = comparison.taken_count
        try:
            totals = await _once(connection, comparison, meter, patience)
            break
        except (ServerUnavailableError, StreamStalledError) as error:
            has_moved = comparison.taken_count > begun_with
            await patience.wait_after_stream(error, has_moved=has_moved)
    meter.enter(Phase.DONE)
    return DiffResult(
        from_ref=comparison.from_ref,
        to_ref=comparison.to_ref,
        added=tuple(kept.added),
        removed=tuple(kept.removed),
        changed=tuple(kept.changed),
        totals=totals,
    )


async def _once(
    connection: Connection, comparison: Comparison, meter: ProgressMeter, patience: Patience
) -> DiffTotals:
    stream = connection.stream(
        connection.stub.CompareVersions, comparison.request, stall_seconds=patience.limit_seconds
    )
    comparison.begin()
    async with aclosing(stream) as responses:
        async for response in responses:
            comparison.take(response)
            if response.HasField("summary"):
                return comparison.totals(response.summary)
            meter.add(files_done=max(response.compared_files - meter.progress.files_done, 0))
    raise ReceivedDataError("the comparison did not come to its end")


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
