"""Which calls make up a module's figures, each operation counted once however modules call each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from archprof.trace.record import ModuleCall


def calls_by_path(calls: Sequence[ModuleCall]) -> dict[str, list[int]]:
    """Path -> indices of the calls of the module there."""
    called: dict[str, list[int]] = {}
    for index, call in enumerate(calls):
        called.setdefault(call.path, []).append(index)
    return called


def calls_by_module(
    calls: Sequence[ModuleCall], called: Mapping[str, list[int]], paths: Iterable[str]
) -> dict[str, list[int]]:
    """The calls whose inclusive figures add up to each module's.

    A module that calls itself, directly or through others, has its outermost calls, which contain the others. A
    container that others reach into (a ModuleList, Ultralytics' own Sequential) is never called: it has the outermost
    calls of what is in it.

    Args:
        calls: Every call of the pass.
        called: Those of each path, as :func:`calls_by_path` has them.
        paths: The modules' paths, parents before their children.

    Returns:
        Path -> indices of calls; none for a module in which nothing ran.
    """
    whole = {path: _outermost(calls, indices, path) for path, indices in called.items()}
    for path in reversed(list(paths)):  # children before their parents
        container = path.rpartition(".")[0]
        if path and container not in called and path in whole:
            whole.setdefault(container, []).extend(whole[path])
    for path, indices in whole.items():
        if path not in called:
            whole[path] = _outermost(calls, indices, path, f"{path}.")
    return whole


def rows_of_calls(calls: Sequence[ModuleCall], rows: Collection[str]) -> list[str | None]:
    """The row that each call is in: its caller's, else the module itself or one that it is in; None outside of rows.

    The caller's row goes first: several rows may share a module, as blocks of Ultralytics do their activation.

    Args:
        calls: Every call of the pass.
        rows: The paths of the rows.
    """
    row_of_call: list[str | None] = []
    for call in calls:
        caller = row_of_call[call.parent] if call.parent >= 0 else None
        row_of_call.append(caller or _row_of(call.path, rows))
    return row_of_call


def _row_of(path: str, rows: Collection[str]) -> str | None:
    parts = path.split(".")
    return next((row for end in range(len(parts), 0, -1) if (row := ".".join(parts[:end])) in rows), None)


def _outermost(calls: Sequence[ModuleCall], indices: list[int], path: str, below: str | None = None) -> list[int]:
    """Those of some calls that no other call of the module, or of what is ``below`` it, contains."""
    if len(indices) == 1:
        return indices

    def contained(index: int) -> bool:
        parent = calls[index].parent
        while parent >= 0:
            caller = calls[parent].path
            if caller == path or (below is not None and caller.startswith(below)):
                return True
            parent = calls[parent].parent
        return False

    return [index for index in indices if not contained(index)]
