"""What operations read, write and hold, with the arithmetic by hand; a float32 has 4 bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from archprof.count.memory import Traffic, measure
from archprof.trace.run import trace, trace_values

from .function import Weighted

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.count.memory import Memory


def measured(model: nn.Module, *inputs: torch.Tensor) -> Memory:
    memory = measure(trace(model, inputs))
    real = measure(trace_values(model, inputs))
    assert memory == real, "with and without values the same is moved and held"
    return memory


def moved(function: Callable[..., Any], *inputs: torch.Tensor, **parameters: torch.Tensor) -> Traffic:
    memory = measured(Weighted(function, **parameters), *inputs)
    return Traffic(memory.bytes_read, memory.bytes_written)


X = torch.zeros(2, 3)  # 24 bytes
TABLE = torch.zeros(100, 4)
INDICES = torch.zeros(3, dtype=torch.int64)  # 24 bytes

# Each: the function, its inputs, bytes read, bytes written.
CASES: dict[str, tuple[Callable[..., Any], tuple[torch.Tensor, ...], int, int]] = {
    "unary": (lambda m, x: x.exp(), (X,), 24, 24),
    "binary": (lambda m, x, y: x + y, (X, X + 1), 48, 24),
    "the same tensor twice is read once": (lambda m, x: x * x, (X,), 24, 24),
    # y has 3 elements in memory, whatever it is stretched to.
    "broadcast": (lambda m, x, y: x + y, (X, torch.zeros(3)), 24 + 12, 24),
    "expanded": (lambda m, x, y: x + y.expand(2, 3), (X, torch.zeros(3)), 24 + 12, 24),
    "views": (lambda m, x: x.view(3, 2).t()[0], (X,), 0, 0),
    "a reshape that must copy": (lambda m, x: x.t().reshape(6), (X,), 24, 24),
    "comparison": (lambda m, x: x > 0, (X,), 24, 6),
    "cast": (lambda m, x: x.half(), (X,), 24, 12),
    "cat": (lambda m, x: torch.cat([x, x]), (X,), 24, 48),
    "reduction": (lambda m, x: x.sum(), (X,), 24, 4),
    # (2×3)·(3×5)
    "product": (lambda m, x, y: x @ y, (X, torch.zeros(3, 5)), 24 + 60, 40),
    # 3 of 100 rows of 16 bytes, and 3 indices of 8.
    "embedding": (lambda m, t, i: nn.functional.embedding(i, t), (TABLE, INDICES), 48 + 24, 48),
    "indexing": (lambda m, t, i: t[i], (TABLE, INDICES), 48 + 24, 48),
    "index_select": (lambda m, t, i: t.index_select(0, i), (TABLE, INDICES), 48 + 24, 48),
    # What is made is written, and nothing read; what is only allocated is neither.
    "zeros": (lambda m, x: torch.zeros_like(x), (X,), 0, 24),
    "empty": (lambda m, x: torch.empty_like(x), (X,), 0, 0),
    # In place both, unless it is overwritten whole.
    "in place": (lambda m, x: x.exp().mul_(2), (X,), 24 + 24, 24 + 24),
    "filled": (lambda m, x: x.exp().fill_(2), (X,), 24, 24 + 24),
    "copied": (lambda m, x: x.exp().copy_(x), (X,), 24 + 24, 24 + 24),
    # exp moves 1600 each way; then 3 rows are read from y with their indices, and 48 bytes written.
    "scattered": (lambda m, t, i, y: t.exp().index_copy_(0, i, y), (TABLE, INDICES, torch.zeros(3, 4)), 1672, 1648),
    # Three outputs that are views of one: nothing moves.
    "split": (lambda m, x: x.split(1), (X,), 0, 0),
    # Queries, keys and values of 1·2·3·4 floats, out as many, and 2·3 sums of exponentials; no scores.
    "attention": (
        lambda m, q, k, v: nn.functional.scaled_dot_product_attention(q, k, v),
        tuple(torch.zeros(1, 2, 3, 4) for _ in range(3)),
        3 * 96,
        96 + 24,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bytes(name: str) -> None:
    function, inputs, read, written = CASES[name]
    assert moved(function, *inputs) == (read, written)


def test_a_convolution_reads_its_weight() -> None:
    memory = measured(nn.Conv2d(4, 8, 3), torch.zeros(1, 4, 8, 8))
    # 4·64 inputs, 8·36 weights and 8 biases; 8·36 outputs.
    assert (memory.bytes_read, memory.bytes_written) == (4 * (256 + 288 + 8), 4 * 288)


def test_a_weight_is_no_activation_and_neither_is_a_view_of_it() -> None:
    memory = measured(nn.Linear(5, 7), torch.zeros(3, 5))
    # The weight is transposed, which makes nothing; 3·7 results come out.
    assert memory.activation_elements == 21
    assert memory.activation_bytes == 84
    # Of the two, the input is made by no operation.
    assert memory.peak_bytes == 84


def test_a_weight_that_is_computed_is_an_activation() -> None:
    memory = measured(Weighted(lambda m, x: x @ (m.weight * 2), weight=torch.zeros(3, 5)), X)
    # 15 of the weight and 10 of the result.
    assert memory.activation_elements == 25


def test_what_is_in_place_or_a_view_makes_no_activation() -> None:
    memory = measured(Weighted(lambda m, x: x.exp().mul_(2).view(-1)), X)
    assert (memory.activation_elements, memory.activation_bytes) == (6, 24)


def test_the_peak_is_the_most_that_is_alive_at_once() -> None:
    # a = exp x, b = a·a, c = b + a, with a needed to the end. At exp a = 24, at the product a b = 48, then a b c = 72.
    def function(module: Any, x: torch.Tensor) -> torch.Tensor:
        a = x.exp()
        return a.square() + a

    assert measured(Weighted(function), X).peak_bytes == 72
    # Without the last use of a, it goes after the product: a b = 48, b c = 48.
    assert measured(Weighted(lambda m, x: x.exp().square() + 1), X).peak_bytes == 48


def test_a_view_keeps_what_it_views_alive() -> None:
    # The first row of a is needed at the end, so all of a stays: at the sum there are a, b and c, of 24 bytes each.
    def function(module: Any, x: torch.Tensor) -> torch.Tensor:
        a = x.exp()
        row = a[0]
        return a.square() + row

    assert measured(Weighted(function), X).peak_bytes == 72


def test_results_stay_to_the_end() -> None:
    # Each result of 24 bytes stays: a, then a b, and a b c at last.
    assert measured(Weighted(lambda m, x: [x.exp(), x.sin(), x.cos()]), X).peak_bytes == 24 * 3
    # Dropped results go at once.
    assert measured(Weighted(lambda m, x: [x.exp(), x.sin(), x.cos()][:1]), X).peak_bytes == 24 * 2


def test_what_changes_in_place_stays_one_block() -> None:
    # a throughout; nothing else is ever made.
    assert measured(Weighted(lambda m, x: x.exp().mul_(2).add_(x)), X).peak_bytes == 24


@pytest.mark.parametrize(
    "function", [lambda m, x: x, lambda m, x: x.view(-1), lambda m, x: x.mul_(2), lambda m, x: m.t]
)
def test_a_model_that_makes_nothing_has_no_activations(function: Any) -> None:
    model = Weighted(function)
    model.t = torch.ones(5)  # a constant, which is neither parameter nor buffer
    memory = measured(model, X)
    assert (memory.activation_bytes, memory.peak_bytes) == (0, 0)


def test_a_constant_is_no_activation() -> None:
    model = Weighted(lambda m, x: (x * m.t).exp())
    model.t = torch.ones(1000, 1, 1)
    # Two results of 6000 numbers, both there at once; the constant's 4,000 bytes are in neither figure.
    memory = measured(model, X)
    assert (memory.activation_bytes, memory.peak_bytes) == (48_000, 48_000)


@pytest.mark.parametrize(
    "model", [nn.Conv2d(3, 1, 1), nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), nn.Flatten(), nn.MaxPool2d(8)]
)
def test_the_peak_is_of_the_same_tensors_as_the_activations(model: nn.Module) -> None:
    memory = measured(model, torch.zeros(1, 3, 16, 16))
    assert memory.peak_bytes <= memory.activation_bytes


def test_a_training_step_holds_what_the_backward_pass_needs() -> None:
    # Three linear layers without bias and ReLUs on one row of 4: 16 bytes an activation.
    model = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU()) for _ in range(3)))
    step = trace(model, (torch.zeros(1, 4),), backward=True)
    # Forward: a product and its ReLU, or a ReLU and the next product, at once.
    assert measure(step).peak_bytes == 32
    # For the backward pass a ReLU keeps its result and a product what went in: r1, r2, and r3, which is the result.
    # First comes d3, the gradient through the last ReLU: r1 r2 r3 d3 = 64; then the weight's gradient d3ᵀ·r2, of 64
    # bytes more; and that of r2, another 16. From then on there is less. x and the result's gradient are given.
    assert measure(step.whole_step()).peak_bytes == 64 + 64 + 16
