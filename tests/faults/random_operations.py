"""Operations that a seed chooses: most of them make sense, and some come too late or twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from tests.faults.changes import (
    ANY,
    DeleteCollection,
    DeleteVersion,
    MoveAlias,
    Rename,
    Retype,
)
from tests.faults.contents import (
    ALIASES,
    COLLECTIONS,
    LARGE,
    PATHS,
    REFERENCES,
    SMALL,
    TYPES,
)
from tests.faults.model import DATASET, OPEN, Files, Model
from tests.faults.operations import Abort, Begin, Commit, FileOf, Operation, SendFile, Stage
from tests.faults.random_choices import a_number, a_selector, any_name, some_aliases
from tests.faults.random_registry import (
    create_registry,
    delete_registry,
    link,
    protect,
    rollback,
    unlink,
)
from tests.faults.shortcuts import Copy, PutSmall, Reuse


def begin(source: random.Random, model: Model, client: str) -> Operation:
    # Now and then the request of an upload that was begun before.
    key = f"{client}-{source.randrange(sum(key.startswith(client) for key in model.uploads) + 1)}"
    known = model.uploads.get(key)
    if known is not None:
        return Begin(key, known.collection, known.from_latest, known.type)
    return Begin(key, source.choice(COLLECTIONS), source.random() < 0.3, _type(source))


def stage(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    if key is None:
        return begin(source, model, client)
    seq = model.uploads[key].last_seq(client) + source.choice((1, 1, 1, 1, 0, 2))
    paths = source.sample(PATHS, source.randint(1, 3))
    copies = {paths.pop(): _file(source, model)} if source.random() < 0.3 else {}
    puts = {path: _content_or_reference(source) for path in paths}
    removed = tuple(source.sample(PATHS, source.choice((0, 0, 1, 2))))
    return Stage(key, client, max(seq, 1), puts, removed, copies)


def send_file(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    if key is None:
        return begin(source, model, client)
    return SendFile(key, client, source.choice(PATHS), _content(source))


def commit(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    if key is None:
        return begin(source, model, client)
    return Commit(key, some_aliases(source))


def abort(source: random.Random, model: Model, client: str) -> Operation:
    key = _upload(source, model)
    return begin(source, model, client) if key is None else Abort(key)


def move(source: random.Random, model: Model, _client: str) -> Operation:
    collection = any_name(source)
    alias, number = source.choice(ALIASES), a_number(source, model, collection)
    expected = source.choice((ANY, ANY, None, a_number(source, model, collection)))
    return MoveAlias(collection, alias, number if source.random() < 0.8 else None, expected)


def rename(source: random.Random, _model: Model, _client: str) -> Operation:
    return Rename(source.choice(COLLECTIONS), source.choice(COLLECTIONS))


def retype(source: random.Random, _model: Model, _client: str) -> Operation:
    return Retype(source.choice(COLLECTIONS), source.choice((DATASET, *TYPES)))


def put_small(source: random.Random, model: Model, _client: str) -> Operation:
    """What is put depends on the request id alone: a request that a crash cut short is made again.

    All clients draw from the same ids, so that one request may be made twice at once.
    """
    asked = sum(isinstance(request, PutSmall) for request, _ in model.answers.values())
    key = f"put-{source.choice((source.randint(0, asked), asked, asked + 1, asked + 2))}"
    payload = random.Random(key)
    paths = payload.sample(PATHS, payload.randint(0, 3))
    files = {path: payload.choice(SMALL) for path in paths}
    return PutSmall(key, payload.choice(COLLECTIONS), _type(payload), files, some_aliases(payload))


def copy(source: random.Random, model: Model, client: str) -> Operation:
    known = [request for request, _ in model.answers.values() if isinstance(request, Copy)]
    if known and source.random() < 0.2:
        return source.choice(known)
    key = f"copy-{client}-{source.randint(0, len(known))}" if source.random() < 0.5 else ""
    collection = any_name(source)
    selector = a_selector(source, model, collection)
    type_ = source.choice(("", "", *TYPES))
    aliases = some_aliases(source)
    return Copy(collection, selector, source.choice(COLLECTIONS), type_, aliases, key)


def reuse(source: random.Random, model: Model, _client: str) -> Operation:
    collection = source.choice(COLLECTIONS)
    files = _files(source, model, collection if source.random() < 0.8 else "")
    type_ = source.choice(("", "", *TYPES))
    return Reuse(collection, type_, files, some_aliases(source))


def delete_version(source: random.Random, model: Model, _client: str) -> Operation:
    collection = any_name(source)
    number = a_number(source, model, collection)
    return DeleteVersion(collection, number, source.random() < 0.6, source.random() < 0.5)


def delete_collection(source: random.Random, _model: Model, _client: str) -> Operation:
    return DeleteCollection(any_name(source), source.random() < 0.5)


Maker = Callable[[random.Random, Model, str], Operation]
KINDS: Mapping[str, tuple[Maker, int]] = {
    "begin": (begin, 5),
    "stage": (stage, 6),
    "send file": (send_file, 3),
    "commit": (commit, 6),
    "abort": (abort, 1),
    "move": (move, 3),
    "rename": (rename, 2),
    "retype": (retype, 1),
    "put small": (put_small, 3),
    "copy": (copy, 3),
    "reuse": (reuse, 2),
    "delete version": (delete_version, 2),
    "delete collection": (delete_collection, 1),
    "link": (link, 4),
    "unlink": (unlink, 2),
    "rollback": (rollback, 2),
    "protect": (protect, 1),
    "create registry": (create_registry, 1),
    "delete registry": (delete_registry, 1),
}


def any_operation(source: random.Random, model: Model, client: str) -> Operation:
    """Return one operation of any kind; uploads are more common than deletions."""
    makers, weights = zip(*KINDS.values(), strict=True)
    (maker,) = source.choices(makers, weights)
    made: Operation = maker(source, model, client)
    return made


def some_operations(source: random.Random, model: Model, clients: Sequence[str]) -> list[Operation]:
    """Return one operation of each client; now and then all are of one kind, and get in the way."""
    if source.random() < 0.7:
        return [any_operation(source, model, client) for client in clients]
    maker, _ = source.choice([*KINDS.values()])
    return [maker(source, model, client) for client in clients]


def _upload(source: random.Random, model: Model) -> str | None:
    """Return an upload, an open one mostly."""
    some = [key for key, upload in model.uploads.items() if upload.state == OPEN]
    if not some or source.random() < 0.1:
        some = [*model.uploads]
    return source.choice(some) if some else None


def _file(source: random.Random, model: Model) -> FileOf:
    """Return a file of a version, which mostly is there."""
    collection = source.choice(COLLECTIONS)
    number = a_number(source, model, collection)
    found = model.live(collection, number)
    paths = PATHS if isinstance(found, str) else (*found[0].versions[number], PATHS[0])
    return FileOf(collection, number, source.choice(paths))


def _files(source: random.Random, model: Model, name: str) -> Files:
    """Return the files of a version of that collection, or of any."""
    found = model.find(name)
    known = [*model.collections.values()] if found is None else [model.collections[found]]
    some = [files for collection in known for files in collection.versions.values()]
    return source.choice(some) if some else {}


def _content(source: random.Random) -> str:
    """Return the name of some content, of a large one now and then."""
    return LARGE if source.random() < 0.03 else source.choice(SMALL)


def _content_or_reference(source: random.Random) -> str:
    return source.choice([*REFERENCES]) if source.random() < 0.2 else _content(source)


def _type(source: random.Random) -> str:
    """Return a type, mostly the usual one; now and then none."""
    return source.choice((DATASET, DATASET, DATASET, DATASET, "", TYPES[1]))
