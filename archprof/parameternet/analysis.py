"""DynamicOp layers of a counted trace -> predicted against measured."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from archprof.parameternet import formulas
from archprof.parameternet.boundary import MOVES, complete
from archprof.parameternet.declared import METHOD, DynamicDeclaration, declaration, disagreements
from archprof.parameternet.find import DynamicOp, find, samples
from archprof.parameternet.formulas import Sizes
from archprof.parameternet.model_totals import Papers, model_totals, ratio
from archprof.parameternet.separate_experts import separate_experts
from archprof.records.parameternet import DynamicLayer, Figures, ParameterNet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from archprof.count.ledger import Ledger
    from archprof.count.memory import Memory
    from archprof.parameternet.flow import Flow
    from archprof.trace.record import TensorInfo, Trace
    from archprof.trace.run import Pass

OFF = Fraction(5, 100)
"""From what relative error on a prediction names the assumption that broke."""


def analyse(ledger: Ledger, memory: Memory, again: Pass) -> tuple[ParameterNet | None, list[str]]:
    """The dynamic layers of a model and the model as a whole.

    Args:
        ledger: The model's pass, counted.
        memory: What it moved.
        again: How it was run.

    Returns:
        What there is to say, None where the model has no dynamic layers; and what looks dynamic and is not analysed.
    """
    flow, found = find(ledger.trace)
    found = [complete(flow, ledger.trace, op) for op in found]
    seen = _Seen(ledger.trace.model)
    result = _analysed(flow, ledger, memory, again, found, seen) if found else None
    return result, [*_idle(ledger.trace, seen), *separate_experts(flow, ledger.trace)]


def _analysed(
    flow: Flow, ledger: Ledger, memory: Memory, again: Pass, found: Sequence[DynamicOp], seen: _Seen
) -> ParameterNet:
    banks: dict[frozenset[int], list[DynamicOp]] = {}
    for op in found:
        banks.setdefault(frozenset(map(id, op.mixture.bank)), []).append(op)
    parts = [_layer(flow, ledger, memory, runs, seen) for runs in banks.values()]
    layers = [layer for layer, _ in parts]
    return ParameterNet(
        layers=layers, model=model_totals(ledger, memory, layers, [papers for _, papers in parts], again)
    )


def _idle(trace: Trace, seen: _Seen) -> list[str]:
    """Which modules say that they are dynamic layers while none was found in them."""
    paths = dict.fromkeys(call.path for call in trace.calls if callable(getattr(call.module, METHOD, None)))
    return [
        f"{path or 'the model'} says in {METHOD}() that it is a dynamic layer, and none was found in it"
        for path in paths
        if path not in seen.declared
    ]


class _Seen:
    """What earlier layers were charged with: routers, and modules whose parameters were counted.

    ``named`` are the model's parameters (a trace names buffers too), ``declared`` the modules that said which layer
    they are.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.routers: dict[int, str] = {}
        self.modules: set[str] = set()
        self.declared: set[str] = set()

    @cached_property
    def named(self) -> set[str]:
        return {path for path, _ in self._model.named_parameters()}


def _layer(
    flow: Flow, ledger: Ledger, memory: Memory, runs: list[DynamicOp], seen: _Seen
) -> tuple[DynamicLayer, Papers]:
    trace, first = ledger.trace, runs[0]
    operation = flow.operations[first.operation]
    bank = [tensor.parameter or "" for tensor in first.mixture.bank]
    routers = {index for op in runs for index in op.router if index not in seen.routers}
    shared = _shared(flow, first, seen)
    held = {id(tensor) for tensor in first.mixture.bank}
    router = [
        tensor
        for tensor in flow.parameters(first.router & routers)
        if id(tensor) not in held and tensor.parameter in seen.named
    ]
    paths = [*bank, *(tensor.parameter or "" for tensor in router)]
    owner = _common([_owner(path) for path in paths])
    seen.routers.update(dict.fromkeys(routers, owner))
    sizes = [_sizes(flow, op, router) for op in runs]
    layer_sizes = sizes[0]

    steps = {index for run in runs for part in (run.mixture, run.bias) if part for index in part.steps}
    convolutions = {run.operation for run in runs}
    modules = {_owner(path) for path in paths} - seen.modules
    seen.modules |= modules
    counted = sum(
        parameter.numel() for path in modules for parameter in trace.model.get_submodule(path).parameters(recurse=False)
    )
    parameters = Figures(
        static=formulas.static_parameters(layer_sizes),
        as_built=formulas.built_parameters(layer_sizes),
        measured=counted,
    )
    macs = Figures(
        static=sum(map(formulas.static_macs, sizes)),
        as_built=sum(map(formulas.built_macs, sizes)),
        measured=sum(ledger.entries[index].count.macs for index in steps | convolutions | routers),
    )
    kernel = samples(first, operation)[4]
    ran = DynamicDeclaration(
        experts=layer_sizes.experts,
        in_channels=layer_sizes.c_in,
        out_channels=layer_sizes.c_out,
        kernel=kernel,
        groups=layer_sizes.groups,
        chosen=layer_sizes.chosen,
    )
    said: list[str] = []
    if declared := declaration(trace.model, _owner(bank[0])):
        seen.declared.add(declared[0])
        said += disagreements(declared[1], ran)
    papers = _papers(layer_sizes)
    traffic = memory.traffic
    kind = "convolution" if operation.name == "aten.convolution" else "experts" if layer_sizes.chosen else "linear"
    layer = DynamicLayer(
        module=owner,
        type=type(trace.model.get_submodule(owner)).__name__,
        kind=kind,
        in_channels=layer_sizes.c_in,
        out_channels=layer_sizes.c_out,
        kernel=list(kernel),
        groups=layer_sizes.groups,
        stride=list(operation.arguments[3]) if kind == "convolution" else [],
        output_size=list(operation.outputs[0].shape[2:]) if kind == "convolution" else [],
        batch=layer_sizes.batch,
        experts=layer_sizes.experts,
        chosen=layer_sizes.chosen,
        calls=len(runs),
        router=list(layer_sizes.router_weights),
        parameters=parameters,
        macs=macs,
        parameters_ratio=ratio(parameters, *papers[:2]),
        flops_ratio=ratio(macs, *papers[2:]),
        mixing_bytes=sum(sum(traffic[index]) for index in steps),
        moved_bytes=sum(sum(traffic[index]) for index in steps | convolutions | routers),
        static_bytes=sum(_moved(flow, run, layer_sizes.kernel) for run in runs),
        notes=[*_notes(parameters, macs, owner, None if layer_sizes.router_weights else shared), *said],
        broken=_broken(layer_sizes, parameters, macs, papers),
    )
    return layer, papers


def _shared(flow: Flow, op: DynamicOp, seen: _Seen) -> str | None:
    """The module that the nearest router behind a layer's coefficients was counted with, where it was already."""
    behind = 0
    for tensor, before in op.mixture.coefficients:
        behind |= flow.behind([tensor], before)
    return next((seen.routers[index] for index in sorted(seen.routers, reverse=True) if behind >> index & 1), None)


def _sizes(flow: Flow, op: DynamicOp, router: Sequence[TensorInfo]) -> Sizes:
    operation = flow.operations[op.operation]
    batch, c_in, c_out, groups, kernel, positions = samples(op, operation)
    area = 1
    for side in kernel:
        area *= side
    chosen, rows = 0, op.kernels_generated
    if op.mixture.top_k_routed and operation.name == "aten.convolution":
        chosen = 1
    elif op.mixture.top_k_routed:
        tokens = _tokens(flow, op) // c_in
        chosen, batch, positions = batch * positions // tokens, tokens, 1
        rows = op.kernels_generated // chosen if op.mixture.steps else tokens
    bias = operation.arguments[2] if operation.name == "aten.convolution" else None
    return Sizes(
        experts=op.mixture.experts,
        c_in=c_in,
        c_out=c_out,
        area=area,
        groups=groups,
        positions=positions,
        batch=batch,
        chosen=chosen,
        kernels_generated=op.kernels_generated,
        products=op.mixture.products,
        bias=bias is not None,
        bias_mixed=op.bias is not None,
        router_weights=tuple(tensor.numel for tensor in router if len(tensor.shape) > 1),
        router_biases=tuple(tensor.numel for tensor in router if len(tensor.shape) <= 1),
        router_rows=rows,
    )


def _tokens(flow: Flow, op: DynamicOp) -> int:
    """Elements of the tokens before each was copied for the experts that it goes to."""
    tensor, before, least = op.input, op.operation, op.input.numel
    while (index := flow.maker(tensor, before)) is not None:
        operation = flow.operations[index]
        if not (operation.function.is_view or operation.name in MOVES):
            break
        tensor, before = operation.arguments[0], index
        if not flow.dynamic(tensor):
            break
        least = min(least, tensor.numel)
    return least


def _papers(sizes: Sizes) -> Papers:
    if sizes.chosen:
        return None, None, None, None
    by: tuple[Callable[[Sizes], Fraction], ...] = (
        formulas.paper_parameters,
        formulas.paper_parameters_approximation,
        formulas.paper_macs,
        formulas.paper_macs_approximation,
    )
    return tuple(formula(sizes) for formula in by)


def _notes(parameters: Figures, macs: Figures, owner: str, shared: str | None) -> list[str]:
    notes = [f"its router is counted with {shared}"] if shared is not None and shared != owner else []
    if more := parameters.measured - parameters.as_built:
        notes.append(f"{more:+,} parameters: its modules hold others than kernels, biases and linear routers")
    if more := macs.measured - macs.as_built:
        notes.append(f"{more:+,} MACs: its router or its mixing does not run as linear layers, once a kernel made")
    return notes


def _broken(sizes: Sizes, parameters: Figures, macs: Figures, papers: Papers) -> list[str]:
    """The assumptions of the paper's formulas that do not hold, where a figure is off."""
    names = []
    off = [
        paper is not None and abs(paper / Fraction(figures.measured, figures.static) - 1) > OFF
        for paper, figures in zip(papers, (parameters, parameters, macs, macs), strict=True)
    ]
    if any(off) and sizes.groups > 1:
        names.append(f"groups: {sizes.groups}, not 1")
    if any(off[:2]) or off[2]:
        weights = (sizes.c_in**2, sizes.c_in * sizes.experts)
        if sizes.router_weights != weights or sizes.router_biases:
            router = sum(sizes.router_weights) + sum(sizes.router_biases)
            has = f"another router: {router:,} parameters, not" if router else "no router of its own: the paper's has"
            names.append(f"{has} {sum(weights):,}")
    if off[1] and sizes.c_in != sizes.c_out:
        names.append(f"C_in {sizes.c_in} is not C_out {sizes.c_out}")
    if off[1] and sizes.experts > OFF * sizes.c_out * sizes.area:
        names.append(f"M {sizes.experts} is not much less than C_out·K² {sizes.c_out * sizes.area}")
    if (off[2] or off[3]) and sizes.experts > OFF * sizes.positions:
        names.append(f"H'W' {sizes.positions} is not much more than M {sizes.experts}")
    if (off[2] or off[3]) and not sizes.products:
        names.append("kernels are mixed element by element, which is no multiply-accumulate")
    if (off[2] or off[3]) and sizes.kernels_generated < sizes.batch:
        names.append(f"{sizes.kernels_generated} mixture for {sizes.batch} samples")
    return names


def _moved(flow: Flow, op: DynamicOp, kernel: int) -> int:
    """Bytes that the plain layer reads and writes: what goes in, one kernel, what comes out."""
    width = op.weight.dtype.itemsize
    return op.input.nbytes + kernel * width + flow.operations[op.operation].outputs[0].nbytes


def _owner(path: str) -> str:
    """The module that a parameter belongs to."""
    return path.rpartition(".")[0]


def _common(paths: Sequence[str]) -> str:
    """The innermost module that holds all of some modules."""
    first, *rest = [path.split(".") if path else [] for path in paths]
    kept: list[str] = []
    for place, name in enumerate(first):
        if any(other[place : place + 1] != [name] for other in rest):
            break
        kept.append(name)
    return ".".join(kept)
