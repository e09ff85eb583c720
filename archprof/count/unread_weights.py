"""Which parameters a pass had no use for: those that no operation was given, nor any view of them.

They are counted as parameters and loaded with the model, and what comes out does not depend on them: branches that are
for training only, layers that nobody calls, the weights of which a converted model holds another copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.weights import elements, weights
from archprof.records.remarks import unread_parameters as remarks
from archprof.trace import tree

if TYPE_CHECKING:
    from archprof.trace.record import Trace


def unread_weights(trace: Trace) -> tuple[str, ...]:
    """What to say of the parameters that no operation of a pass read; nothing where there are none."""
    return remarks(*unread(trace), elements(weights(trace.model)))


def unread(trace: Trace) -> tuple[int, list[str]]:
    """How many parameters no operation of a pass read, and their names, a module's as one where all of it are."""
    infos = trace.unread()
    return sum(info.numel for info in infos), _names(trace, {info.parameter for info in infos}) if infos else []


def _names(trace: Trace, unread: set[str | None]) -> list[str]:
    """The unread parameters, a module's as one where all that it holds are."""
    modules = tree.walk(trace.model)
    held: dict[int, str] = {}
    for path, module in modules:
        for name, parameter in module._parameters.items():
            if parameter is not None:
                held.setdefault(id(parameter), f"{path}.{name}" if path else name)
    names: list[str] = []
    for path, module in modules:
        if any(path.startswith(f"{name}.") for name in names):
            continue
        inside = [name for name in held.values() if name.startswith(f"{path}.")] if path else []
        if inside and all(name in unread for name in inside):
            names.append(path)
        else:
            own = [f"{path}.{name}" if path else name for name in module._parameters]
            names += [name for name in own if name in unread]
    return names
