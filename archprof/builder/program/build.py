"""An exported program -> the module that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.builder.program.arguments import MALFORMED, InnerGraph, names_in, read_argument
from archprof.builder.program.module import Program, part_class
from archprof.builder.program.plan import Call, plan_graph
from archprof.builder.program.sizing import size_program
from archprof.builder.program.tensors import Tensors
from archprof.builder.program.unknown import stand_in
from archprof.sources.program_file.error import ProgramFileError
from archprof.sources.program_file.reader import inner_graph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.builder.program.plan import Plan, Step
    from archprof.builder.program.sizing import SizedProgram
    from archprof.sources.input_axes import InputSizes
    from archprof.sources.program_file.program import Graph
    from archprof.sources.program_file.reader import ProgramFile


@dataclass(frozen=True)
class BuiltProgram:
    """A program that can be run.

    Attributes:
        module: What runs it.
        inputs: What it is run on.
        sizes: Its inputs with their sizes.
        has_convolutions: Whether it has convolutions.
        has_normalisations: Whether it has normalisations that could be folded into them.
    """

    module: Program
    inputs: tuple[torch.Tensor, ...]
    sizes: SizedProgram
    has_convolutions: bool
    has_normalisations: bool


def build_program(file: ProgramFile, sizes: InputSizes, device: torch.device) -> BuiltProgram:
    """The module that runs a program, and what it is run on.

    Args:
        file: The program.
        sizes: What is asked for of its inputs.
        device: "meta" for a module without memory, else where its tensors are: with the values that the file has.

    Raises:
        UsageError: Where it takes no such input.
        ProgramFileError: Where it is damaged.
    """
    with Tensors(file, device) as tensors:
        signature = _Signature(file, tensors)
    sized = size_program(file, signature.arguments, sizes)
    graph = file.program.graph_module.graph
    paths = dict.fromkeys(entry.fqn.partition("@")[0] for entry in file.program.graph_module.module_call_graph)
    plan = plan_graph(graph, file.path, paths)
    for owner, part in ((graph, plan), *_inner(plan, file)):
        for step in part.steps:
            if step.operator is None:
                step.known = False
                step.operator = stand_in(step, owner.tensor_values, sized.symbols, file.path)
    module = _tree(paths, plan, signature, torch.device("cpu") if device.type == "meta" else device)
    inputs = tuple(tensors.input(name, sized.sized.shapes[name]) for name in signature.arguments)
    targets = {step.node.target for step in plan.steps}
    return BuiltProgram(
        module.eval(),
        inputs,
        sized,
        any("conv" in target for target in targets),
        any("batch_norm" in target for target in targets),
    )


def _inner(plan: Plan, file: ProgramFile) -> Iterable[tuple[Graph, Plan]]:
    """The graphs within the nodes of a plan with their plans, however deep; each is entered in its node."""
    for step in plan.steps:
        for index, value in enumerate(step.arguments):
            if isinstance(value, InnerGraph):
                graph = inner_graph(value.argument, file.path)
                inner = plan_graph(graph, file.path)
                step.graphs[index] = inner
                yield graph, inner
                yield from _inner(inner, file)


class _Signature:
    """What each input of the graph is."""

    def __init__(self, file: ProgramFile, tensors: Tensors) -> None:
        self.file, self.tensors = file, tensors
        self.parameters: dict[str, tuple[str, nn.Parameter]] = {}
        self.buffers: dict[str, tuple[str, torch.Tensor]] = {}
        self.constants: dict[str, Any] = {}
        self.arguments: list[str] = []
        for spec in file.program.graph_module.signature.input_specs:
            try:
                ((kind, entry),) = spec.items()
                self.enter(kind, entry)
            except MALFORMED as error:
                raise ProgramFileError(
                    f"an input of its graph is damaged ({type(error).__name__}: {error})", path=file.path
                ) from None

    def enter(self, kind: str, entry: dict[str, Any]) -> None:
        """Take an input."""
        if kind == "parameter":
            name = entry["parameter_name"]
            self.parameters[entry["arg"]["name"]] = name, self.tensors.parameter(name, entry["arg"]["name"])
        elif kind == "buffer":
            name = entry["buffer_name"]
            self.buffers[entry["arg"]["name"]] = name, self.tensors.buffer(name, entry["arg"]["name"])
        elif kind == "tensor_constant":
            name = entry["tensor_constant_name"]
            self.constants[entry["arg"]["name"]] = self.tensors.constant(name, entry["arg"]["name"])
        elif kind == "user_input":
            value = read_argument(entry["arg"])
            if "as_tensor" in entry["arg"]:
                self.arguments.append(str(value))
            else:
                self.constants |= dict.fromkeys(map(str, names_in(value)), 1)
        elif kind == "constant_input":
            ((_, value),) = entry["value"].items() if entry["value"] else ((None, None),)
            self.constants[entry["name"]] = value
        elif kind == "token":
            self.constants[entry["arg"]["name"]] = None
        else:
            raise ProgramFileError(f"it takes an object of the kind {kind!r}, which is not read", path=self.file.path)


def _tree(paths: Iterable[str], plan: Plan, signature: _Signature, device: torch.device) -> Program:
    """The program with its modules, each under its path, with what it holds."""
    types = {call.scope.path: call.scope.type for call in _calls(plan.items)}
    registered = {**signature.parameters, **signature.buffers}
    owners = {name: (path.rpartition(".")[0], path.rpartition(".")[2]) for name, (path, _) in registered.items()}
    root_type = next((step.scopes[0].type for step in plan.steps if step.scopes and not step.scopes[0].path), "Program")
    class_ = type(root_type if root_type.isidentifier() else "Program", (Program,), {})
    root: Program = class_(plan, device, owners, signature.constants, signature.arguments)
    modules: dict[str, nn.Module] = {"": root}

    def module(path: str) -> nn.Module:
        if path not in modules:
            parent, _, name = path.rpartition(".")
            modules[path] = part_class(types.get(path, "Module"))()
            module(parent)._modules[name] = modules[path]
        return modules[path]

    for path in (*paths, *types, *(path for path, _ in owners.values())):
        module(path)
    for path, parameter in signature.parameters.values():
        module(path.rpartition(".")[0])._parameters[path.rpartition(".")[2]] = parameter
    for path, buffer in signature.buffers.values():
        module(path.rpartition(".")[0])._buffers[path.rpartition(".")[2]] = buffer
    return root


def _calls(items: Iterable[Step | Call]) -> Iterable[Call]:
    for item in items:
        if isinstance(item, Call):
            yield item
            yield from _calls(item.items)
