"""How a client behaves, beyond what it is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOptions:
    """Numbers for uploads and downloads. The defaults suit a machine that does other things too."""

    retry_seconds: float = 300.0
    """How long to keep trying while the server is unavailable and nothing moves."""
    stream_count: int = 1
    """How many streams an upload sends chunks on, 1 to 4. More help on long lines only."""
    unacked_bytes_max: int = 32 * MIB
    """How much an upload may have sent that is not durable yet. With what is being read, a client
    holds about 24 MiB more than this."""

    def __post_init__(self) -> None:
        if not 1 <= self.stream_count <= 4:
            raise ValueError(f"stream_count is 1 to 4, not {self.stream_count}")
