"""What the checker says of links, aliases and events: one story, told three times (I7, I8)."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterator

VERSION_COMMITTED = 1

Alias = tuple[int, str]
"""The id of a collection, and the name of an alias of it."""

Interval = tuple[int, str, int, int | None, int]
"""A collection, an alias, from when, until when, the version."""


def links_problems(db: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong with links: a live one has a live source, and says what that says."""
    for link_id, state, source_state, source_source, is_same, type_, source_type in db.execute(
        "SELECT link.id, link.state, source.state, source.source_version_id,"
        " (link.digest, link.file_count, link.size_bytes, link.revision)"
        " = (source.digest, source.file_count, source.size_bytes, source.revision),"
        " portfolio.type, sequence.type FROM version AS link"
        " LEFT JOIN version AS source ON source.id = link.source_version_id"
        " LEFT JOIN collection AS portfolio ON portfolio.id = link.collection_id"
        " LEFT JOIN collection AS sequence ON sequence.id = source.collection_id"
        " WHERE link.source_version_id IS NOT NULL"
    ):
        if source_state is None or source_source is not None:
            yield f"link {link_id} has no source, or one that is a link"
        elif state == VERSION_COMMITTED and source_state != VERSION_COMMITTED:
            yield f"link {link_id} is live and its source is not"
        elif state == VERSION_COMMITTED and not (is_same and type_ == source_type):
            yield f"link {link_id} says something else than its source"
    for source_id, collection_id in db.execute(
        "SELECT source_version_id, collection_id FROM version"
        " WHERE state = ? AND source_version_id IS NOT NULL"
        " GROUP BY source_version_id, collection_id HAVING count(*) > 1",
        (VERSION_COMMITTED,),
    ):
        yield f"version {source_id} is linked twice in collection {collection_id}"
    for (version_id,) in db.execute(
        "SELECT version.id FROM version JOIN collection ON collection.id = collection_id"
        " WHERE (collection.kind = 2) != (source_version_id IS NOT NULL)"
    ):
        yield f"version {version_id} is a link outside of registries, or none in one"


def alias_problems(db: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong with where aliases point and pointed."""
    now = _pointers(db, "SELECT collection_id, name, version_id FROM alias")
    wrong = db.execute(
        "SELECT alias.collection_id, name FROM alias LEFT JOIN version"
        " ON version.id = version_id AND version.collection_id = alias.collection_id"
        " AND version.state = ? WHERE version.id IS NULL",
        (VERSION_COMMITTED,),
    )
    for collection_id, name in wrong:
        yield f"I7: {name} of collection {collection_id} points to no live version of it"
    holders = db.execute(
        "SELECT DISTINCT collection_id FROM version WHERE state = ?", (VERSION_COMMITTED,)
    )
    for (collection_id,) in holders:
        if (collection_id, "latest") not in now:
            yield f"I7: collection {collection_id} has versions and no latest"
    open_intervals = _pointers(
        db, "SELECT collection_id, alias, version_id FROM alias_interval WHERE to_time_us IS NULL"
    )
    if open_intervals != now:
        yield "I8: the open intervals are not where the aliases point"
    intervals = _intervals(db)
    for first, second in itertools.pairwise(intervals):
        if first[:2] == second[:2] and (first[3] is None or first[3] > second[2]):
            yield f"I8: intervals of {first[1]} of collection {first[0]} overlap"
    for _, alias, begin, end, _ in intervals:
        if end is not None and end <= begin:
            yield f"I8: an interval of {alias} ends before it begins"


def _pointers(db: sqlite3.Connection, query: str) -> dict[Alias, int]:
    return {(collection, alias): version for collection, alias, version in db.execute(query)}


def _intervals(db: sqlite3.Connection) -> list[Interval]:
    return db.execute(
        "SELECT collection_id, alias, from_time_us, to_time_us, version_id FROM alias_interval"
        " ORDER BY collection_id, alias, from_time_us"
    ).fetchall()


def event_problems(db: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong with the events of each entity, and with what they tell of aliases."""
    moves: list[tuple[int, Alias, int | None]] = []
    versions: Counter[int] = Counter()
    for entity_id, last_seq, last_time in db.execute(
        "SELECT id, last_event_seq, last_event_time_us FROM entity"
    ):
        events = db.execute(
            "SELECT seq, time_us, type, collection_id, version_id,"
            " json_extract(data_json, '$.alias') FROM event WHERE entity_id = ? ORDER BY seq",
            (entity_id,),
        ).fetchall()
        if [event[0] for event in events] != list(range(1, last_seq + 1)):
            yield f"I8: the events of entity {entity_id} have a gap"
        times = [event[1] for event in events]
        if times != sorted(times) or (times and times[-1] > last_time):
            yield f"I8: time runs backwards in the events of entity {entity_id}"
        for _, time_us, kind, collection_id, version_id, alias in events:
            versions[version_id] += kind in ("version_committed", "version_linked")
            if kind in ("alias_set", "alias_removed"):
                target = version_id if kind == "alias_set" else None
                moves.append((time_us, (collection_id, alias), target))
    if sorted(_told(moves), key=lambda one: one[:3]) != _intervals(db):
        yield "I8: the events tell another story than the aliases"
    for (version_id,) in db.execute("SELECT id FROM version"):
        if versions[version_id] != 1:
            yield f"I8: version {version_id} has {versions[version_id]} commit events"


def _told(moves: list[tuple[int, Alias, int | None]]) -> Iterator[Interval]:
    """Yield the intervals that events tell of: of several at one time the last one stands."""
    last = {(alias, time_us): target for time_us, alias, target in moves}
    open_: dict[Alias, tuple[int, int]] = {}
    for (alias, time_us), target in last.items():
        since, holder = open_.get(alias, (0, None))
        if target == holder:
            continue
        if holder is not None:
            del open_[alias]
            yield (*alias, since, time_us, holder)
        if target is not None:
            open_[alias] = (time_us, target)
    for alias, (since, holder) in open_.items():
        yield (*alias, since, None, holder)
