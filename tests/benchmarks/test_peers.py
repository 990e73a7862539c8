"""Peers are measured like us, and one that is not there is reported, not skipped."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.data import MIB
from benchmarks.measurements import FileSet, Scale
from benchmarks.peers.comparison import compare
from benchmarks.peers.ours import Ours
from benchmarks.peers.peer import Deployment, Peer, PeerMissingError

TINY = Scale(big_bytes=2 * MIB, insertion_bytes=MIB, peer_tiny_files=FileSet(5, 100))


class Absent:
    """A peer that is not installed."""

    name = "absent"

    def deploy(self, work: Path) -> AbstractContextManager[Deployment]:
        raise PeerMissingError("it is not installed")


def test_a_peer_that_is_not_there_has_a_row_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent: Peer = Absent()

    rows = list(compare(tmp_path, TINY, [absent]))

    assert [(row.name, row.value) for row in rows] == [("absent: measured (1) or left out (0)", 0)]
    assert "absent is left out: it is not installed" in capsys.readouterr().err


@pytest.mark.slow
def test_hydria_is_measured_up_and_down_on_each_shape_of_data(tmp_path: Path) -> None:
    rows = {row.name: row.value for row in compare(tmp_path, TINY, [Ours()])}

    assert rows.pop("Hydria: measured (1) or left out (0)") == 1
    assert len(rows) == 8
    assert all(rate > 0 for rate in rows.values())
