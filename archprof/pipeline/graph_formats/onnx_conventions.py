"""The conventions that an ONNX file has figures of: the exact count in its units. Other tools' are about PyTorch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archprof.records.conventions import DEFAULT, find_convention
from archprof.records.profile import Reported, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archprof.count.formulas import Count
    from archprof.count.onnx_operators.ledger import Ledger

AMOUNTS: Mapping[str, Callable[[Count], int]] = {
    "macs": lambda cost: cost.macs,
    "all": lambda cost: 2 * cost.macs + cost.elementwise_flops,
}
"""Convention -> what it gives an operation of this exact cost."""


def reports(names: Sequence[str], ledger: Ledger, paths: Sequence[str]) -> tuple[dict[str, Reported], list[str]]:
    """The figures of conventions, and why others have none.

    Args:
        names: The conventions.
        ledger: The file's operations.
        paths: The module of each.

    Raises:
        UsageError: Where there is no such convention.
    """
    figures: dict[str, Reported] = {}
    remarks: list[str] = []
    for name in dict.fromkeys(names):
        convention = find_convention(name)
        if name in AMOUNTS:
            figures[name] = _report(f"{convention.unit} ({convention.rule})", AMOUNTS[name], ledger, paths)
        elif name != DEFAULT:
            remarks.append(f"--convention {name} cannot be given: it is a rule for PyTorch's operations and modules")
    return figures, remarks


def _report(unit: str, amount: Callable[[Count], int], ledger: Ledger, paths: Sequence[str]) -> Reported:
    calls: Counter[tuple[str, str]] = Counter()
    amounts: Counter[tuple[str, str]] = Counter()
    macs: Counter[tuple[str, str]] = Counter()
    for entry, path in zip(ledger.entries, paths, strict=True):
        if given := amount(entry.count):
            key = path, entry.label
            calls[key] += entry.operation.repeats
            amounts[key] += given
            macs[key] += entry.count.macs
    total = amounts.total()
    shapes = [tensor.shape for tensor in ledger.trace.inputs.tensors]
    return Reported(
        gflops=total / 10**9,
        unit=unit,
        operations=total,
        input_shape=list(shapes[0] or ()) if shapes else [],
        exact_macs=macs.total(),
        shares=[
            Share(module=key[0], operation=key[1], calls=calls[key], amount=amounts[key], macs=macs[key])
            for key in amounts
        ],
    )
