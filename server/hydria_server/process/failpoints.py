"""Points where a fault test ends the process, as a power cut would."""

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
