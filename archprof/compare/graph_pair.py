"""Two files that are graphs, as before and after an optimiser or a quantiser: what was done between them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from archprof.compare.order_join import computing, join, missing
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.compare.model import Model
    from archprof.compare.order_join import PartPair
    from archprof.records.comparison import Part

_NAMED = 4
"""How many modules or operators a sentence names."""


def shares_names(before: Model, after: Model) -> bool:
    """Whether most of what computes has the same path in both files."""
    old, new = ({part.path for part in computing(model)} for model in (before, after))
    return 2 * len(old & new) > min(len(old), len(new))


def joined(before: Model, after: Model) -> list[PartPair]:
    """What computes in both files: paired by paths, where these are the same, else by order and shape."""
    old, new = computing(before), computing(after)
    partners = {part.path: part for part in new} if shares_names(before, after) else {}
    shared = [(part, partners[part.path]) for part in old if part.path in partners]
    names = {part.path for part, _ in shared}
    return [
        *shared,
        *join([part for part in old if part.path not in names], [part for part in new if part.path not in names]),
    ]


def sentences(before: Model, after: Model, pairs: Sequence[PartPair]) -> list[str]:
    """What was done between two files, in the words of the trade.

    Args:
        before: The file as it was.
        after: The file as it is.
        pairs: Which module of one is which of the other.
    """
    return [
        *_nodes(before, after),
        *_folded(before, after),
        *_fused(before, after),
        *_precision(before, after, pairs),
        *_products(pairs),
    ]


def _types(model: Model) -> Counter[str]:
    """How many nodes there are of each operator, without its domain."""
    types: Counter[str] = Counter()
    for name, calls in model.operator_calls.items():
        types[name.partition(" ")[0].rpartition(".")[2]] += calls
    return types


def _nodes(before: Model, after: Model) -> Iterator[str]:
    old, new = _types(before).total(), _types(after).total()
    yield f"{old:,} nodes → {new:,}" if old != new else f"{plural(old, 'node')} in both"


def _folded(before: Model, after: Model) -> Iterator[str]:
    old, new = _types(before), _types(after)
    if (normalisations := old["BatchNormalization"] - new["BatchNormalization"]) > 0:
        yield f"{plural(normalisations, 'normalisation')} folded into convolutions"
    gone = Counter({type_: old[type_] - new[type_] for type_ in _COMPUTED_AHEAD if old[type_] > new[type_]})
    if gone:
        yield f"constants folded: {_listed(gone)} fewer"


_COMPUTED_AHEAD = (
    "Constant",
    "ConstantOfShape",
    "Shape",
    "Size",
    "Gather",
    "Range",
    "Cast",
    "Unsqueeze",
    "Squeeze",
    "Expand",
    "Identity",
)
"""Operators that exporters write to compute shapes and constants with, and that optimisers compute ahead."""


def _fused(before: Model, after: Model) -> Iterator[str]:
    old, new = _types(before), _types(after)
    made = Counter(
        {type_: count - old[type_] for type_, count in new.items() if count > old[type_] and _is_fusion(type_)}
    )
    if not made:
        return
    gone = Counter({type_: old[type_] - new[type_] for type_ in _FUSED_AWAY if old[type_] > new[type_]})
    yield f"nodes fused: {_listed(made)}" + (f", for which {_listed(gone)} went" if gone else "")


_FUSION = re.compile(
    r"Fused\w+|\w*Gelu|LayerNormalization|Simplified\w+|Skip\w+|\w*Attention|EmbedLayer\w+|Gemm|RMSNormalization|Swish|"
    r"GroupNorm|InstanceNormalization|RotaryEmbedding|Quick\w+|HardSwish|Mish|Bias\w+|QGemm"
)
_FUSED_AWAY = (
    "Add",
    "Mul",
    "Sub",
    "Div",
    "Pow",
    "Sqrt",
    "Erf",
    "Tanh",
    "Sigmoid",
    "Relu",
    "MatMul",
    "Softmax",
    "ReduceMean",
    "Transpose",
    "Reshape",
    "Slice",
    "Conv",
)
"""Operators that fusions are made of."""


def _is_fusion(type_: str) -> bool:
    """Whether optimisers make such an operator of several."""
    return _FUSION.fullmatch(type_) is not None


def _precision(before: Model, after: Model, pairs: Sequence[PartPair]) -> Iterator[str]:
    old, new = _types(before), _types(after)
    added = {type_: new[type_] - old[type_] for type_ in new}
    if added.get("QLinearConv", 0) + added.get("QLinearMatMul", 0) > 0:
        yield "quantised in operators of integers (QLinearConv and others of its kind)"
    elif added.get("ConvInteger", 0) + added.get("MatMulInteger", 0) > 0:
        yield "quantised dynamically: activations get their scale while it runs (ConvInteger, MatMulInteger)"
    elif added.get("DequantizeLinear", 0) > 0:
        conversions = f"{new['QuantizeLinear']:,} QuantizeLinear and {new['DequantizeLinear']:,} DequantizeLinear"
        yield f"quantised in QDQ form ({conversions})"
    elif added.get("MatMulNBits", 0) > 0:
        yield f"weights of {plural(added['MatMulNBits'], 'product')} packed in few bits (MatMulNBits)"
    changed = Counter(
        (before_name, after_name)
        for before_part, after_part in pairs
        if before_part
        and after_part
        and before_part.flops
        and after_part.flops
        and (before_name := precision_of(before_part)) != (after_name := precision_of(after_part))
    )
    for (before_name, after_name), count in changed.most_common(_NAMED):
        yield f"{plural(count, 'module')}: {before_name} → {after_name}"
    yield from _integer_convolutions(before, after, pairs)


def precision_of(part: Part) -> str:
    """The numbers that a module's most expensive node computes with, as its type has them in brackets."""
    return part.module.partition(" (")[2].removesuffix(")") or "float32"


def _integer_convolutions(before: Model, after: Model, pairs: Sequence[PartPair]) -> Iterator[str]:
    """How many convolutions the file has on integers, and which stay in floating point."""
    convolutions = [part for part in computing(after) if "Conv" in part.module]
    integer = [part for part in convolutions if "int" in precision_of(part)]
    if integer and len(integer) != sum("int" in precision_of(p) for p in computing(before) if "Conv" in p.module):
        floating = [part.path for part in convolutions if part not in integer]
        rest = f"; in floating point: {', '.join(floating[:_NAMED])}" if floating else ""
        more = f" and {len(floating) - _NAMED} more" if len(floating) > _NAMED else ""
        yield f"{len(integer)} of {plural(len(convolutions), 'convolution')} on integers in the file{rest}{more}"


def _products(pairs: Sequence[PartPair]) -> Iterator[str]:
    both = [(old, new) for old, new in pairs if old and new and (old.flops or new.flops)]
    other = [new.path for old, new in both if old.flops != new.flops]
    alone = [part.path for part in missing(pairs) if part.flops]
    if not other and not alone:
        one = "the module that multiplies has the MACs that it had"
        yield one if len(both) == 1 else f"all {len(both):,} modules that multiply have the MACs that they had"
        return
    for names, what in ((other, "other MACs in"), (alone, "in one of the files only:")):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"{what} {', '.join(names[:_NAMED])}{more}"


def _listed(counts: Counter[str]) -> str:
    shown = counts.most_common(_NAMED)
    more = f" and {len(counts) - _NAMED} more operators" if len(counts) > _NAMED else ""
    return ", ".join(f"{count:,} {type_}" for type_, count in shown) + more
