"""A built model and its ledger -> the profile."""

from __future__ import annotations

import platform
import sys
from collections import Counter
from importlib import metadata
from typing import TYPE_CHECKING, Any

from archprof.profiles import (
    Coverage,
    Environment,
    Input,
    Layer,
    Module,
    Operation,
    Profile,
    Reported,
    Totals,
    Variant,
)
from archprof.variant.spec import VariantSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor, nn

    from archprof.build.built import Built, BuiltLayer
    from archprof.count.ledger import Ledger
    from archprof.trace.record import TensorInfo

PACKAGES = ("torch", "torchvision", "ultralytics", "ultralytics-thop", "timm", "fvcore")
"""Distributions whose versions may change a figure."""


def assemble(
    built: Built,
    ledger: Ledger,
    *,
    inputs: tuple[Tensor, ...],
    device: str,
    reported: dict[str, Reported],
    remarks: tuple[str, ...],
) -> Profile:
    """Put together what is known of a model that was built, run and counted."""
    return Profile(
        variant=_variant(built),
        input=Input(
            shapes=[list(tensor.shape) for tensor in inputs],
            dtype=str(inputs[0].dtype).removeprefix("torch."),
            batch=inputs[0].shape[0],
            kind=built.kind,
        ),
        environment=_environment(device, remarks),
        totals=_totals(built.module, ledger),
        coverage=_coverage(ledger),
        layers=_layers(built, ledger),
        modules=_modules(built.module, ledger),
        operations=_operations(ledger),
        reported=reported,
    )


def _variant(built: Built) -> Variant:
    spec = built.spec
    yaml = spec if isinstance(spec, VariantSpec) else None
    classes = yaml.values.get("nc") if yaml else spec.settings.get("nc")
    return Variant(
        name=spec.name,
        reference=spec.reference,
        origin="yaml" if isinstance(spec, VariantSpec) else spec.origin,
        family=yaml.family if yaml else None,
        task=built.task,
        scale=yaml.scale if yaml else None,
        path=str(yaml.path) if yaml else None,
        nc=classes if isinstance(classes, int) else None,
        settings=dict(spec.settings),
        fused=built.fused,
        strides=list(built.strides),
    )


def _environment(device: str, remarks: tuple[str, ...]) -> Environment:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Environment(
        device=device,
        python=".".join(str(part) for part in sys.version_info[:3]),
        platform=platform.platform(),
        packages=versions,
        remarks=list(remarks),
    )


def _totals(model: nn.Module, ledger: Ledger) -> Totals:
    parameters = list(model.parameters())
    return Totals(
        modules=sum(1 for _ in model.modules()),
        layers=sum(1 for module in model.modules() if not module._modules),
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable_parameters=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        macs=ledger.macs,
        flops=2 * ledger.macs,
        elementwise_flops=ledger.elementwise_flops,
        weight_bytes=sum(parameter.numel() * parameter.element_size() for parameter in parameters),
        activation_bytes=_written(ledger),
    )


def _written(ledger: Ledger) -> int:
    """Bytes that the operations write; a view writes none."""
    return sum(
        output.nbytes
        for entry in ledger.entries
        if not entry.operation.function.is_view
        for output in entry.operation.outputs
    )


def _coverage(ledger: Ledger) -> Coverage:
    states = ledger.states()
    return Coverage(
        operations=len(ledger.entries),
        counted=states["counted"],
        free=states["free"],
        unknown=ledger.unknown,
    )


def _layers(built: Built, ledger: Ledger) -> list[Layer]:
    """One entry a row: what ran in its module or below it."""
    macs: Counter[str] = Counter()
    elementwise: Counter[str] = Counter()
    shapes: dict[str, list[list[int]]] = {}
    rows = {layer.path for layer in built.layers}
    for call, own in zip(ledger.trace.calls, ledger.own, strict=True):
        if row := _row_of(call.path, rows):
            macs[row] += own.macs
            elementwise[row] += own.elementwise_flops
        if call.path in rows:
            shapes[call.path] = _shapes(call.outputs)
    return [_layer(layer, built.module.get_submodule(layer.path), macs, elementwise, shapes) for layer in built.layers]


def _row_of(path: str, rows: set[str]) -> str | None:
    """The row that a module belongs to, which is the module itself or one that it is in."""
    parts = path.split(".")
    return next((row for end in range(len(parts), 0, -1) if (row := ".".join(parts[:end])) in rows), None)


def _layer(
    layer: BuiltLayer,
    module: nn.Module,
    macs: Counter[str],
    elementwise: Counter[str],
    shapes: dict[str, list[list[int]]],
) -> Layer:
    return Layer(
        index=layer.index,
        from_=list(layer.sources),
        repeats=layer.repeats,
        module=layer.module,
        path=layer.path,
        arguments=[_plain(argument) for argument in layer.arguments],
        output_shapes=shapes.get(layer.path, []),
        parameters=_parameters(module),
        modules=sum(1 for _ in module.modules()),
        macs=macs[layer.path],
        elementwise_flops=elementwise[layer.path],
        line=layer.line,
    )


def _modules(model: nn.Module, ledger: Ledger) -> list[Module]:
    """One entry a module, in the order of the tree; one that ran several times has the sum of its calls."""
    calls: Counter[str] = Counter()
    sums: dict[str, list[int]] = {}
    shapes: dict[str, list[list[int]]] = {}
    for call, own, inclusive in zip(ledger.trace.calls, ledger.own, ledger.inclusive, strict=True):
        calls[call.path] += 1
        total = sums.setdefault(call.path, [0, 0, 0, 0])
        for index, value in enumerate((*inclusive, *own)):
            total[index] += value
        shapes[call.path] = _shapes(call.outputs)
    entries = []
    for path, module in model.named_modules():
        macs, elementwise, own_macs, own_elementwise = sums.get(path, (0, 0, 0, 0))
        entries.append(
            Module(
                path=path,
                type=type(module).__name__,
                depth=path.count(".") + 1 if path else 0,
                calls=calls[path],
                parameters=_parameters(module),
                own_parameters=sum(parameter.numel() for parameter in module.parameters(recurse=False)),
                macs=macs,
                own_macs=own_macs,
                elementwise_flops=elementwise,
                own_elementwise_flops=own_elementwise,
                output_shapes=shapes.get(path, []),
            )
        )
    return entries


def _operations(ledger: Ledger) -> list[Operation]:
    """One entry an operation's name, the dearest first."""
    calls: Counter[tuple[str, str]] = Counter()
    macs: Counter[tuple[str, str]] = Counter()
    elementwise: Counter[tuple[str, str]] = Counter()
    for entry in ledger.entries:
        key = entry.operation.name, entry.state
        calls[key] += 1
        macs[key] += entry.count.macs
        elementwise[key] += entry.count.elementwise_flops
    order = sorted(calls, key=lambda key: (-macs[key], -elementwise[key], key))
    return [
        Operation(name=key[0], state=key[1], calls=calls[key], macs=macs[key], elementwise_flops=elementwise[key])
        for key in order
    ]


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _shapes(tensors: Iterable[TensorInfo]) -> list[list[int]]:
    return [list(tensor.shape) for tensor in tensors]


def _plain(value: Any) -> Any:
    """A constructor's argument as JSON has it; a class or module by its name."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        sequence: Sequence[Any] = value
        return [_plain(item) for item in sequence]
    return getattr(value, "__name__", None) or str(value)
