"""The module that runs an exported program, node by node, within modules of the paths that it was exported from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.builder.program.arguments import Name, resolved
from archprof.builder.program.plan import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archprof.builder.program.plan import Plan, Step

Environment = dict[str, Any]


class Part(nn.Module):
    """A module of the program: what it holds, and nothing of what it was. It is called with what it is given."""

    def forward(self, *values: Any, call: Call, environment: Environment, program: Program) -> Any:
        """Run what it ran in one of its calls; ``values`` are in the environment, too."""
        program.run(call.items, environment)
        return tuple(environment[name] for name in call.gives)


class Program(nn.Module):
    """The whole program.

    Args:
        plan: What it runs.
        device: Where its operators make tensors.
        owners: Input of the graph -> the path of the module that holds the tensor, and its name there.
        constants: Input of the graph -> its value, where it is the same in every run.
        arguments: The inputs of the graph that the caller gives, in order.
    """

    def __init__(
        self,
        plan: Plan,
        device: torch.device,
        owners: Mapping[str, tuple[str, str]],
        constants: Mapping[str, Any],
        arguments: Sequence[str],
    ) -> None:
        super().__init__()
        self.plan, self.device, self.constants, self.arguments = plan, device, constants, arguments
        self._owners = owners

    def held_tensors(self) -> dict[str, torch.Tensor]:
        """The parameters and buffers by the names that they have in the graph."""
        modules = dict(self.named_modules())
        return {name: getattr(modules[path], tensor) for name, (path, tensor) in self._owners.items()}

    def forward(self, *values: Any) -> Any:
        """Run the program on the tensors that it takes, in order."""
        environment: Environment = {**self.held_tensors(), **self.constants}
        environment |= zip(self.arguments, values, strict=True)
        self._modules_by_path = dict(self.named_modules())
        self.run(self.plan.items, environment)
        del self._modules_by_path
        return resolved(self.plan.outputs, environment, self.device)

    def run(self, items: Iterable[Step | Call], environment: Environment) -> None:
        """Run nodes, and calls of modules."""
        for item in items:
            if isinstance(item, Call):
                given = [environment[name] for name in item.reads]
                part = self._modules_by_path[item.scope.path]
                part(*given, call=item, environment=environment, program=self)
            else:
                self.step(item, environment)

    def step(self, step: Step, environment: Environment) -> None:
        """Run one node."""
        assert step.operator is not None
        arguments = resolved(step.arguments, environment, self.device)
        for index, plan in step.graphs.items():
            arguments[index] = _Function(self, plan)
        result = step.operator(*arguments, **resolved(step.keywords, environment, self.device))
        _bind(step.outputs, result, environment)
        for name in step.last_uses:
            environment.pop(name, None)


class _Function:
    """A graph within a node as a function that an operator calls."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self._program, self._plan = program, plan

    def __call__(self, *values: Any) -> Any:
        environment: Environment = dict(zip(self._plan.inputs, values, strict=True))
        for step in self._plan.steps:
            self._program.step(step, environment)
        results = resolved(self._plan.outputs, environment, self._program.device)
        return results[0] if self._plan.single else tuple(results)


def _bind(outputs: list[Any], result: Any, environment: Environment) -> None:
    """Enter what a node made under the names that it has for it."""
    if len(outputs) == 1 and not (isinstance(result, (list, tuple)) and isinstance(outputs[0], Name)):
        outputs, result = outputs, [result]
    for name, value in zip(outputs, result if isinstance(result, (list, tuple)) else [result], strict=False):
        if isinstance(name, Name):
            environment[name] = value
        elif isinstance(name, list):
            environment |= zip(name, value, strict=True)


@cache
def part_class(name: str) -> type[Part]:
    """A class of modules that has the name of the one which was exported."""
    return type(name if name.isidentifier() else "Module", (Part,), {})
