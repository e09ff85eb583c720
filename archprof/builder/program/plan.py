"""The nodes of a program in the order in which they run, with the calls of modules that they came from around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from torch._ops import HigherOrderOperator, OpOverload

from archprof.builder.program.arguments import MALFORMED, InnerGraph, Name, names_in, read_argument, renamed
from archprof.builder.program.operators import find_operator
from archprof.sources.program_file.error import ProgramFileError
from archprof.sources.program_file.reader import inner_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from archprof.sources.program_file.program import Graph, Node

_GRADIENTS = "torch.ops.higher_order.wrap_with_set_grad_enabled"
"""Runs a graph with gradients switched on or off: its nodes are those of the graph around it."""

_NO_MODULE = "_empty_nn_module_stack"
"""How torch begins the module of a node that belongs to none: one that asks for a size."""

_BY_KEYWORD = 2

_MANY = 10**9


class Scope(NamedTuple):
    """One call of a module: a key that tells it from other calls, the module's path, and the name of its class."""

    key: str
    path: str
    type: str


@dataclass(slots=True, eq=False)
class Step:
    """One node.

    Attributes:
        node: As it stands in the file.
        operator: What it calls; None where that is not known.
        arguments: Its positional arguments.
        keywords: Those by keyword.
        outputs: The names of what it makes: one for a tensor, a list for a list of them.
        scopes: The calls of modules around it, the model's own first.
        known: Whether its operator is torch's own, so that it can be run.
        graphs: The graphs among its positional arguments, by their position.
        last_uses: What no later step reads.
    """

    node: Node
    operator: Callable[..., Any] | None
    arguments: list[Any]
    keywords: dict[str, Any]
    outputs: list[Any]
    scopes: tuple[Scope, ...]
    known: bool = True
    graphs: dict[int, Plan] = field(default_factory=dict)
    last_uses: list[Name] = field(default_factory=list)

    @property
    def gives_tuple(self) -> bool:
        """Whether its operator gives several results, or one in a tuple, rather than one alone."""
        if isinstance(self.operator, OpOverload):
            return len(self.operator._schema.returns) > 1
        return isinstance(self.operator, HigherOrderOperator) and not self.node.is_hop_single_tensor_return

    def reads(self) -> list[Name]:
        """The names in its arguments."""
        return names_in([self.arguments, self.keywords])


@dataclass(slots=True, eq=False)
class Call:
    """One call of a module.

    Attributes:
        scope: Which module.
        items: What it runs.
        reads: What it is given.
        gives: What others read of what it makes.
    """

    scope: Scope
    items: list[Step | Call] = field(default_factory=list)
    reads: list[Name] = field(default_factory=list)
    gives: list[Name] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Plan:
    """How a graph is run.

    Attributes:
        inputs: What it is given, in order: names, or values that are the same each time.
        items: What it runs.
        outputs: What it gives, names and values.
        single: Whether it gives one tensor rather than a tuple.
        steps: All its steps.
    """

    inputs: list[Any]
    items: list[Step | Call]
    outputs: list[Any]
    single: bool
    steps: list[Step]


def plan_graph(graph: Graph, path: Path, modules: Collection[str] = ()) -> Plan:
    """How a graph is run.

    Args:
        graph: The graph.
        path: The file, for messages.
        modules: The paths of the modules that the program has.

    Raises:
        ProgramFileError: Where a node is damaged, or reads what nothing makes.
    """
    reader = _Reader(path, modules)
    inputs = [reader.argument(entry, "an input") for entry in graph.inputs]
    names = {name: name for name in names_in(inputs)}
    steps = list(reader.steps(graph, names))
    outputs = renamed([reader.argument(entry, "an output") for entry in graph.outputs], reader.lookup(names, "it"))
    _enter_last_uses(steps, names_in(outputs))
    items = _nested(steps, names_in(inputs), names_in(outputs))
    return Plan(inputs, items, outputs, graph.is_single_tensor_return, steps)


class _Reader:
    """Reads graphs into steps."""

    def __init__(self, path: Path, modules: Collection[str]) -> None:
        self.path, self.modules = path, modules
        self._numbers = count(1)

    def steps(self, graph: Graph, names: dict[Name, Name], prefix: str = "") -> Iterator[Step]:
        """The nodes of a graph; what they make is entered in the names, under which other graphs know it."""
        for node in graph.nodes:
            if node.target == _GRADIENTS:
                yield from self.inlined(node, names)
                continue
            step = self.step(node)
            lookup = self.lookup(names, node.target)
            step.arguments, step.keywords = renamed(step.arguments, lookup), renamed(step.keywords, lookup)
            made = {name: Name(prefix + name) for name in names_in(step.outputs)}
            names |= made
            step.outputs = renamed(step.outputs, made.__getitem__)
            yield step

    def lookup(self, names: dict[Name, Name], target: str) -> Callable[[Name], Name]:
        """Gives the name under which a value is known."""

        def find(name: Name) -> Name:
            if name not in names:
                raise ProgramFileError(f"{target} reads {name!r}, which nothing makes", path=self.path)
            return names[name]

        return find

    def inlined(self, node: Node, names: dict[Name, Name]) -> Iterator[Step]:
        """The nodes of the graph that a node runs as they are."""
        _, nested, *given = [self.argument(entry.arg, node.target) for entry in node.inputs]
        if not isinstance(nested, InnerGraph):
            raise ProgramFileError(f"{node.target} is damaged: it has no graph", path=self.path)
        graph = inner_graph(nested.argument, self.path)
        outer = self.lookup(names, node.target)
        inputs = names_in([self.argument(entry, node.target) for entry in graph.inputs])
        values = [outer(name) for name in names_in(given)]
        results = names_in([self.argument(entry, node.target) for entry in node.outputs])
        inner = dict(zip(inputs, values, strict=False))
        yield from self.steps(graph, inner, f"{next(self._numbers)}.")
        outputs = names_in([self.argument(entry, node.target) for entry in graph.outputs])
        names |= {result: self.lookup(inner, node.target)(name) for result, name in zip(results, outputs, strict=False)}

    def step(self, node: Node) -> Step:
        """One node, with the names that its graph has."""
        operator = find_operator(node.target)
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        schema = operator._schema.arguments if isinstance(operator, OpOverload) else []
        for entry in node.inputs:
            value = self.argument(entry.arg, node.target)
            index = len(positional)
            in_order = not schema or (
                index < len(schema) and schema[index].name == entry.name and not schema[index].kwarg_only
            )
            if (schema and not in_order) or (not schema and entry.kind == _BY_KEYWORD and entry.name):
                keywords[entry.name] = value
            else:
                positional.append(value)
        outputs = [self.argument(entry, node.target) for entry in node.outputs]
        return Step(node, operator, positional, keywords, outputs, _scopes(node, self.modules))

    def argument(self, argument: dict[str, Any], target: str) -> Any:
        """An argument of a node, an input or an output."""
        try:
            return read_argument(argument)
        except MALFORMED as error:
            kind = next(iter(argument), "nothing")
            raise ProgramFileError(
                f"{target} has an argument {kind!r} that cannot be read ({type(error).__name__})", path=self.path
            ) from None


def _scopes(node: Node, modules: Collection[str]) -> tuple[Scope, ...]:
    """The calls of modules around a node; torch separates them by semicolons, and key, path and class by commas.

    Of a module whose ``forward`` was replaced by another method of its own, as Ultralytics' fused ones, torch writes
    the path within the module around it.
    """
    scopes: list[Scope] = []
    for part in filter(None, node.metadata.nn_module_stack.split(";")):
        key, _, rest = part.partition(",")
        path, _, type_ = rest.rpartition(",")
        path = path.partition("@")[0]
        if scopes and path not in modules and (below := f"{scopes[-1].path}.{path}") in modules:
            path = below
        if not key.startswith(_NO_MODULE):
            scopes.append(Scope(key, path, type_.rpartition(".")[2] or "Module"))
    return tuple(scopes)


def _enter_last_uses(steps: list[Step], outputs: list[Name]) -> None:
    """Say of each step what no later one reads, nor the graph gives."""
    used = set(outputs)
    for step in reversed(steps):
        names = dict.fromkeys([*step.reads(), *names_in(step.outputs)])
        step.last_uses = [name for name in names if name not in used]
        used.update(names)


def _nested(steps: list[Step], inputs: list[Name], outputs: list[Name]) -> list[Step | Call]:
    """Steps within the calls that they came from, without the call of the model itself."""
    made = dict.fromkeys(inputs, -1)
    used = dict.fromkeys(outputs, _MANY)
    order = {name: index for index, name in enumerate(outputs)}
    for index, step in enumerate(steps):
        made |= dict.fromkeys(names_in(step.outputs), index)
        for name in step.reads():
            used[name] = max(used.get(name, -1), index)
    top: list[Step | Call] = []
    open_calls: list[tuple[Call, int]] = []

    def close(number: int, end: int) -> None:
        while len(open_calls) > number:
            call, start = open_calls.pop()
            inside = steps[start:end]
            call.reads = list(
                dict.fromkeys(name for step in inside for name in step.reads() if made.get(name, start) < start)
            )
            gives = [name for step in inside for name in names_in(step.outputs) if used.get(name, -1) >= end]
            # The order in which a module returns what it made is known of the model's own results alone.
            call.gives = sorted(gives, key=lambda name: order.get(name, -1))

    for index, step in enumerate(steps):
        if not step.scopes:  # whatever module asked for it
            (open_calls[-1][0].items if open_calls else top).append(step)
            continue
        scopes = [scope for scope in step.scopes if scope.path]
        same = 0
        while same < min(len(scopes), len(open_calls)) and open_calls[same][0].scope.key == scopes[same].key:
            same += 1
        close(same, index)
        for scope in scopes[same:]:
            call = Call(scope)
            (open_calls[-1][0].items if open_calls else top).append(call)
            open_calls.append((call, index))
        (open_calls[-1][0].items if open_calls else top).append(step)
    close(0, len(steps))
    return top
