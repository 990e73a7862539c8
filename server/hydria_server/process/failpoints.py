"""Points where a fault test ends the process, as a power cut would.

Between two of them nothing happens that could outlive the process:

    packs.after_create  packs.before_write  packs.after_write  packs.after_sync
    packs.before_seal  packs.after_seal
    disk.after_pwritev  disk.after_fdatasync  disk.after_fsync  disk.after_rename
    metadata.before_commit  metadata.after_commit

and the last two again for each transaction, by the function that makes it:
`metadata.before_commit@Staging.stage`, `metadata.after_commit@Versions.delete`, and so on.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def failpoint_from(text: str) -> Callable[[str], None]:
    """Return what ends the process when it is told the step that `text` names.

    `STEP` means the first time the step is reached, `STEP:N` the N-th; the empty text never.

    Raises:
        ValueError: N is not a positive number.
    """
    step, _, times = text.partition(":")
    remaining = int(times or 1)
    if remaining < 1:
        raise ValueError("the number of times is not positive")

    def reached(name: str) -> None:
        nonlocal remaining
        if name != step:
            return
        remaining -= 1
        if remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
