"""Operations that a seed chooses: most of them make sense, and some come too late or twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from tests.faults.model import OPEN, Model
from tests.faults.operations import (
    ALIASES,
    ANY,
    COLLECTIONS,
    CONTENTS,
    LARGE,
    PATHS,
    Abort,
    Begin,
    Commit,
    DeleteCollection,
    DeleteVersion,
    MoveAlias,
    Operation,
    Rename,
    SendFile,
    Stage,
)


def begin(source: random.Random, model: Model, client: str) -> Operation:
    # Now and then the request of an upload that was begun before.
    key = f"{client}-{source.randrange(sum(key.startswith(client) for key in model.uploads) + 1)}"
    known = model.uploads.get(key)
    if known is not None:
        return Begin(key, known.collection, known.from_latest)
    return Begin(key, source.choice(COLLECTIONS), source.random() < 0.3)


def stage(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    if key is None:
        return begin(source, model, client)
    seq = model.uploads[key].last_seq(client) + source.choice((1, 1, 1, 1, 0, 2))
    puts = {path: _content(source) for path in source.sample(PATHS, source.randint(1, 3))}
    removed = tuple(source.sample(PATHS, source.choice((0, 0, 1, 2))))
    return Stage(key, client, max(seq, 1), puts, removed)


def send_file(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    if key is None:
        return begin(source, model, client)
    return SendFile(key, client, source.choice(PATHS), _content(source))


def commit(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    if key is None:
        return begin(source, model, client)
    return Commit(key, tuple(sorted(source.sample(ALIASES, source.randint(0, 2)))))


def abort(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    return begin(source, model, client) if key is None else Abort(key)


def move(source: random.Random, model: Model, _client: str) -> Operation:
    collection = source.choice(COLLECTIONS)
    alias, number = source.choice(ALIASES), _number(source, model, collection)
    expected = source.choice((ANY, ANY, None, _number(source, model, collection)))
    return MoveAlias(collection, alias, number if source.random() < 0.8 else None, expected)


def rename(source: random.Random, _model: Model, _client: str) -> Operation:
    return Rename(source.choice(COLLECTIONS), source.choice(COLLECTIONS))


def delete_version(source: random.Random, model: Model, _client: str) -> Operation:
    collection = source.choice(COLLECTIONS)
    number = _number(source, model, collection)
    return DeleteVersion(collection, number, source.random() < 0.6)


def delete_collection(source: random.Random, _model: Model, _client: str) -> Operation:
    return DeleteCollection(source.choice(COLLECTIONS))


Maker = Callable[[random.Random, Model, str], Operation]
KINDS: Mapping[str, tuple[Maker, int]] = {
    "begin": (begin, 5),
    "stage": (stage, 6),
    "send file": (send_file, 3),
    "commit": (commit, 6),
    "abort": (abort, 1),
    "move": (move, 3),
    "rename": (rename, 2),
    "delete version": (delete_version, 2),
    "delete collection": (delete_collection, 1),
}


def any_operation(source: random.Random, model: Model, client: str) -> Operation:
    """Return one operation of any kind; uploads are more common than deletions."""
    makers, weights = zip(*KINDS.values(), strict=True)
    (maker,) = source.choices(makers, weights)
    made: Operation = maker(source, model, client)
    return made


def _upload(source: random.Random, model: Model) -> str | None:
    """Return an upload, an open one mostly."""
    some = [key for key, upload in model.uploads.items() if upload.state == OPEN]
    if not some or source.random() < 0.1:
        some = [*model.uploads]
    return source.choice(some) if some else None


def _number(source: random.Random, model: Model, collection: str) -> int:
    """Return the number of a version, which mostly is there."""
    found = model.find(collection)
    if found is None:
        return 0
    known = model.collections[found]
    return source.choice([*known.versions, source.randint(0, known.next_number)])


def _content(source: random.Random) -> str:
    """Return the name of some content, of a large one now and then."""
    small = [name for name in CONTENTS if name != LARGE]
    return LARGE if source.random() < 0.03 else source.choice(small)
