"""An exported program as one module of torch.fx, as ``ExportedProgram.module()`` gives it: to be timed."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from archprof.builder.program.arguments import Name, resolved
from archprof.errors import RunError

if TYPE_CHECKING:
    from archprof.builder.program.build import BuiltProgram
    from archprof.builder.program.module import Program
    from archprof.builder.program.plan import Plan, Step


def graph_module(built: BuiltProgram) -> fx.GraphModule:
    """The module that runs a program in one function, without the modules that it came from.

    Args:
        built: The program, with the values of its tensors.

    Raises:
        RunError: Where one of its operators cannot be run.
    """
    program = built.module
    root = nn.Module()
    graph = fx.Graph()
    values: dict[str, Any] = {name: graph.placeholder(name) for name in program.arguments}
    for name, value in {**program.held_tensors(), **program.constants}.items():
        if isinstance(value, torch.Tensor):
            _hold(root, name, value)
            values[name] = graph.get_attr(name)
        else:
            values[name] = value
    _Writer(root, graph, program).write(program.plan, values)
    module = fx.GraphModule(root, graph)
    module.eval()
    return module


def _hold(root: nn.Module, name: str, value: torch.Tensor) -> None:
    if isinstance(value, nn.Parameter):
        root.register_parameter(name, value)
    else:
        root.register_buffer(name, value)


class _Writer:
    """Writes plans into graphs of torch.fx."""

    def __init__(self, root: nn.Module, graph: fx.Graph, program: Program) -> None:
        self.root, self.graph, self.program = root, graph, program

    def write(self, plan: Plan, values: dict[str, Any]) -> None:
        """Write a plan; what it makes is entered in the values."""
        for step in plan.steps:
            self.step(step, values)
        results = self.resolved(plan.outputs, values)
        self.graph.output(results[0] if plan.single else tuple(results))

    def step(self, step: Step, values: dict[str, Any]) -> None:
        """Write one node."""
        if not step.known:
            raise RunError(f"{step.node.target} cannot be run: it is no operator of torch's own")
        arguments = self.resolved(step.arguments, values)
        for index, plan in step.graphs.items():
            arguments[index] = self.inner(plan)
        result = self.graph.call_function(step.operator, tuple(arguments), self.resolved(step.keywords, values))  # type: ignore[arg-type]
        outputs = step.outputs
        if len(outputs) == 1 and isinstance(outputs[0], Name) and not step.gives_tuple:
            values[outputs[0]] = result
            return
        outputs = outputs[0] if len(outputs) == 1 and isinstance(outputs[0], list) else outputs
        for index, name in enumerate(outputs):
            if isinstance(name, Name):
                values[name] = self.graph.call_function(operator.getitem, (result, index))

    def inner(self, plan: Plan) -> fx.Node:
        """A graph within a node, as a module that the operator calls."""
        root, graph = nn.Module(), fx.Graph()
        values: dict[str, Any] = {name: graph.placeholder(name) for name in plan.inputs}
        _Writer(root, graph, self.program).write(plan, values)
        name = f"graph_{len(self.root._modules)}"
        self.root.add_module(name, fx.GraphModule(root, graph))
        return self.graph.get_attr(name)

    def resolved(self, value: Any, values: dict[str, Any]) -> Any:
        """An argument with the nodes that make it in the place of names."""
        return resolved(value, values, self.program.device)
