"""A YAML beside a file that was exported from it: the file's modules as the YAML's rows, and what the export did.

Exporters of PyTorch write the path of each module into the file, so that a row is found by its path. Some put a name
before every path: that of the module that was wrapped around the network. Where a file has no names, what computes in
it is found by its order and its shapes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from archprof.compare.order_join import DEEP, computing, join
from archprof.records.comparison import COUNTS
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archprof.compare.model import Model
    from archprof.compare.order_join import PartPair
    from archprof.records.comparison import Part

_ONE_TO_ONE = "one2one"
"""How the branches of an NMS-free head begin."""

_SUPPRESSIONS = frozenset({"NonMaxSuppression", "torchvision.nms"})
"""What suppresses boxes, in ONNX files and in exported programs."""

_NAMED = 4
"""How many rows a sentence names."""


def rows_of_file(rows: Sequence[Part], file: Model) -> list[Part]:
    """The file's modules under the rows that they belong to, each with the row's place and the file's figures.

    Args:
        rows: The rows of the YAML.
        file: The file.

    Returns:
        One part a row, with no figures where the file has no such module; nothing where no row is found in it.
    """
    parts = _by_path(file, [row.path for row in rows])
    if not parts:
        return []
    known = ("parameters",) if file.weights_only else COUNTS
    return [_as_row(row, parts.get(row.path), known) for row in rows]


def join_by_order(yaml: Model, file: Model) -> list[PartPair]:
    """What computes in the YAML's network and in a file without names, paired by order and shape.

    Returns:
        The pairs; nothing where fewer than half of the network's modules have a partner.
    """
    leaves, nodes = map(computing, (yaml, file))
    pairs = join(leaves, nodes)
    return pairs if 2 * sum(old is not None and new is not None for old, new in pairs) >= len(leaves) > 0 else []


def rows_by_order(rows: Sequence[Part], pairs: Sequence[PartPair]) -> list[Part]:
    """The rows of a YAML with the parameters and FLOPs of the file's nodes that they were paired with."""
    owner = {row.path: index for index, row in enumerate(rows)}
    sums = [Counter[str]() for _ in rows]
    for old, new in pairs:
        if old and new and (row := _row_of(old.path, owner)) is not None:
            sums[row].update(parameters=new.parameters or 0, flops=new.flops or 0)
    unknown = dict.fromkeys(COUNTS[2:])
    return [
        msgspec.structs.replace(
            row, output_shapes=None, parameters=total["parameters"], flops=total["flops"], **unknown
        )
        for row, total in zip(rows, sums, strict=True)
    ]


def _row_of(path: str, owner: Mapping[str, int]) -> int | None:
    """The index of the row that a module is in."""
    while path:
        if path in owner:
            return owner[path]
        path = path.rpartition(".")[0]
    return None


def sentences_by_order(yaml: Model, file: Model, rows: Sequence[Part], pairs: Sequence[PartPair]) -> list[str]:
    """What an export did to a network, where the file has no names.

    Args:
        yaml: The network as its YAML has it.
        file: The file.
        rows: What :func:`rows_by_order` gives.
        pairs: What :func:`join_by_order` gives.
    """
    absent = {old.path: old.module for old, new in pairs if old and new is None}
    lone = [new.path for old, new in pairs if new and old is None]
    more = f" and {len(lone) - _NAMED} more" if len(lone) > _NAMED else ""
    return [
        "the file has no names of modules or weights: rows were found by order and shape",
        *_folded(_leaves(yaml), file),
        *_dropped(yaml.rows, absent),
        *([_NMS] if file.operators & _SUPPRESSIONS else []),
        *([f"in no row: {', '.join(lone[:_NAMED])}{more}"] if lone else []),
        *_products(yaml, file, rows),
    ]


_NMS = "the head is followed by NonMaxSuppression"


def _as_row(row: Part, module: Part | None, known: Sequence[str]) -> Part:
    # Where there is none nothing of it computes, as of a row that only hands on.
    figures = {name: (getattr(module, name) if module else 0) if name in known else None for name in COUNTS}
    return msgspec.structs.replace(row, output_shapes=module.output_shapes if module else None, **figures)


def _by_path(file: Model, paths: Iterable[str]) -> dict[str, Part]:
    """The file's modules with all that is in them, by their paths without what is put before every path."""
    names = set(paths)
    everything = [part.path for part in file.modules(DEEP)]
    prefix = _prefix(names, everything)
    if prefix is None:
        return {}
    depths = {path.count(".") + 1 for path in everything if path.removeprefix(prefix) in names}
    return {
        part.path.removeprefix(prefix): part
        for depth in depths
        for part in file.modules(depth)
        if part.path.count(".") + 1 == depth and part.path.removeprefix(prefix) in names
    }


def _prefix(names: set[str], paths: Iterable[str]) -> str | None:
    """What stands before most of the paths that are looked for; None where none is there."""
    prefixes: Counter[str] = Counter()
    for path in paths:
        parts = path.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in names:
                prefixes["".join(f"{part}." for part in parts[:start])] += 1
    return max(prefixes, key=lambda prefix: (prefixes[prefix], -len(prefix))) if prefixes else None


def sentences(yaml: Model, file: Model, rows: Sequence[Part]) -> list[str]:
    """What an export did to a network, in the words of the trade.

    Args:
        yaml: The network as its YAML has it.
        file: The file.
        rows: What :func:`rows_of_file` gives.
    """
    paths = _leaves(yaml)
    prefix = _prefix({row.path for row in yaml.rows}, [part.path for part in file.modules(DEEP)]) or ""
    exported = {part.path.removeprefix(prefix) for part in file.modules(DEEP)}
    return [
        *_folded(paths, file),
        *_dropped(yaml.rows, {path: kind for path, kind in paths.items() if path not in exported}),
        *_head(paths, exported, file),
        *_widths(yaml.rows, rows),
        *_products(yaml, file, rows),
    ]


def _leaves(model: Model) -> dict[str, str]:
    """The modules that have parameters of their own, by path, with their types."""
    return {part.path: part.module for part in model.modules(DEEP) if part.parameters}


def _folded(paths: Mapping[str, str], file: Model) -> Iterator[str]:
    normalisations = sum("BatchNorm" in kind for kind in paths.values())
    if normalisations and file.variant.fused:
        yield f"{plural(normalisations, 'normalisation')} folded into convolutions"


def _dropped(rows: Sequence[Part], absent: Mapping[str, str]) -> Iterator[str]:
    """The branches of each row that the file has not: their layers with weights, under the name that they share."""
    for row in rows:
        names = dict.fromkeys(
            path.removeprefix(f"{row.path}.").partition(".")[0]
            for path, kind in absent.items()
            if path.startswith(f"{row.path}.") and "BatchNorm" not in kind
        )
        if names:
            yield f"row {row.index} ({row.module}): {', '.join(names)} not in the file"


def _head(paths: Mapping[str, str], exported: set[str], file: Model) -> Iterator[str]:
    def has_branches(names: Iterable[str]) -> bool:
        return any(part.startswith(_ONE_TO_ONE) for path in names for part in path.split("."))

    if file.operators & _SUPPRESSIONS:
        yield _NMS
    if has_branches(exported):
        yield "the head is the NMS-free one"
    elif has_branches(paths):
        yield "the YAML is end2end, and the file has the one-to-many head: its boxes need NMS"


def _widths(before: Sequence[Part], after: Sequence[Part]) -> Iterator[str]:
    changed = [
        f"row {old.index} ({old.module}, {widths[0]} → {widths[1]} channels)"
        for old, new in zip(before, after, strict=True)
        if None not in (widths := [_width(old), _width(new)]) and widths[0] != widths[1]
    ]
    if changed:
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        yield f"another width in {', '.join(changed[:_NAMED])}{more}"


def _width(part: Part) -> int | None:
    """The channels of the one map that a part gives; None where it gives anything else."""
    shapes = part.output_shapes or []
    return shapes[0][1] if len(shapes) == 1 and len(shapes[0]) == 4 else None


def _products(yaml: Model, file: Model, rows: Sequence[Part]) -> Iterator[str]:
    sizes = [_size(model) for model in (yaml, file)]
    if None not in sizes and sizes[0] != sizes[1]:
        asked, given = sizes
        yield f"the file takes {given} and the YAML was counted at {asked}: --imgsz {given} counts it at the same"
        return
    other = [str(old.index) for old, new in zip(yaml.rows, rows, strict=True) if old.flops != new.flops]
    if not other:
        yield f"all {len(rows)} rows have the MACs of the YAML"
    else:
        more = f" and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
        yield f"other MACs in {'rows' if len(other) > 1 else 'row'} {', '.join(other[:_NAMED])}{more}"


def _size(model: Model) -> str | None:
    """The height and the width of the image that goes in, as --imgsz takes them; None where it is no image."""
    shapes = model.input.shapes if model.input else []
    if len(shapes) != 1 or len(shapes[0]) != 4:
        return None
    height, width = shapes[0][2:]
    return str(height) if height == width else f"{height}x{width}"
