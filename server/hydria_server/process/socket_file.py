"""Whether somebody answers at a Unix socket already."""

from __future__ import annotations

import socket


def is_taken(path: str) -> bool:
    """Tell whether the socket at `path` is another program's; one that nobody serves is not.

    gRPC replaces the file of any socket that it binds, also one that is being served, whose server
    would then be reached by nobody.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:  # it is too busy to answer, or not ours to ask
            return True
    return True
