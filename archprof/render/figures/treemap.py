"""Where the cost of a model is: the area of each row, module or operation is its share of a metric."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.profile import Profile
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.style import OTHER, PALETTE, VEGA, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render.figures import Spec

METRICS = {
    "flops": ("FLOPs", "FLOPs"),
    "parameters": ("parameters", ""),
    "bytes": ("memory traffic", "B"),
    "time": ("measured time", "s"),
}
"""What an area may be, with its name and the unit of its numbers."""

PARTS = ("rows", "modules", "operations")
"""What the areas may be of."""

ROOT = "/"
"""The key of what all areas lie in; no path and no operation is called so."""

Cell = dict[str, Any]


class Treemap(FigureKind):
    """The parts of a model, as large as what they cost."""

    name = "treemap"
    options = ("--metric", "--parts")
    metrics = tuple(METRICS)
    help = "where the cost is: rows, modules or operations as areas"
    absent = (
        "a treemap is of a profile whose rows, modules or operations have amounts of the metric: `archprof summary REF "
        "-o profile.json` saves one; `archprof bench REF --layers -o bench.json` one with times"
    )

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each profile."""
        for profile in records:
            if isinstance(profile, Profile):
                parts = choice.parts or ("rows" if profile.layers else "modules" if profile.modules else "operations")
                cells, metric = cells_of(profile), choice.metric or "flops"
                if any(cell["parts"] == parts and cell[metric] for cell in cells):
                    yield _figure(profile, parts, metric, cells)


def cells_of(profile: Profile) -> list[Cell]:
    """Every area that may be drawn: of each kind of parts a root, and the parts under it."""
    seconds = {part.name: part.seconds for breakdown in profile.breakdowns[:1] for part in breakdown.parts}
    of_operations = {part.name: part.seconds for entry in profile.breakdowns[:1] for part in entry.operations}
    cells = [_cell(parts, ROOT, None, "", "") for parts in PARTS]
    for layer in profile.layers:
        flops, moved = 2 * layer.macs, layer.bytes_read + layer.bytes_written
        cells.append(
            _cell("rows", layer.path, ROOT, f"{layer.index} {layer.module}", layer.module)
            | {"flops": flops, "parameters": layer.parameters, "bytes": moved, "time": seconds.get(layer.path)}
            | {"row": layer.index, "line": layer.line}
        )
    rows = {layer.path: layer.index for layer in profile.layers}
    for module in profile.modules:
        figures = {
            "flops": 2 * module.own_macs,
            "parameters": module.own_parameters,
            "bytes": module.own_bytes_read + module.own_bytes_written,
        }
        if any(figures.values()):
            path = module.path or "(the model)"
            row = next((rows[parent] for parent in _ancestors(module.path) if parent in rows), None)
            time = seconds.get(module.path) if not profile.layers else None
            cell = _cell("modules", path, ROOT, path, module.type) | figures | {"time": time}
            cells.append(cell | {"row": row})
    for operation in profile.operations:
        if operation.phase == "forward":
            moved = operation.bytes_read + operation.bytes_written
            cell = _cell("operations", operation.name, ROOT, operation.name, operation.name)
            figures = {"flops": 2 * operation.macs, "parameters": 0, "bytes": moved}
            cells.append(cell | figures | {"time": of_operations.get(operation.name)})
    return cells


def _ancestors(path: str) -> Iterator[str]:
    """A module's path, and those of the modules that it is in."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def _cell(parts: str, key: str, parent: str | None, name: str, kind: str) -> Cell:
    figures = {"flops": None, "parameters": None, "bytes": None, "time": None}
    label = {"name": printable(name), "kind": printable(kind)}
    return {"parts": parts, "key": key, "parent": parent, **label, **figures, "row": None, "line": None}


def _figure(profile: Profile, parts: str, metric: str, cells: list[Cell]) -> Figure:
    shown = [cell for cell in cells if cell["parts"] == parts and cell[metric]]
    total = sum(cell[metric] for cell in shown)
    largest = sorted(shown, key=lambda cell: -cell[metric])[:3]
    shares = ", ".join(f"{cell['name']} {units.percent(cell[metric] / total)} %" for cell in largest)
    title, _ = METRICS[metric]
    return Figure(
        kind=Treemap.name,
        title=f"Where the {title} of {profile.variant.name} are" if metric != "time" else "Where the time goes",
        text=f"Areas as large as the {title} of {parts}; the largest: {shares}.",
        spec=_spec(cells, parts, metric),
        about=origin.about(profile, f"{title} of {parts}"),
        command=origin.command(
            Treemap.name, profile.variant, profile.input, "--metric", metric, "--parts", parts,
            training=profile.backward is not None,
        ),
    )  # fmt: skip


def _spec(cells: list[Cell], parts: str, metric: str) -> Spec:
    available = [name for name in METRICS if any(cell[name] for cell in cells)]
    kinds = Counter[str]()
    for cell in cells:
        if cell["parts"] == parts:
            kinds[cell["kind"]] += cell[metric] or 0
    named = [kind for kind, amount in kinds.most_common(len(PALETTE)) if amount]
    choices = {"parts": [name for name in PARTS if any(cell["parts"] == name and cell["parent"] for cell in cells)],
               "metric": available}  # fmt: skip
    number = "datum.metric === 'B' || datum.metric === 's'"
    amount = f"format(datum.size, '.3s') + ({number} ? datum.metric : '')"
    fill = {"signal": "indexof(kinds, datum.kind) < 0 ? other : palette[indexof(kinds, datum.kind)]"}
    on_fill = {"signal": "luminance(indexof(kinds, datum.kind) < 0 ? other : palette[indexof(kinds, datum.kind)])"
                         " > 0.3 ? '#111' : '#fff'"}  # fmt: skip
    corners = {"x": {"field": "x0"}, "x2": {"field": "x1"}, "y": {"field": "y0"}, "y2": {"field": "y1"}}
    middle = {"x": {"signal": "(datum.x0 + datum.x1) / 2"}}
    tooltip = {"signal": "{'': datum.name, 'type': datum.kind, 'amount': format(datum.size, ',') + ' ' + datum.metric,"
                         " 'share': format(datum.size / total, '.1%')}"}  # fmt: skip
    return {
        "$schema": VEGA,
        "height": 340,
        "signals": [
            *(
                {"name": name, "value": value, "bind": {"input": "select", "options": choices[name]}}
                for name, value in (("parts", parts), ("metric", metric))
            ),
            {"name": "kinds", "value": named},
            {"name": "palette", "value": list(PALETTE)},
            {"name": "other", "value": OTHER},
            {"name": "total", "update": "length(data('sum')) ? data('sum')[0].total : 1"},
        ],
        "data": [
            {
                "name": "cells",
                "values": cells,
                "transform": [
                    {"type": "filter", "expr": "datum.parts === parts && (datum.parent === null || datum[metric] > 0)"},
                    {"type": "formula", "as": "size", "expr": "datum.parent === null ? 0 : datum[metric]"},
                    {"type": "formula", "as": "metric", "expr": "{flops: 'FLOPs', parameters: '', bytes: 'B', "
                                                                "time: 's'}[metric]"},
                    {"type": "stratify", "key": "key", "parentKey": "parent"},
                    {"type": "treemap", "field": "size", "method": "squarify", "ratio": 1.5, "round": True,
                     "paddingInner": 1.5, "size": [{"signal": "width"}, {"signal": "height"}],
                     "sort": {"field": "value", "order": "descending"}},
                    {"type": "filter", "expr": "datum.parent !== null"},
                ],
            },
            {
                "name": "sum",
                "source": "cells",
                "transform": [{"type": "aggregate", "fields": ["size"], "ops": ["sum"], "as": ["total"]}],
            },
        ],
        "marks": [
            {
                "type": "rect",
                "name": "areas",
                "from": {"data": "cells"},
                "encode": {"update": {**corners, "fill": fill, "tooltip": tooltip, "cursor": {"value": "pointer"}}},
            },
            *(
                {
                    "type": "text",
                    "interactive": False,
                    "aria": False,
                    "from": {"data": "cells"},
                    "encode": {
                        "update": {
                            **middle,
                            "y": {"signal": f"(datum.y0 + datum.y1) / 2 + (datum.y1 - datum.y0 < 30 ? 0 : {offset})"},
                            "text": {"signal": f"datum.y1 - datum.y0 < {least} ? '' : {text}"},
                            "limit": {"signal": "datum.x1 - datum.x0 < 32 ? 1 : datum.x1 - datum.x0 - 6"},
                            "fillOpacity": {"signal": "datum.x1 - datum.x0 < 32 ? 0 : 1"},
                            "align": {"value": "center"},
                            "baseline": {"value": "middle"},
                            "fill": on_fill,
                        }
                    },
                }
                for text, offset, least in (("datum.name", -7, 14), (amount, 7, 30))
            ),
        ],
    }  # fmt: skip


FIGURES.register(Treemap.name, Treemap())
