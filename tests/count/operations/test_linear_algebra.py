"""Factorisations and solutions, held to the elimination done step by step, and to the textbooks' leading terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from archprof.count.ledger import count
from archprof.count.operations import linear_algebra
from archprof.trace.run import trace, trace_values

from ..function import Function

if TYPE_CHECKING:
    from collections.abc import Callable


def eliminated(rows: int, columns: int) -> int:
    """LU, one operation after the other."""
    flops = 0
    for step in range(min(rows, columns)):
        for _ in range(step + 1, rows):
            flops += 1  # the factor of a row
            for _ in range(step + 1, columns):
                flops += 2  # a product, and a difference
    return flops


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (4, 4), (5, 3), (3, 5)])
def test_lu(rows: int, columns: int) -> None:
    assert linear_algebra.lu(rows, columns) == eliminated(rows, columns)


def test_the_leading_terms() -> None:
    # Golub and Van Loan: n³/3, 2 n³/3, and 2 n² (m − n/3).
    size = 10_000
    assert linear_algebra.cholesky(size) == pytest.approx(size**3 / 3, rel=1e-3)
    assert linear_algebra.lu(size, size) == pytest.approx(2 * size**3 / 3, rel=1e-3)
    assert linear_algebra.qr(2 * size, size) == pytest.approx(2 * size**2 * (2 * size - size / 3), rel=1e-3)
    # Q of n reflectors takes what finding them took: 4 n³/3.
    assert linear_algebra.unfolded(size, size, size) == pytest.approx(4 * size**3 / 3, rel=1e-3)


MATRIX = torch.eye(3)
SIDES = torch.ones(3, 2)

# 3 × 3. LU: 2 divisions and 4 products and differences, then 1 and 1: 2 + 8 + 1 + 2 = 13. Solving with its factors, for
# each right side: 3 products and differences for the one with ones on its diagonal, the same and 3 divisions for the
# other: 15.
CASES: dict[str, tuple[Callable[..., Any], tuple[torch.Tensor, ...], int]] = {
    "solve": (torch.linalg.solve, (MATRIX, SIDES), 13 + 2 * 15),
    "solve for a vector": (torch.linalg.solve, (MATRIX, torch.ones(3)), 13 + 15),
    "solve two": (torch.linalg.solve, (MATRIX.expand(2, 3, 3), SIDES.expand(2, 3, 2)), 2 * (13 + 2 * 15)),
    "inverse": (torch.linalg.inv, (MATRIX,), 13 + 3 * 15),
    # The product of the diagonal: 3.
    "determinant": (torch.linalg.slogdet, (MATRIX,), 13 + 3),
    # Σ j² for j = 1, 2, 3: with j columns left a root, j − 1 divisions, and their products and differences.
    "cholesky": (torch.linalg.cholesky, (MATRIX,), 14),
    # 3 divisions and 3 products and differences.
    "triangle": (lambda a, b: torch.linalg.solve_triangular(a, b, upper=True), (MATRIX, SIDES), 2 * 9),
    "triangle from the right": (
        lambda a, b: torch.linalg.solve_triangular(a, b, upper=True, left=False),
        (MATRIX, SIDES.t().contiguous()),
        2 * 9,
    ),
    "cholesky, solved": (torch.cholesky_solve, (SIDES, MATRIX), 2 * 2 * 9),
    # Reflectors of 3, 2 and 1: 3 for each of their elements, and 4 for each in each column right of it:
    # 9 + 2 · 12, 6 + 8, 3. Q of them: 4 for each element in the columns from its own on: 36 + 16 + 4.
    "qr": (torch.linalg.qr, (MATRIX,), 33 + 14 + 3 + 56),
    "r alone": (lambda a: torch.linalg.qr(a, mode="r"), (MATRIX,), 33 + 14 + 3),
    # A complex product and sum are 8 real FLOPs, where a real one's are 2.
    "complex cholesky": (torch.linalg.cholesky, (MATRIX.to(torch.complex64),), 4 * 14),
}


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    function, inputs, expected = CASES[name]
    for run in (trace, trace_values):
        ledger = count(run(Function(function), inputs))
        assert not ledger.unknown
        costs = {entry.operation.name: entry.count.elementwise_flops for entry in ledger.entries}
        # torch checks and signs its results by pointwise operations of its own.
        assert sum(cost for name, cost in costs.items() if "linalg" in name or "cholesky" in name) == expected
