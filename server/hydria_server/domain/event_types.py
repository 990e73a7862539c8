"""What events can be about, and what they can say."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """What happened. The names are part of the contract."""

    PROJECT_CREATED = "project_created"
    COLLECTION_CREATED = "collection_created"
    COLLECTION_UPDATED = "collection_updated"
    COLLECTION_RENAMED = "collection_renamed"
    COLLECTION_RETYPED = "collection_retyped"
    COLLECTION_DELETED = "collection_deleted"
    VERSION_COMMITTED = "version_committed"
    VERSION_REUSED = "version_reused"
    VERSION_UPDATED = "version_updated"
    VERSION_DELETED = "version_deleted"
    ALIAS_SET = "alias_set"
    ALIAS_REMOVED = "alias_removed"
    REGISTRY_CREATED = "registry_created"
    REGISTRY_UPDATED = "registry_updated"
    REGISTRY_RENAMED = "registry_renamed"
    REGISTRY_DELETED = "registry_deleted"
    VERSION_LINKED = "version_linked"
    VERSION_UNLINKED = "version_unlinked"
    PROTECTION_CHANGED = "protection_changed"
    RUN_CREATED = "run_created"
    RUN_RESUMED = "run_resumed"
    RUN_UPDATED = "run_updated"
    RUN_FINISHED = "run_finished"  # in whatever state; also by silence
    VERSION_USED = "version_used"
    VERSION_LOGGED = "version_logged"  # after its commit; at commit, that event names the run
    VERSION_DERIVED = "version_derived"


Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
