"""Resizing and sampling at places: the neighbours' weights and their sum; the gradients share among the neighbours."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count, aten, per_input, per_output, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation

INTERPOLATION = {
    "upsample_linear1d": 3,
    "upsample_bilinear2d": 7,
    "_upsample_bilinear2d_aa": 7,
    "upsample_trilinear3d": 15,
    "upsample_bicubic2d": 31,
    "_upsample_bicubic2d_aa": 31,
    "_upsample_lanczos2d_aa": 71,
}
"""Products with the neighbours' weights and their sum; the weights are computed once a row and column."""

GRID_SAMPLE = {(2, 0): 7, (3, 0): 15, (2, 1): 0, (3, 1): 0, (2, 2): 31, (3, 2): 127}
"""The same for a sample at any place, by the coordinates of the place and torch's number of the mode: linear in each
direction, the nearest neighbour, cubic."""

for _name, _flops in INTERPOLATION.items():
    register_formula(f"aten.{_name}")(per_output(_flops))
    # Each neighbour's share is a product, and is added to what it has.
    register_formula(f"aten.{_name}_backward")(per_input(_flops + 1))

# Each gradient is added where its element came from.
register_formula(
    *aten("upsample_nearest1d_backward upsample_nearest2d_backward upsample_nearest3d_backward"),
    *aten("_upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward _upsample_nearest_exact3d_backward"),
)(per_input(1))


@register_formula(*aten("grid_sampler_2d grid_sampler_3d cudnn_grid_sampler"))
def grid_sample(operation: Operation) -> Count:
    """Each sample's neighbours."""
    mode = 0 if operation.name == "aten.cudnn_grid_sampler" else operation.arguments[2]
    return Count(0, GRID_SAMPLE[operation.arguments[1].shape[-1], mode] * operation.outputs[0].numel)


@register_formula(*aten("grid_sampler_2d_backward grid_sampler_3d_backward cudnn_grid_sampler_backward"))
def grid_sample_backward(operation: Operation) -> Count:
    """The neighbours' shares for the input; as many products and sums again for each coordinate of the grid.

    The nearest neighbour gets all of it, and where it is does not change with the grid.
    """
    native = operation.name != "aten.cudnn_grid_sampler_backward"
    input_, grid = operation.arguments[1:3] if native else operation.arguments[:2]
    mode = operation.arguments[3] if native else 0
    of_input, of_grid = operation.arguments[-1] if native else (True, True)
    *points, coordinates = grid.shape
    forward = GRID_SAMPLE[coordinates, mode]
    directions = coordinates * of_grid if forward else 0
    return Count(0, prod(points) * input_.shape[1] * (forward + 1) * (of_input + directions))
