"""What each operation costs: one file a family, its gradients beside it, registered as it is imported.

| file | operations |
| --- | --- |
| `convolution` | convolutions of all dimensions, transposed, grouped, deformable |
| `product` | matrix products, linear layers, trilinear and grouped products |
| `attention` | scaled-dot-product attention and torch's fused encoder layer |
| `recurrent` | fused RNN, LSTM and GRU kernels |
| `quantized` | layers of integers, quantising and dequantising |
| `linear_algebra` | factorisations, triangular systems, inverses, determinants |
| `normalization` | batch, layer, group, RMS and weight norms |
| `pooling` | pooling windows: fixed, adaptive, fractional, over regions of interest |
| `interpolation` | resizing and grid sampling |
| `pointwise` | activations and whatever computes element by element |
| `reduction` | sums, extrema, softmax, sorting, searching |
| `loss` | losses |
| `prims` | torch's primitive operations, which its Python kernels run |
| `transform` | Fourier transforms, distances, folds, gathers that add |

What costs nothing is in :mod:`archprof.count.free`. The rule outside the MAC family: one FLOP for each elementary
function (sum, product, comparison, exponential ...) on each element. What a kernel spends inside on approximating an
exponential is not counted, as no counter in the field does.
"""

from archprof.count.formulas import FORMULAS, register_formula

with FORMULAS.own():
    from archprof.count.operations import (  # noqa: F401 - they register their formulas
        attention,
        convolution,
        interpolation,
        linear_algebra,
        loss,
        normalization,
        pointwise,
        pooling,
        prims,
        product,
        quantized,
        recurrent,
        reduction,
        transform,
    )

__all__ = ["register_formula"]
