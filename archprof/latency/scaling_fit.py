"""What operations take in a network beside what they take by themselves: two factors, fitted to measured networks."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Parts(NamedTuple):
    """A network: what its kernels and overheads take by themselves, what its memory takes, and what it took itself."""

    kernels: float
    overheads: float
    fresh_memory: float
    measured: float


def fit(networks: Sequence[Parts]) -> tuple[float, float]:
    """The factors of kernels and overheads, neither below 1, with the least sum of squared relative errors.

    With a and b the factors, x and y the kernels' and overheads' shares of the measured time, and z the share that is
    no fresh memory, that is the least of the sum of (a·x + b·y - z)², whose normal equations are two.
    """
    shares = [
        (
            network.kernels / network.measured,
            network.overheads / network.measured,
            1 - network.fresh_memory / network.measured,
        )
        for network in networks
    ]
    xx, xy, yy, xz, yz = (sum(s[i] * s[j] for s in shares) for i, j in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2)))
    determinant = xx * yy - xy * xy
    if determinant > 1e-9 * xx * yy:
        kernels, overheads = (xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant
        if kernels >= 1 and overheads >= 1:
            return kernels, overheads
    # The least lies on an edge: one of them is 1.
    edges = [(max(1.0, (xz - xy) / xx), 1.0), (1.0, max(1.0, (yz - xy) / yy))]
    return min(edges, key=lambda edge: sum((edge[0] * x + edge[1] * y - z) ** 2 for x, y, z in shares))


def fit_queued(networks: Sequence[Parts]) -> tuple[float, float]:
    """The factors of kernels and overheads for a device that the processor runs ahead of.

    A network takes the longer of the two, a·x or b·y, as shares of the measured time. Whichever of them that is for
    each network at the least sum of (max(a·x, b·y) - 1)², a and b are there the least squares over the networks of
    their own; so every way to divide the networks is tried. A factor that no network says anything about is 1.
    """
    shares = [(network.kernels / network.measured, network.overheads / network.measured) for network in networks]
    candidates = {
        (
            _scale([x for (x, _), bound in zip(shares, by_kernels, strict=True) if bound]),
            _scale([y for (_, y), bound in zip(shares, by_kernels, strict=True) if not bound]),
        )
        for by_kernels in product((True, False), repeat=len(shares))
    }
    return min(candidates, key=lambda factors: sum((max(factors[0] * x, factors[1] * y) - 1) ** 2 for x, y in shares))


def _scale(shares: Sequence[float]) -> float:
    """The factor with the least sum of (factor · share - 1)²."""
    squares = sum(share**2 for share in shares)
    return sum(shares) / squares if squares else 1.0
