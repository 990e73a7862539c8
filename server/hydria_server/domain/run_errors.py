"""What Hydria refuses about runs and lineage."""

from __future__ import annotations

from hydria_server.domain.errors import FailedPreconditionError


class RunNotRunningError(FailedPreconditionError):
    """The run was finished; resume it to go on."""

    reason = "RUN_NOT_RUNNING"


class RunTakenOverError(FailedPreconditionError):
    """Another process has resumed the run."""

    reason = "RUN_TAKEN_OVER"


class LineageCycleError(FailedPreconditionError):
    """A version would be derived from itself."""

    reason = "LINEAGE_CYCLE"
