"""What a filter may compare a field with."""

from __future__ import annotations

import pytest

from hydria_server.domain.errors import FilterInvalidError
from hydria_server.services.filter_parsing import parse_filter
from hydria_server.services.listings import VERSION_FIELDS


@pytest.mark.parametrize("text", ["state = FOO", "state = committed", "NOT state:gone"])
def test_a_state_that_is_none_is_refused_rather_than_found_nowhere(text: str) -> None:
    with pytest.raises(FilterInvalidError, match="is not COMMITTED or DELETED"):
        parse_filter(text, VERSION_FIELDS)
