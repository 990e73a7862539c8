"""The values of histories. They are frozen, and know no protobuf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the ordered history of an entity. Names are as they were then."""

    event_id: str
    """Opaque and unique: tells repetitions."""
    type: str
    """What happened: `alias_set`, `version_committed`, ...; newer servers know more."""
    time: datetime
    actor: str
    entity: str
    project: str
    """The project or registry, if it is about one."""
    collection: str
    version_ref: str
    """The version, if it is about one: for an alias that was set, where it points."""
    alias: str
    previous_version: str
    """Where the alias pointed before, `vN`; empty when it did not exist."""
    data_json: str
    """What else is known, old and new, as a JSON object."""
    token: bytes = b""
    """Where a watch goes on after this; empty in lists."""

    @property
    def data(self) -> Mapping[str, object]:
        """What else is known, parsed."""
        return cast("Mapping[str, object]", json.loads(self.data_json or "{}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasHolder:
    """Where an alias pointed at the moment of a snapshot."""

    entity: str
    project: str
    collection: str
    type: str
    alias: str
    version_ref: str
    digest: str
    """`blake3:<hex>` of the version."""
    from_time: datetime
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasSnapshot:
    """Where all selected aliases pointed at one moment; the events after it follow."""

    holders: tuple[AliasHolder, ...]
    token: bytes
    """Where a watch goes on after this."""
