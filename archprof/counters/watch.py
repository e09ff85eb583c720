"""Looking over a counter's shoulder: its own numbers, and the module that each belongs to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from archprof.counters.interface import Item, family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def paths(model: nn.Module) -> dict[nn.Module, str]:
    """Each module's path; the first where it has several."""
    return {module: path for path, module in model.named_modules()}


class Innermost:
    """While it is entered, follows which module is running.

    Args:
        model: The model; what is not in it counts as whatever runs it.
        moved: Called with the path that was innermost until now, before each change of it.
    """

    def __init__(self, model: nn.Module, moved: Callable[[str], None] = lambda path: None) -> None:
        self._paths = paths(model)
        self._stack = [""]
        self._moved = moved

    @property
    def path(self) -> str:
        """The path of the module that is running."""
        return self._stack[-1]

    def __enter__(self) -> Innermost:
        self._hooks = (
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        )
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()
        self._moved(self.path)

    def _enter(self, module: nn.Module, args: Any) -> None:
        self._moved(self.path)
        self._stack.append(self._paths.get(module, self.path))

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        self._moved(self.path)
        self._stack.pop()


class Watched(nn.Module):
    """A model whose modules are read once it has run, before the counter tidies its notes away.

    Args:
        model: The model.
        read: Reads the counter's notes off the model.
    """

    def __init__(self, model: nn.Module, read: Callable[[nn.Module], Iterable[Item]]) -> None:
        super().__init__()
        self.model = model
        self.items: list[Item] = []
        self._read = read
        self.training = model.training

    def forward(self, *args: Any) -> Any:
        """Runs the model."""
        result = self.model(*args)
        self.items = list(self._read(self.model))
        return result


def noted(model: nn.Module, attribute: str, *, descend: bool, once: bool) -> Iterator[Item]:
    """The numbers that a counter leaves at the modules.

    Args:
        model: The model.
        attribute: The name that it leaves them under.
        descend: Whether it adds up what lies below a module that has one.
        once: Whether it takes a module once that has several parents.
    """
    path_of = paths(model)
    seen: set[nn.Module] = set()
    stack = [model]
    while stack:
        module = stack.pop()
        if once and module in seen:
            continue
        seen.add(module)
        number = getattr(module, attribute, None)
        if number:
            yield Item(path_of[module], type(module).__name__, int(number), "module")
        if descend or number is None:
            stack.extend(reversed(list(module.children())))


@contextmanager
def recorded(model: nn.Module, *tables: dict[Any, Any]) -> Iterator[list[Item]]:
    """Write down what a counter's own rules for functions say while it runs.

    Args:
        model: The model.
        tables: The counter's tables from function to rule; they are as they were afterwards.
    """
    items: list[Item] = []
    originals = [dict(table) for table in tables]

    def recording(function: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__

        def record(*args: Any, **kwargs: Any) -> Any:
            amount = rule(*args, **kwargs)
            items.append(Item(inside.path, name, int(amount), family(name)))
            return amount

        return record

    try:
        for table in tables:
            table.update({function: recording(function, rule) for function, rule in table.items()})
        with Innermost(model) as inside:
            yield items
    finally:
        for table, original in zip(tables, originals, strict=True):
            table.update(original)
