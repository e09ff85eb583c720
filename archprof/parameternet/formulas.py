"""Parameters and multiply-accumulates of a dynamic convolution, as exact functions of integers.

The paper is ParameterNet (arXiv 2306.14525). Its router has two layers, C_in -> C_in -> M, without biases; its
convolution has no groups and no bias, and one image goes in. What is built may differ in each of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a dynamic layer's cost depends on.

    Attributes:
        experts: M.
        c_in: Channels in.
        c_out: Channels out.
        area: Elements of the kernel's window: K² of a square one, 1 of a linear layer.
        groups: Groups of the convolution.
        positions: Places that one kernel is applied at, H'·W'.
        batch: Samples; of a layer of experts, tokens.
        top_k: Experts that each token is multiplied by; 0 where kernels are mixed instead.
        kernels_generated: Kernels that are mixed: one a sample, or one for the whole batch.
        products: Whether they are mixed by a matrix product, and not element by element.
        bias: Whether there is a bias; it is mixed as the kernels are where ``bias_mixed``.
        bias_mixed: Whether there are M biases.
        router_weights: Elements of the weights of each of the router's layers that belong to this layer.
        router_biases: Elements of their biases.
        router_outputs: What each of the router's layers gives a row.
        router_rows: Times that the router's layers are applied.
        inputs: Elements of all that goes into the layer.
        outputs: Elements of all that comes out.
    """

    experts: int
    c_in: int
    c_out: int
    area: int
    groups: int
    positions: int
    batch: int
    top_k: int = 0
    kernels_generated: int = 1
    products: bool = True
    bias: bool = False
    bias_mixed: bool = False
    router_weights: tuple[int, ...] = ()
    router_biases: tuple[int, ...] = ()
    router_outputs: tuple[int, ...] = ()
    router_rows: int = 1
    inputs: int = 0
    outputs: int = 0

    @property
    def kernel(self) -> int:
        """Elements of one kernel: C_out · C_in/groups · K²."""
        return self.c_out * (self.c_in // self.groups) * self.area


def static_parameters(sizes: Sizes) -> int:
    """Of the plain layer: one kernel, and the bias where there is one."""
    return sizes.kernel + (sizes.c_out if sizes.bias else 0)


def static_macs(sizes: Sizes) -> int:
    """Of the plain layer: every element of the kernel at every place of every sample."""
    return sizes.batch * sizes.positions * sizes.kernel


def built_parameters(sizes: Sizes) -> int:
    """M kernels, the router with its biases, and the layer's own bias, once or M times."""
    biases = sizes.c_out * (sizes.experts if sizes.bias_mixed else 1) if sizes.bias else 0
    return sizes.experts * sizes.kernel + biases + sum(sizes.router_weights) + sum(sizes.router_biases)


def built_macs(sizes: Sizes) -> int:
    """The router for each row, the mixing of each kernel that is made, and the layer with the mixture."""
    router = sizes.router_rows * sum(sizes.router_weights)
    if sizes.top_k:
        return router + sizes.top_k * static_macs(sizes)
    elements = sizes.kernel + (sizes.c_out if sizes.bias_mixed else 0)
    mixing = sizes.kernels_generated * sizes.experts * elements if sizes.products else 0
    return router + mixing + static_macs(sizes)


def built_traffic(sizes: Sizes) -> int | None:
    """Elements that router, mixing, and the layer with the mixture read and write, each operation's tensors once.

    The paper has no such formula; this one is archprof's own. The router reads the input and writes its mean; each of
    its layers reads the row and its weights and writes its result, which an activation reads and writes. Mixing reads
    the M coefficients of each kernel that is made and the bank, and writes the kernel; element by element it writes and
    reads the M weighed kernels, too. The layer reads its input, the kernels and the bias, and writes the output.

    None for a layer of experts, of which tokens read those that they are sent to.
    """
    if sizes.top_k:
        return None
    kernels, rows = sizes.kernels_generated, sizes.router_rows
    bias = sizes.c_out * (kernels if sizes.bias_mixed else 1) if sizes.bias else 0
    layer = sizes.inputs + kernels * sizes.kernel + bias + sizes.outputs
    router = sum(sizes.router_weights) + sum(sizes.router_biases)
    for weights, outputs in zip(sizes.router_weights, sizes.router_outputs, strict=True):
        router += rows * (weights // outputs + outputs + 2 * outputs)
    if sizes.router_weights:
        router += sizes.inputs + rows * sizes.c_in
    return layer + router + sum(_mixing(sizes, elements) for elements in _mixed(sizes))


def _mixed(sizes: Sizes) -> tuple[int, ...]:
    """The elements of what is mixed: a kernel, and a bias."""
    return (sizes.kernel, sizes.c_out) if sizes.bias_mixed else (sizes.kernel,)


def _mixing(sizes: Sizes, elements: int) -> int:
    experts, made = sizes.experts, sizes.kernels_generated
    if sizes.products:
        return made * experts + experts * elements + made * elements
    return made * (experts + 3 * experts * elements + elements)


def paper_parameters(sizes: Sizes) -> Fraction:
    """The paper's ratio of parameters: C_in/(C_out·K²) + M/(C_out·K²) + M."""
    window = sizes.c_out * sizes.area
    return Fraction(sizes.c_in + sizes.experts, window) + sizes.experts


def paper_parameters_approximation(sizes: Sizes) -> Fraction:
    """1/K² + M, which takes C_in for C_out, and M for much less than C_out·K²."""
    return Fraction(1, sizes.area) + sizes.experts


def paper_macs(sizes: Sizes) -> Fraction:
    """The paper's ratio of FLOPs: 1 + (C_in + M)/(C_out·K²·H'W') + M/H'W'."""
    window = sizes.c_out * sizes.area * sizes.positions
    return 1 + Fraction(sizes.c_in + sizes.experts, window) + Fraction(sizes.experts, sizes.positions)


def paper_macs_approximation(sizes: Sizes) -> Fraction:
    """1, which takes M for much less than H'W'."""
    return Fraction(1)
