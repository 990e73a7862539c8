"""The rules for names: what an entity, project, collection, type, alias or tag may be called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from hydria_server.domain.errors import FieldViolationError, NameInvalidError, NameReservedError
from hydria_server.domain.records import LATEST

MAX_NAME_CHARACTERS = 128
MAX_TAGS = 100
MAX_ALIASES = 100
_FORBIDDEN = frozenset("/\\:@#?%")
# Control, format (bidirectional marks among them), surrogate, line and paragraph separators.
_FORBIDDEN_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
# Most names are these, and legal: to look at each character of others takes ten times as long.
_PLAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. -]{0,126}[A-Za-z0-9_.-])?")
_VERSION_NUMBER = re.compile(r"v[0-9]+")
_CANONICAL_VERSION = re.compile(r"v(0|[1-9][0-9]{0,17})")
MODEL_REGISTRY = "model-registry"  # every entity has one
_REGISTRY_PREFIX = "registry-"
_RESERVED_PROJECT = re.compile(r"model-registry|(wandb-)?registry-.*", re.DOTALL)


def require_name(text: str, *, field: str) -> str:
    """Return `text` when it is a legal name.

    Raises:
        NameInvalidError: it is not; the message says which rule it breaks.
    """
    if _PLAIN.fullmatch(text):
        return text
    problem = _problem(text)
    if problem:
        raise NameInvalidError(field, f"{text[:80]!r} {problem}")
    return text


def _problem(text: str) -> str:
    if not text:
        return "is empty"
    if len(text) > MAX_NAME_CHARACTERS:
        return f"has {len(text)} characters, more than {MAX_NAME_CHARACTERS}"
    if text in (".", ".."):
        return "is not a name"
    if text[0] == "-" or text[0].isspace() or text[-1].isspace():
        return "begins with a space or '-', or ends with a space"
    if not _FORBIDDEN.isdisjoint(text):
        return r"has one of / \ : @ # ? %"
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in text):
        return "has a control or format character"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode NFC"
    return ""


def require_project_name(text: str, *, field: str) -> str:
    """Return `text` when it may name a project that holds sequences.

    Raises:
        NameInvalidError: it breaks the rules for names.
        NameReservedError: it is a registry's.
    """
    require_name(text, field=field)
    if _RESERVED_PROJECT.fullmatch(text):
        raise NameReservedError(field, f"{text[:80]!r} names a registry; versions are linked there")
    return text


def canonical_project(text: str) -> str:
    """Return the name under which a project or registry is kept: `wandb-registry-R` as well."""
    bare = text.removeprefix("wandb-")
    return bare if bare.startswith(_REGISTRY_PREFIX) else text


def require_registry_name(text: str, *, field: str) -> str:
    """Return the name under which a registry is kept: `model-registry` or `registry-R`.

    Raises:
        NameInvalidError: it breaks the rules for names, or is not the name of a registry.
    """
    name = canonical_project(require_name(text, field=field))
    if name != MODEL_REGISTRY and not (
        name.startswith(_REGISTRY_PREFIX) and not _problem(name.removeprefix(_REGISTRY_PREFIX))
    ):
        raise NameInvalidError(
            field, f"{text[:80]!r} is no registry's name; write model-registry or registry-NAME"
        )
    return name


def require_alias(text: str, *, field: str, latest_allowed: bool) -> str:
    """Return `text` when it may be set as an alias.

    Raises:
        NameInvalidError: it breaks the rules for names.
        NameReservedError: it is `vN`, or `latest` where that is kept by the server alone.
    """
    require_name(text, field=field)
    if _VERSION_NUMBER.fullmatch(text):
        raise NameReservedError(field, f"{text!r} names a version and cannot be an alias")
    if text == LATEST and not latest_allowed:
        raise NameReservedError(field, "'latest' is kept by the server and cannot be changed")
    return text


def require_aliases(texts: Iterable[str], *, field: str) -> tuple[str, ...]:
    """Return the distinct aliases of a commit, sorted, without `latest`, which is implied.

    Raises:
        NameInvalidError, NameReservedError: one of them is not legal.
        FieldViolationError: there are more than 100.
    """
    aliases = {require_alias(text, field=field, latest_allowed=True) for text in texts}
    return _bounded(aliases - {LATEST}, MAX_ALIASES, field=field)


def require_tags(texts: Iterable[str], *, field: str) -> tuple[str, ...]:
    """Return the distinct tags, sorted.

    Raises:
        NameInvalidError: one of them is not legal.
        FieldViolationError: there are more than 100.
    """
    return _bounded({require_name(text, field=field) for text in texts}, MAX_TAGS, field=field)


def _bounded(names: set[str], limit: int, *, field: str) -> tuple[str, ...]:
    if len(names) > limit:
        raise FieldViolationError(field, f"{len(names)} are more than {limit}")
    return tuple(sorted(names))


def parse_version_number(text: str) -> int | None:
    """Return N of a canonical `vN`, or None for anything else."""
    return int(text[1:]) if _CANONICAL_VERSION.fullmatch(text) else None


def looks_like_version(text: str) -> bool:
    """Tell whether `text` is `v` and digits, canonical (`v7`) or not (`v07`)."""
    return _VERSION_NUMBER.fullmatch(text) is not None


def require_version_number(text: str, *, field: str) -> int:
    """Return N of `vN`.

    Raises:
        FieldViolationError: it is not a canonical `vN`.
    """
    number = parse_version_number(text)
    if number is None:
        raise FieldViolationError(field, f"{text[:80]!r} is not a version such as v3")
    return number
