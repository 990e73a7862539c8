"""What OpenLineage calls things, as names here; and merging that knows no order."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from hydria.lineage.openlineage import run_uuid
from hydria_server.domain.exact_json import exact_text, parse_exact
from hydria_server.domain.names import require_name
from hydria_server.domain.openlineage import collection_name, name_of, openlineage_run_id
from hydria_server.domain.runs import RunName
from hydria_server.services.openlineage.checking import time_us
from hydria_server.services.openlineage.documents import merged_config
from hydria_server.services.openlineage.reading import read_batch
from tests.openlineage_events import event, facet, new_run_id, texts

ANY_TEXT = st.text(max_size=300)
RUN_ID = new_run_id()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
TOLD = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3),
        st.sampled_from(("job", "job.more")),
    ),
    min_size=1,
    max_size=6,
)


@given(ANY_TEXT)
def test_every_text_gives_a_legal_name(text: str) -> None:
    name = name_of(text)
    assert require_name(name, field="name") == name


@given(ANY_TEXT, ANY_TEXT)
def test_every_dataset_has_a_legal_collection(namespace: str, name: str) -> None:
    collection = collection_name(namespace, name)
    assert require_name(collection, field="collection") == collection
    assert collection != collection_name(f"{namespace}x", name)


@given(JSON)
def test_json_comes_out_as_it_went_in(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(exact_text(parse_exact(text))) == value


def test_numbers_are_kept_to_the_letter() -> None:
    text = '{"a":[1.10,1e400,9007199254740993,-0.0],"b":"\\ud800"}'
    assert exact_text(parse_exact(text)) == text


@given(TOLD, st.randoms(use_true_random=False))
def test_facets_merge_to_the_same_in_every_order(
    told: list[tuple[int, dict[str, int], str]], drawn: random.Random
) -> None:
    events = [
        event(
            RUN_ID,
            job=job,
            at=f"2026-03-04T05:06:0{second}Z",
            facets={name: facet(value=value) for name, value in facets.items()},
        )
        for second, facets, job in told
    ]
    whole = merged_config("{}", read_batch(texts(*events)).events)
    again = events * 2
    drawn.shuffle(again)
    config = "{}"
    for each in again:
        config = merged_config(config, read_batch(texts(each)).events)
    assert json.loads(config) == json.loads(whole)


def test_both_sides_give_a_run_the_same_uuid() -> None:
    for run_id in ("load", new_run_id(), new_run_id().upper(), "x" * 64, "0" * 32):
        name = RunName("local", "birds", run_id)
        assert openlineage_run_id(name) == run_uuid(str(name))
    assert run_uuid("local/birds/runs/load") == "20daddd7-f861-5277-a327-9a516645a414"


def test_times_are_those_of_the_standard() -> None:
    for text, at_us in (
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.0000019Z", 1),
        ("1970-01-01T01:00:00.5+01:00", 500_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01", None),
        ("1970-13-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("1970-01-01T00:00:00+99:00", None),
        ("١٩٧٠-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z\n", None),
    ):
        assert time_us(text) == at_us, text
