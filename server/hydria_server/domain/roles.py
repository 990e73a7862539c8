"""What callers may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a caller is to an entity. Without authentication everybody is an ADMIN."""

    ADMIN = "admin"  # may also move protected aliases, and say which are
    MEMBER = "member"
