"""The demo is true, on whatever machine it is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_tells_its_story_and_leaves_a_picture_behind(tmp_path: Path) -> None:
    temporary, here = tmp_path / "temporary", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "hydria.demo"],
        env={**os.environ, "TMPDIR": str(temporary), "HYDRIA_BASE_URL": "127.0.0.1:1"},
        cwd=here,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in (
        "local/demo/python-library:v0",
        "v0 -> v1",
        "byte by byte",
        "no difference",
        "nothing was sent",
        "local/model-registry/Digits:v1",
        "of the digits right, as its report says",
        "└─ dataset:digits-raw:v0  (local/demo/digits-raw:v0)",
        str(here / "hydria-demo" / "lineage.svg"),
        "after the move began",
        "nothing was fetched",
        "serves no longer",
        "exited with 0",
    ):
        assert words in done.stdout
    assert list(temporary.iterdir()) == []
    pictures = here / "hydria-demo"
    assert (pictures / "lineage.png").read_bytes().startswith(b"\x89PNG")
    texts = {
        text.text
        for text in ElementTree.parse(pictures / "lineage.svg").iter(
            "{http://www.w3.org/2000/svg}text"
        )
    }
    assert texts >= {
        "load", "digits-raw:v0", "preprocess", "digits-train:v0", "digits-test:v0",
        "forest-config:v1", "train", "digits:v1", "evaluate", "digits-report:v1",
    }  # fmt: skip


def test_the_demo_says_at_once_what_it_lacks(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "from hydria.demo import story\n"
        "sys.exit(story.main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'hydria[demo]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_fails_when_something_is_not_as_it_says(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from hydria.demo import library, story\n"
        "compare = library.compare_trees\n"
        "def damaged(one: Path, other: Path) -> int:\n"
        "    largest = max(library.files_under(other), key=lambda file: file.stat().st_size)\n"
        "    data = bytearray(largest.read_bytes())\n"
        "    data[len(data) // 3] ^= 1\n"
        "    largest.write_bytes(data)\n"
        "    return compare(one, other)\n"
        "library.compare_trees = damaged\n"
        "library.LIBRARY_BYTES_MAX = 20_000_000\n"
        "sys.exit(story.main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 1
    assert "The demo failed: " in done.stderr
    assert "differs" in done.stderr
    assert list(tmp_path.iterdir()) == []
