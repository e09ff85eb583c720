"""Where archprof builds what was meant, and the installed Ultralytics would do something else with the same file.

Its ``parse_model`` (``ultralytics/nn/tasks.py``) looks names of blocks up among those that it imports itself, and names
in a row's arguments among its own variables. Whoever trains with Ultralytics needs to know where that differs.
"""

from __future__ import annotations

import ast
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from archprof.builder.stock import TAKES_REPEATS
from archprof.sources import scale_in_name
from archprof.sources.files import SUFFIXES
from archprof.sources.origins.stock import stock
from archprof.sources.settings import is_multiple
from archprof.sources.spec import STOCK, YOLOV5

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archprof.sources.spec import Row, VariantSpec

CHANNELS = 3
"""Channels of the image."""

KEYS = ("nc", "end2end", "kpt_shape")
"""Top-level keys that its parser has as variables, under the same name."""


PLAIN_CONVOLUTIONS = (
    "Ultralytics ignores dynamic_convolutions: and builds these convolutions plain; "
    "the Python file of `archprof suggest --write` makes them dynamic there"
)
"""What is said of a variant with that key."""


def default_channels(spec: VariantSpec) -> int:
    """Channels of the image where nobody asks for others. Only YOLOv5's own code has a key for them."""
    channels = spec.values.get("ch") if spec.family == YOLOV5 else None
    return channels if isinstance(channels, int) and channels > 0 else CHANNELS


def parser_variables(spec: VariantSpec) -> dict[str, Any]:
    """The variables of Ultralytics' parser that a row's argument may name."""
    values, factors = spec.values, spec.factors
    return {
        **{key: values.get(key) for key in KEYS},
        "scales": {name: [scale.depth, scale.width, scale.max_channels] for name, scale in spec.scales.items()} or None,
        "act": values.get("activation"),
        "reg_max": values.get("reg_max", 16),
        "depth": factors.depth,
        "width": factors.width,
        "max_channels": factors.max_channels,
        "scale": spec.size,
    }


def remarks(
    spec: VariantSpec, block_families: Sequence[str], version: str, knows: Callable[[str], bool]
) -> tuple[str, ...]:
    """What Ultralytics would do otherwise with a variant.

    Args:
        spec: The variant.
        block_families: The family that each row's block is registered for.
        version: The installed Ultralytics' version.
        knows: Whether its parser knows the name of a block; asked of rows with blocks of its own.
    """
    pairs = list(zip(spec.rows, block_families, strict=True))
    notes = (
        *_other_file(spec),
        *_depth(spec),
        *_channels(spec),
        *_whole(spec, block_families),
        *_unknown_blocks(pairs, knows),
        *_arguments(spec, pairs),
    )
    return tuple(f"Ultralytics {version} {note}" for note in dict.fromkeys(notes))


def parser_knows(name: str) -> bool:
    """Whether the installed Ultralytics' parser finds a block of that name."""
    from ultralytics.nn import tasks

    return hasattr(tasks, name) or "." in name


def _other_file(spec: VariantSpec) -> Iterator[str]:
    """Ultralytics renames ``yolov8x6.yaml`` to ``yolov8x-p6.yaml``, even where there is a file of the first name."""
    name = PurePath(spec.reference).name
    stem = name.rpartition(".")[0] if name.endswith(SUFFIXES) else name
    other = scale_in_name.renamed(stem)
    if other is None:
        return
    own, scale = next(iter(scale_in_name.without_scale(other)), other), scale_in_name.scale_of(other)
    file = f"{own}.yaml at scale {scale}" if scale else f"{own}.yaml"
    if PurePath(spec.path).stem == stem:
        loaded = f", and loads its own {file}" if own in stock() else ""
        yield (
            f"reads {stem}.yaml as {other}.yaml{loaded}, not this file; "
            f"give the file another name to train what is profiled here"
        )
    else:
        yield f"reads {stem}.yaml as {other}.yaml{f': {file}' if scale else ''}, and so does archprof"


def _depth(spec: VariantSpec) -> Iterator[str]:
    value = spec.values.get("depth_multiple", 1.0)
    if spec.scale is None and not is_multiple(value):
        yield f"ignores `depth_multiple: {value}`, which is not a number, as no row is repeated, and so does archprof"


def _channels(spec: VariantSpec) -> Iterator[str]:
    if (channels := spec.values.get("channels")) not in (None, 3):
        yield (
            f"ignores `channels: {channels}` (it overwrites the key with those of the data, 3 by default), and so does "
            f"archprof; --channels {channels} profiles the model for them"
        )


def _whole(spec: VariantSpec, block_families: Sequence[str]) -> Iterator[str]:
    if spec.family == YOLOV5:
        built = "this one is built as YOLOv5's own code does"
        but = f", which ignores `scales:` though: this is scale {spec.scale}" if spec.scales else ""
        yield f"does not build files whose head gets anchors (TypeError); {built}{but}"
    if any(family != STOCK for family in block_families):  # Ultralytics alone does not build it anyway
        return
    if "head" not in spec.value_lines:
        yield "does not build a file without head: (KeyError)"
    if "nc" not in spec.values:
        yield "does not build a file without nc: (KeyError)"


def _unknown_blocks(pairs: Sequence[tuple[Row, str]], knows: Callable[[str], bool]) -> Iterator[str]:
    for row, family in pairs:
        if family != STOCK:
            continue
        # It renames Silence in the first row, and there only.
        if not (knows(row.module) or (row.module == "Silence" and row.index == 0)):
            yield f"does not know {row.module} in a YAML (KeyError, row {row.index}); it is built here as it was meant"
        elif isinstance(row.repeats, float) and row.repeats <= 1 and row.module in TAKES_REPEATS:
            yield f"does not build {row.module} with repeats {row.repeats} (TypeError, row {row.index}): it takes 1"


def _arguments(spec: VariantSpec, pairs: Sequence[tuple[Row, str]]) -> Iterator[str]:
    names = parser_variables(spec)
    for row, family in pairs:
        for argument in row.arguments if family == STOCK else ():
            if not isinstance(argument, str) or argument in names:
                continue
            if argument in spec.values:
                yield f"does not look up {argument!r} in row {row.index}: its parser keeps the text"
            elif not _is_parsed(argument):
                yield f"does not parse the argument {argument!r} of row {row.index} (SyntaxError)"


def _is_parsed(argument: str) -> bool:
    """Whether a text is Python, as it must be to be a literal, or else be kept as it is."""
    try:
        ast.parse(argument.lstrip(" \t"), mode="eval")
    except SyntaxError:
        return False
    except (ValueError, RecursionError, MemoryError):
        return True
    return True
