"""Factorisations and what is solved with them, as LAPACK's algorithms go (Golub and Van Loan, *Matrix Computations*).

Each elimination step is counted, so the figures are exact for those algorithms, whose leading terms are the known ones:
n³/3 for Cholesky, 2n³/3 for LU, 2n²(m − n/3) for QR. What iterates until it converges (eigenvalues, singular values,
and the pseudo-inverse and least squares by them, the matrix exponential) depends on the values, and is unknown.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count, aten, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation, TensorInfo


def cholesky(order: int) -> int:
    """FLOPs of a Cholesky factorisation: with j columns left a root, j divisions, j (j + 1) / 2 products and sums."""
    return order * (order + 1) * (2 * order + 1) // 6


def lu(rows: int, columns: int) -> int:
    """FLOPs of an LU factorisation: with r rows and c columns left, r divisions, and r · c products and sums."""
    steps = range(1, min(rows, columns) + 1)
    return sum((rows - step) + 2 * (rows - step) * (columns - step) for step in steps)


def triangular(order: int, right_sides: int) -> int:
    """FLOPs of solving with a triangular matrix: n divisions, and n (n − 1) / 2 products and sums, a right side."""
    return order**2 * right_sides


def lu_solve(order: int, right_sides: int) -> int:
    """FLOPs of solving with a matrix's LU factors, the first of which has ones on its diagonal."""
    return (2 * order**2 - order) * right_sides


def qr(rows: int, columns: int) -> int:
    """FLOPs of a Householder QR factorisation.

    A reflector of length l takes its norm (2 l) and is scaled (l); each column right of it takes a product with it and
    is changed by it (2 l each).
    """
    steps = range(min(rows, columns))
    return sum((rows - step) * (3 + 4 * (columns - step - 1)) for step in steps)


def reflected(rows: int, reflectors: int, columns: int) -> int:
    """FLOPs of applying Householder reflectors to some columns: 4 l for each of length l."""
    return sum(4 * (rows - step) * columns for step in range(reflectors))


def unfolded(rows: int, columns: int, reflectors: int) -> int:
    """FLOPs of making Q of its reflectors, from the last back: each changes the columns from its own on."""
    return sum(4 * (rows - step) * (columns - step) for step in range(min(reflectors, columns)))


def _count(matrix: TensorInfo, flops: int) -> Count:
    """So many for each matrix of a batch; a complex product and a sum are eight real FLOPs, where real ones are two."""
    return Count(0, prod(matrix.shape[:-2]) * flops * (4 if matrix.dtype.is_complex else 1))


def _right_sides(sides: TensorInfo, order: int, *, left: bool = True) -> int:
    """How many vectors are solved for, of one matrix; ``sides`` may be one vector."""
    if len(sides.shape) < 2 or order not in sides.shape[-2:]:
        return 1
    return int(sides.shape[-1] if left else sides.shape[-2])


@register_formula(*aten("linalg_cholesky_ex linalg_ldl_factor_ex"))
def cholesky_factor(operation: Operation) -> Count:
    """L with L · Lᴴ = A, or L · D · Lᴴ."""
    matrix = operation.arguments[0]
    return _count(matrix, cholesky(matrix.shape[-1]))


@register_formula("aten.cholesky_inverse")
def cholesky_inverse(operation: Operation) -> Count:
    """The identity, solved for with both factors."""
    matrix = operation.arguments[0]
    return _count(matrix, 2 * triangular(matrix.shape[-1], matrix.shape[-1]))


@register_formula(*aten("cholesky_solve linalg_ldl_solve"))
def factors_solve(operation: Operation) -> Count:
    """Two triangular systems."""
    solved = operation.outputs[0]
    matrix = operation.arguments[1 if operation.name == "aten.cholesky_solve" else 0]
    return _count(solved, 2 * triangular(matrix.shape[-1], solved.shape[-1]))


@register_formula(*aten("linalg_solve_triangular triangular_solve"))
def triangular_solve(operation: Operation) -> Count:
    """One triangular system, from the left or the right."""
    solved = operation.outputs[0]
    matrix = operation.arguments[0 if operation.name == "aten.linalg_solve_triangular" else 1]
    left = operation.keywords.get("left", True)
    order = matrix.shape[-1]
    return _count(solved, triangular(order, _right_sides(solved, order, left=left)))


@register_formula(*aten("linalg_lu_factor_ex linalg_lu _linalg_det _linalg_slogdet"))
def lu_factor(operation: Operation) -> Count:
    """P · L · U = A; a determinant is the product of U's diagonal."""
    matrix = operation.arguments[0]
    rows, columns = matrix.shape[-2:]
    return _count(matrix, lu(rows, columns) + (columns if "det" in operation.name else 0))


@register_formula(*aten("linalg_lu_solve _linalg_solve_ex linalg_inv_ex"))
def general_solve(operation: Operation) -> Count:
    """Two triangular systems, after the factorisation where none is given; an inverse is solved for the identity."""
    matrix, solved = operation.arguments[0], operation.outputs[0]
    order = matrix.shape[-1]
    batches = max(prod(solved.shape[:-2]), prod(matrix.shape[:-2]))
    sides = _right_sides(solved, order, left=operation.keywords.get("left", True))
    if len(solved.shape) < len(matrix.shape):
        sides = 1
    factors = 0 if operation.name == "aten.linalg_lu_solve" else lu(order, order) * prod(matrix.shape[:-2])
    flops = factors + batches * lu_solve(order, sides)
    return Count(0, flops * (4 if matrix.dtype.is_complex else 1))


@register_formula(*aten("geqrf linalg_qr"))
def qr_factor(operation: Operation) -> Count:
    """The reflectors and R, and for :func:`torch.linalg.qr` Q as well, unless its mode is "r"."""
    matrix = operation.arguments[0]
    rows, columns = matrix.shape[-2:]
    flops = qr(rows, columns)
    if operation.name == "aten.linalg_qr" and operation.outputs[0].numel:
        flops += unfolded(rows, operation.outputs[0].shape[-1], min(rows, columns))
    return _count(matrix, flops)


@register_formula("aten.linalg_householder_product")
def householder_product(operation: Operation) -> Count:
    """Q of its reflectors."""
    matrix, scales = operation.arguments[:2]
    rows, columns = matrix.shape[-2:]
    return _count(matrix, unfolded(rows, columns, scales.shape[-1]))


@register_formula("aten.ormqr")
def reflect(operation: Operation) -> Count:
    """Q, as its reflectors, times another matrix from the left or the right."""
    scales, other = operation.arguments[1:3]
    left = operation.arguments[3] if len(operation.arguments) > 3 else True
    rows, columns = other.shape[-2:] if left else other.shape[-2:][::-1]
    return _count(other, reflected(rows, scales.shape[-1], columns))
