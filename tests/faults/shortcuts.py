"""Versions without an upload that a client knows of: small ones, copies, and content known before.

What came with a request id is answered again in the same words, whatever has become of the version.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.model import NOT_FOUND, Files, Model, Selector

REUSED_ID = "REQUEST_ID_REUSED"


@dataclass(frozen=True, slots=True)
class PutSmall:
    """PutVersion; `key` is its request id."""

    key: str
    collection: str
    type: str
    files: Files
    aliases: tuple[str, ...] = ()

    def on(self, model: Model) -> tuple[Model, str]:
        if self.key in model.answers:
            asked, told = model.answers[self.key]
            return model, told if asked == self else REUSED_ID
        refusal = model.refusal(self.collection, self.type)
        if refusal:  # and the id is free again
            return model, refusal
        after, told = model.published(self.collection, self.type, self.files, self.aliases)
        return after.with_answer(self.key, self, told), told


@dataclass(frozen=True, slots=True)
class Copy:
    """CopyVersion; `key` is its request id, the empty text if it has none."""

    source: str
    selector: Selector
    collection: str
    type: str = ""
    aliases: tuple[str, ...] = ()
    key: str = ""

    def on(self, model: Model) -> tuple[Model, str]:
        if self.key in model.answers:
            asked, told = model.answers[self.key]
            return model, told if asked == self else REUSED_ID
        found = model.live(self.source, self.selector)
        if isinstance(found, str):
            return model, found
        source, number = found
        # A new collection takes the type of the source, one that is there keeps its own.
        type_ = self.type if self.collection in model.names else self.type or source.type
        refusal = model.refusal(self.collection, type_)
        if refusal:
            return model, refusal
        files = source.versions[number]
        after, told = model.published(self.collection, type_, files, self.aliases)
        return after.with_answer(self.key, self, told), told


@dataclass(frozen=True, slots=True)
class Reuse:
    """ReuseVersion, by the digest that a version of `files` has."""

    collection: str
    type: str
    files: Files
    aliases: tuple[str, ...] = ()

    def on(self, model: Model) -> tuple[Model, str]:
        found = model.names.get(self.collection)  # a name given up by a rename is free again
        if found is None or self.files not in model.collections[found].versions.values():
            return model, NOT_FOUND
        refusal = model.refusal(self.collection, self.type)
        if refusal:
            return model, refusal
        return model.published(self.collection, self.type, self.files, self.aliases)
