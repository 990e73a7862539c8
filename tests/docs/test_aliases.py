"""docs/aliases.md names commands and methods that are there."""

from __future__ import annotations

import re

from hydria.cli.main import run
from hydria.registry import AsyncRegistry
from tests.docs.pages import Page

PAGE = Page("aliases.md")


def test_every_command_of_the_table_is_one() -> None:
    commands = re.findall(r"`hydria (\w+ \w+) ", PAGE.text)
    assert len(commands) >= 8
    for command in commands:
        assert run([*command.split(), "--help"]) == 0, command


def test_every_method_of_the_registry_is_one() -> None:
    methods = set(re.findall(r"client\.registry\.(\w+)", PAGE.text))
    assert methods == {"history", "rollback", "protect"}
    assert all(hasattr(AsyncRegistry, method) for method in methods)
