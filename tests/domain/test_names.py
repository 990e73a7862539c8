"""Names of entities, projects, collections, types, aliases and tags."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydria_server.domain.errors import (
    FieldViolationError,
    NameInvalidError,
    NameReservedError,
)
from hydria_server.domain.names import (
    looks_like_version,
    parse_version_number,
    require_alias,
    require_aliases,
    require_name,
    require_project_name,
    require_tags,
    require_version_number,
)

FORBIDDEN = "/\\:@#?%"


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "Model Registry Tutorial",
        "ümlaut",
        "日本",
        "x" * 128,
        "a.b_c-d",
        "...",
        ".a",
        "v",
        "v1x",
        "🐦" * 128,
        "a&b",
        "(x)",
        "1",
        "latest",
        "v1",
    ],
)
def test_a_legal_name_is_returned_as_it_is(name: str) -> None:
    assert require_name(name, field="f") == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", " a", "a ", "-a", "x" * 129, "e\u0301", "a\tb", "a\nb", "\u00a0a", "a\u3000"]
    + [f"a{character}b" for character in FORBIDDEN]
    + [
        f"a{character}b" for character in "\0\x1f\x7f\x85\u200b\u200e\u202a\u202e\u2066\ufeff\u2028"
    ],
)
def test_a_malformed_name_is_refused_and_its_field_named(name: str) -> None:
    with pytest.raises(NameInvalidError) as refused:
        require_name(name, field="entity")
    assert refused.value.details == {"field": "entity"}


@given(st.text(max_size=140) | st.text("aZ09_.- \n", max_size=140))
def test_a_name_is_legal_exactly_when_every_rule_holds(name: str) -> None:
    bad_categories = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    legal = (
        1 <= len(name) <= 128
        and name not in (".", "..")
        and not name.startswith("-")
        and name.strip() == name
        and not set(name) & set(FORBIDDEN)
        and not any(unicodedata.category(character) in bad_categories for character in name)
        and unicodedata.normalize("NFC", name) == name
    )
    if legal:
        assert require_name(name, field="f") == name
    else:
        with pytest.raises(NameInvalidError):
            require_name(name, field="f")


@given(st.text(min_size=1, max_size=128))
def test_a_legal_name_can_stand_in_a_ref(name: str) -> None:
    try:
        require_name(name, field="f")
    except NameInvalidError:
        return
    assert not set(name) & set("/:@")


@pytest.mark.parametrize("name", ["model-registry", "registry-x", "registry-", "wandb-registry-y"])
def test_names_of_registries_are_reserved(name: str) -> None:
    with pytest.raises(NameReservedError):
        require_project_name(name, field="project")


@pytest.mark.parametrize("name", ["registry", "my-model-registry", "Model-Registry", "wandb-x"])
def test_names_that_only_resemble_them_are_not(name: str) -> None:
    assert require_project_name(name, field="project") == name


@pytest.mark.parametrize("alias", ["v0", "v12", "v007", "v" + "9" * 50])
def test_a_version_name_is_no_alias(alias: str) -> None:
    for latest_allowed in (True, False):
        with pytest.raises(NameReservedError):
            require_alias(alias, field="alias", latest_allowed=latest_allowed)


@pytest.mark.parametrize("alias", ["v", "V1", "v1.0", "v-1", "1", "v1a", "Latest"])
def test_an_alias_may_resemble_a_version_name(alias: str) -> None:
    assert require_alias(alias, field="alias", latest_allowed=False) == alias


def test_latest_may_be_named_only_where_it_is_implied() -> None:
    assert require_alias("latest", field="alias", latest_allowed=True) == "latest"
    with pytest.raises(NameReservedError):
        require_alias("latest", field="alias", latest_allowed=False)
    assert require_aliases(["b", "latest", "a", "b"], field="aliases") == ("a", "b")


def test_100_tags_and_100_aliases_beside_latest_and_not_one_more() -> None:
    names = [f"n{at}" for at in range(100)]
    assert len(require_tags([*names, *names], field="tags")) == 100
    assert len(require_aliases([*names, "latest"], field="aliases")) == 100
    for require in (require_tags, require_aliases):
        with pytest.raises(FieldViolationError):
            require([*names, "another"], field="f")


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_version_names_are_canonical(number: int) -> None:
    assert parse_version_number(f"v{number}") == number
    assert require_version_number(f"v{number}", field="f") == number
    assert parse_version_number(f"v0{number}") is None
    assert looks_like_version(f"v0{number}")


@pytest.mark.parametrize("text", ["", "v", "v-1", "v01", "V1", "1", "v1 ", "v٣", "v" + "1" * 20])
def test_anything_else_is_no_version(text: str) -> None:
    assert parse_version_number(text) is None
    with pytest.raises(FieldViolationError):
        require_version_number(text, field="f")
