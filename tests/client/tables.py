"""A table for tests, and what it is as a file. pyarrow takes long to import: only who asks does."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 40_000


def table() -> pa.Table:
    """Return six columns of numbers."""
    import pyarrow as pa

    return pa.table({name: np.arange(ROWS) * at for at, name in enumerate("abcdef")})


@cache
def parquet() -> bytes:
    """Return the table as a Parquet file of four groups of rows."""
    import pyarrow.parquet as pq

    target = io.BytesIO()
    pq.write_table(table(), target, row_group_size=ROWS // 4)
    return target.getvalue()
