"""Refs and names at random: what the client passes on, the server reads or refuses by its field."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hydria.errors import RefInvalidError
from hydria.refs import Defaults
from hydria_server.domain.errors import FieldViolationError
from hydria_server.domain.names import require_alias, require_project_name
from hydria_server.domain.refs import ByAlias, VersionRef, parse_ref
from tests.fuzz.mutations import mutated

VALID = st.sampled_from(
    [
        "team/birds/calls",
        "team/birds/calls of tits:latest",
        "birds/calls:v12",
        "calls:best so far",
        f"team/birds/calls@blake3:{'0123456789abcdef' * 4}",
        "team/registry-x/é:v1.0",
    ]
)
TEXTS = mutated(VALID.map(str.encode)).map(lambda raw: raw.decode(errors="replace")) | st.text(
    alphabet="ab/:@v01 -.é\0\u0301", max_size=40
)


@given(TEXTS)
def test_what_the_client_makes_of_a_ref_the_server_reads_or_refuses(text: str) -> None:
    try:
        full = Defaults("team", "birds").ref(text)
    except RefInvalidError:
        return
    assert Defaults("x", "y").ref(full) == full
    try:
        parsed = parse_ref(full, field="ref")
    except FieldViolationError as error:
        refusal = error
    else:
        _require_same(full, parsed)
        return
    assert refusal.details["field"] == "ref"
    assert len(refusal.message.encode()) < 2000


def _require_same(full: str, parsed: VersionRef) -> None:
    assert full.startswith(str(parsed.name))
    if isinstance(parsed.selector, ByAlias):
        again = parse_ref(f"{parsed.name}:{parsed.selector.alias}", field="ref")
        assert again == parsed


@given(TEXTS, st.booleans())
def test_any_name_is_taken_as_it_is_or_refused_by_its_field(text: str, is_alias: bool) -> None:
    try:
        if is_alias:
            assert require_alias(text, field="f", latest_allowed=True) == text
        else:
            assert require_project_name(text, field="f") == text
    except FieldViolationError as error:
        refusal = error
    else:
        return
    assert refusal.details["field"] == "f"
