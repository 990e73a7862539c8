"""What a follower has to say, on its way to whoever wants to hear it."""

from __future__ import annotations

from hydria.following.records import FollowNotice, NoticeKind, OnNotice, ServedVersion


class Notices:
    """Makes notices for a callback, if there is one."""

    def __init__(self, on_notice: OnNotice | None) -> None:
        self._on_notice = on_notice

    def say(
        self,
        kind: NoticeKind,
        version_ref: str,
        current: ServedVersion | None = None,
        *,
        message: str = "",
        seconds: float = 0.0,
        received_bytes: int = 0,
    ) -> None:
        """Say one thing; `current` is what is in place, if it is about that."""
        if self._on_notice is None:
            return
        self._on_notice(
            FollowNotice(
                kind=kind,
                version_ref=version_ref,
                path=current.path if current else None,
                message=message,
                seconds=seconds,
                received_bytes=received_bytes,
            )
        )
