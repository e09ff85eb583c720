"""Dynamic layers of a counted trace -> predicted against measured."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from archprof.parameternet import formulas
from archprof.parameternet.boundary import MOVES, complete
from archprof.parameternet.declared import METHOD, DynamicDeclaration, declaration, disagreements
from archprof.parameternet.find import DynamicOp, find, samples
from archprof.parameternet.formulas import Sizes
from archprof.parameternet.model_totals import model_totals
from archprof.parameternet.ratios import ratio
from archprof.parameternet.separate_experts import separate_experts
from archprof.records.parameternet import DynamicLayer, Figures, ParameterNet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from archprof.count.ledger import Ledger
    from archprof.count.memory import Memory
    from archprof.parameternet.flow import Flow
    from archprof.parameternet.ratios import Papers
    from archprof.trace.record import TensorInfo, Trace
    from archprof.trace.run import RunSpec

OFF = Fraction(5, 100)
"""From what relative error on a prediction names the assumption that broke."""


def analyse(ledger: Ledger, memory: Memory, run_spec: RunSpec) -> tuple[ParameterNet | None, list[str]]:
    """The dynamic layers of a model and the model as a whole.

    Args:
        ledger: The model's pass, counted.
        memory: What it moved.
        run_spec: How it was run.

    Returns:
        What there is to say, None where the model has no dynamic layers; and what looks dynamic and is not analysed.
    """
    parts, remarks = dynamic_layers(ledger, memory)
    if not parts:
        return None, remarks
    layers = [layer for layer, _ in parts]
    totals = model_totals(ledger, memory, layers, [papers for _, papers in parts], run_spec)
    return ParameterNet(layers=layers, model=totals), remarks


def dynamic_layers(
    ledger: Ledger, memory: Memory, flow: Flow | None = None
) -> tuple[list[tuple[DynamicLayer, Papers]], list[str]]:
    """The dynamic layers of a model, each with what the paper's formulas give it.

    Args:
        ledger: The model's pass, counted.
        memory: What it moved.
        flow: The flow of its trace, where that is known already.

    Returns:
        The layers, and what looks dynamic and is not analysed.
    """
    flow, candidates = find(ledger.trace, flow)
    charged = _Charged(ledger.trace.model)
    banks: dict[frozenset[int], list[DynamicOp]] = {}
    for run in (complete(flow, ledger.trace, layer) for layer in candidates):
        banks.setdefault(frozenset(map(id, run.mixture.bank)), []).append(run)
    parts = [_layer(flow, ledger, memory, runs, charged) for runs in banks.values()]
    return parts, [*_undetected(ledger.trace, charged), *separate_experts(flow, ledger.trace)]


def _undetected(trace: Trace, charged: _Charged) -> list[str]:
    """Which modules say that they are dynamic layers while none was found in them."""
    paths = dict.fromkeys(call.path for call in trace.calls if callable(getattr(call.module, METHOD, None)))
    return [
        f"{path or 'the model'} declares a dynamic layer in {METHOD}(), and none was found in it"
        for path in paths
        if path not in charged.declared
    ]


class _Charged:
    """What earlier layers were charged with: routers, and modules whose parameters were counted.

    ``parameters`` are the model's parameters (a trace names buffers too), ``declared`` the modules that declared which
    layer they are.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.routers: dict[int, str] = {}
        self.modules: set[str] = set()
        self.declared: set[str] = set()

    @cached_property
    def parameters(self) -> set[str]:
        return {path for path, _ in self._model.named_parameters()}


def _layer(
    flow: Flow, ledger: Ledger, memory: Memory, runs: list[DynamicOp], charged: _Charged
) -> tuple[DynamicLayer, Papers]:
    trace, first = ledger.trace, runs[0]
    operation = flow.operations[first.operation]
    bank = [tensor.parameter or "" for tensor in first.mixture.bank]
    routers = {index for run in runs for index in run.router if index not in charged.routers}
    shared = _shared(flow, first, charged)
    bank_ids = {id(tensor) for tensor in first.mixture.bank}
    router = [
        tensor
        for tensor in flow.parameters(first.router & routers)
        if id(tensor) not in bank_ids and tensor.parameter in charged.parameters
    ]
    paths = [*bank, *(tensor.parameter or "" for tensor in router)]
    owner = _common([_owner(path) for path in paths])
    charged.routers.update(dict.fromkeys(routers, owner))
    sizes_of_runs = [_sizes(flow, run, router) for run in runs]
    sizes = sizes_of_runs[0]

    steps = {index for run in runs for part in (run.mixture, run.bias) if part for index in part.steps}
    convolutions = {run.operation for run in runs}
    modules = {_owner(path) for path in paths} - charged.modules
    charged.modules |= modules
    counted = sum(
        parameter.numel() for path in modules for parameter in trace.model.get_submodule(path).parameters(recurse=False)
    )
    parameters = Figures(
        static=formulas.static_parameters(sizes), as_built=formulas.built_parameters(sizes), measured=counted
    )
    macs = Figures(
        static=sum(map(formulas.static_macs, sizes_of_runs)),
        as_built=sum(map(formulas.built_macs, sizes_of_runs)),
        measured=sum(ledger.entries[index].count.macs for index in steps | convolutions | routers),
    )
    kernel = samples(first, operation)[4]
    detected = DynamicDeclaration(
        experts=sizes.experts,
        in_channels=sizes.c_in,
        out_channels=sizes.c_out,
        kernel=kernel,
        groups=sizes.groups,
        top_k=sizes.top_k,
    )
    differences: list[str] = []
    if declared := declaration(trace.model, _owner(bank[0])):
        charged.declared.add(declared[0])
        differences += disagreements(declared[1], detected)
    papers = _papers(sizes)
    traffic = memory.traffic
    elements = [formulas.built_traffic(sizes) for sizes in sizes_of_runs]
    width = first.weight.dtype.itemsize
    kind = "convolution" if operation.name == "aten.convolution" else "experts" if sizes.top_k else "linear"
    layer = DynamicLayer(
        module=owner,
        type=type(trace.model.get_submodule(owner)).__name__,
        kind=kind,
        in_channels=sizes.c_in,
        out_channels=sizes.c_out,
        kernel=list(kernel),
        groups=sizes.groups,
        stride=list(operation.arguments[3]) if kind == "convolution" else [],
        output_size=list(operation.outputs[0].shape[2:]) if kind == "convolution" else [],
        batch=sizes.batch,
        experts=sizes.experts,
        top_k=sizes.top_k,
        calls=len(runs),
        router=list(sizes.router_weights),
        parameters=parameters,
        macs=macs,
        parameters_ratio=ratio(parameters, *papers[:2]),
        flops_ratio=ratio(macs, *papers[2:]),
        mixing_bytes=sum(sum(traffic[index]) for index in steps),
        moved_bytes=sum(sum(traffic[index]) for index in steps | convolutions | routers),
        predicted_bytes=None if None in elements else width * sum(filter(None, elements)),
        static_bytes=sum(_static_traffic(flow, run, sizes.kernel) for run in runs),
        notes=[*_notes(parameters, macs, owner, None if sizes.router_weights else shared), *differences],
        broken_assumptions=_broken_assumptions(sizes, parameters, macs, papers),
    )
    return layer, papers


def _shared(flow: Flow, layer: DynamicOp, charged: _Charged) -> str | None:
    """The module that the nearest router behind a layer's coefficients was counted with, where it was already."""
    operations = 0
    for tensor, before in layer.mixture.coefficients:
        operations |= flow.ancestors([tensor], before)
    return next(
        (charged.routers[index] for index in sorted(charged.routers, reverse=True) if operations >> index & 1), None
    )


def _sizes(flow: Flow, layer: DynamicOp, router: Sequence[TensorInfo]) -> Sizes:
    operation = flow.operations[layer.operation]
    batch, c_in, c_out, groups, kernel, positions = samples(layer, operation)
    area = 1
    for side in kernel:
        area *= side
    top_k, rows = 0, layer.kernels_generated
    if layer.mixture.top_k_routed and operation.name == "aten.convolution":
        top_k = 1
    elif layer.mixture.top_k_routed:
        tokens = _tokens(flow, layer) // c_in
        top_k, batch, positions = batch * positions // tokens, tokens, 1
        rows = layer.kernels_generated // top_k if layer.mixture.steps else tokens
    bias = operation.arguments[2] if operation.name == "aten.convolution" else None
    return Sizes(
        experts=layer.mixture.experts,
        c_in=c_in,
        c_out=c_out,
        area=area,
        groups=groups,
        positions=positions,
        batch=batch,
        top_k=top_k,
        kernels_generated=layer.kernels_generated,
        products=layer.mixture.products,
        bias=bias is not None,
        bias_mixed=layer.bias is not None,
        router_weights=tuple(tensor.numel for tensor in router if len(tensor.shape) > 1),
        router_biases=tuple(tensor.numel for tensor in router if len(tensor.shape) <= 1),
        router_outputs=tuple(tensor.shape[0] for tensor in router if len(tensor.shape) > 1),
        router_rows=rows,
        inputs=layer.input.numel,
        outputs=operation.outputs[0].numel,
    )


def _tokens(flow: Flow, layer: DynamicOp) -> int:
    """Elements of the tokens before each was copied for the experts that it goes to."""
    tensor, before, tokens = layer.input, layer.operation, layer.input.numel
    while (index := flow.maker(tensor, before)) is not None:
        operation = flow.operations[index]
        if not (operation.function.is_view or operation.name in MOVES):
            break
        tensor, before = operation.arguments[0], index
        if not flow.dynamic(tensor):
            break
        tokens = min(tokens, tensor.numel)
    return tokens


def _papers(sizes: Sizes) -> Papers:
    if sizes.top_k:
        return None, None, None, None
    functions: tuple[Callable[[Sizes], Fraction], ...] = (
        formulas.paper_parameters,
        formulas.paper_parameters_approximation,
        formulas.paper_macs,
        formulas.paper_macs_approximation,
    )
    return tuple(formula(sizes) for formula in functions)


def _notes(parameters: Figures, macs: Figures, owner: str, shared: str | None) -> list[str]:
    notes = [f"its router is counted with {shared}"] if shared is not None and shared != owner else []
    if excess := parameters.measured - parameters.as_built:
        notes.append(f"{excess:+,} parameters: its modules have parameters besides kernels, biases and linear routers")
    if excess := macs.measured - macs.as_built:
        notes.append(f"{excess:+,} MACs: its router or its mixing does not run as linear layers, once a kernel made")
    return notes


def _broken_assumptions(sizes: Sizes, parameters: Figures, macs: Figures, papers: Papers) -> list[str]:
    """The assumptions of the paper's formulas that do not hold, where one of these is off."""
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
            total = sum(sizes.router_weights) + sum(sizes.router_biases)
            router = f"another router: {total:,} parameters, not" if total else "no router of its own: the paper's has"
            names.append(f"{router} {sum(weights):,}")
    if off[1] and sizes.c_in != sizes.c_out:
        names.append(f"C_in {sizes.c_in} is not C_out {sizes.c_out}")
    if off[1] and sizes.experts > OFF * sizes.c_out * sizes.area:
        names.append(f"M {sizes.experts} is not much less than C_out·K² {sizes.c_out * sizes.area}")
    if (off[2] or off[3]) and sizes.experts > OFF * sizes.positions:
        names.append(f"H'W' {sizes.positions} is not much more than M {sizes.experts}")
    if (off[2] or off[3]) and not sizes.products:
        names.append("kernels are mixed element by element, which is not a multiply-accumulate")
    if (off[2] or off[3]) and sizes.kernels_generated < sizes.batch:
        names.append(f"{sizes.kernels_generated} mixture for {sizes.batch} samples")
    return names


def _static_traffic(flow: Flow, layer: DynamicOp, kernel: int) -> int:
    """Bytes that the plain layer reads and writes: what goes in, one kernel, what comes out."""
    width = layer.weight.dtype.itemsize
    return layer.input.nbytes + kernel * width + flow.operations[layer.operation].outputs[0].nbytes


def _owner(path: str) -> str:
    """The module that a parameter belongs to."""
    return path.rpartition(".")[0]


def _common(paths: Sequence[str]) -> str:
    """The innermost module that holds all of some modules."""
    first, *rest = [path.split(".") if path else [] for path in paths]
    shared: list[str] = []
    for depth, name in enumerate(first):
        if any(module[depth : depth + 1] != [name] for module in rest):
            break
        shared.append(name)
    return ".".join(shared)
