"""The page on the command line and the command line say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from archprof.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")


def commands(group: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], set[str]]:
    """Every command below a group, with its options."""
    found = {}
    for name in group.list_commands(None) if isinstance(group, TyperGroup) else []:
        command = group.get_command(None, name)
        assert command is not None
        found[(*path, name)] = {option for parameter in command.params for option in parameter.opts}
        found |= commands(command, (*path, name))
    return found


COMMANDS = commands(typer.main.get_command(app))


@pytest.mark.parametrize(
    ("path", "options"),
    [pytest.param(*item, id=" ".join(item[0])) for item in COMMANDS.items()],
)
def test_the_page_names_every_command_and_option(path: tuple[str, ...], options: set[str]) -> None:
    assert f"`archprof {' '.join(path)}" in PAGE
    for option in options:
        if option.startswith("-"):
            assert f"`{option}`" in PAGE


def test_the_page_names_no_option_that_is_not_there() -> None:
    known = {option for options in COMMANDS.values() for option in options}

    assert set(re.findall(r"^\| `(?:-\w`, `)?(--[\w-]+)`", PAGE, re.M)) <= known | {"--help"}
