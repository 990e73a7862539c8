"""Where files go: roots that are peculiar."""

from __future__ import annotations

from hydria.download.targets import Targets


def test_the_root_of_the_file_system_is_a_root_like_others() -> None:
    targets = Targets("/")
    assert targets.place_of("a/b") == "/a/b"
    assert targets.make_directory_for("a-file-at-the-top") == "/"
