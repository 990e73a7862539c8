"""What can go wrong with runs and lineage, by name."""

from __future__ import annotations

from hydria.errors import FailedPreconditionError


class RunNotRunningError(FailedPreconditionError):
    """The run was finished; `details["state"]` says how. Resume it to go on."""

    reason = "RUN_NOT_RUNNING"


class RunTakenOverError(FailedPreconditionError):
    """Another process has resumed the run, and this one must leave it alone."""

    reason = "RUN_TAKEN_OVER"


class LineageCycleError(FailedPreconditionError):
    """A version would be derived from itself, by whatever number of steps."""

    reason = "LINEAGE_CYCLE"
