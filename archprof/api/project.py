"""What a project says of its files, for the functions of the Python interface."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from archprof.budgets.project import families_assigned

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def in_project(function: Callable[P, T]) -> Callable[P, T]:
    """A function for which files have the families that the project of the working folder gives them.

    A family is part of what a file means, and so the same for commands and from Python; what else a project sets are
    options of commands. The function raises a BudgetFileError where the project's file cannot be read.
    """

    @wraps(function)
    def run(*arguments: P.args, **keywords: P.kwargs) -> T:
        with families_assigned(Path.cwd()):
            return function(*arguments, **keywords)

    return run
