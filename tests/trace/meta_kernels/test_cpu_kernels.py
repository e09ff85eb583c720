"""What torch refuses of large tensors is refused too where no rule says so, by asking about smaller ones like them.

Each has more elements than are asked about in their true sizes. Valid arguments and the same with one thing wrong are
run on the CPU, and traced without memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import archprof
from archprof.errors import RunError
from archprof.trace.meta_kernels.cpu_kernels import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SQUARE = torch.eye(300)
IMAGES = torch.zeros(2, 8, 128, 128)

Case = tuple["Callable[[Tensor, int], Any]", "Tensor", int, int]

CASES: dict[
    str, Case
] = {  # a function of a tensor and a number, the tensor, a number that is valid and one that is not
    "lu_unpack": (lambda x, n: torch.lu_unpack(x, torch.ones(n, dtype=torch.int32)), SQUARE, 300, 299),
    "put": (lambda x, n: x.put(torch.zeros(4, dtype=torch.long), torch.zeros(n)), SQUARE, 4, 5),
    "index_reduce": (lambda x, n: x.index_reduce(0, torch.tensor([0, 1]), x[:2], ("mean", "sum")[n]), SQUARE, 0, 1),
    "nll_loss2d": (lambda x, n: F.nll_loss(x, torch.zeros(2, 128, n, dtype=torch.long)), IMAGES, 128, 127),
    "mvlgamma": (torch.mvlgamma, SQUARE.abs() + 3, 1, 0),
    "searchsorted": (lambda x, n: torch.searchsorted(x, x[:n]), SQUARE, 300, 200),
    "bucketize": (lambda x, n: torch.bucketize(x, x[0] if n else x), SQUARE, 1, 0),
    "cross": (lambda x, n: torch.linalg.cross(x[:, :n], x[:, :n]), torch.ones(30_000, 4), 3, 4),
    "cdist": (lambda x, n: torch.cdist(x, x, p=n), SQUARE, 2, -1),
    "cholesky_solve": (lambda x, n: torch.cholesky_solve(x, x[:n, :n]), SQUARE, 300, 200),
    "unpool": (
        lambda x, n: F.max_unpool2d(x, torch.zeros(2, 8, 128, n, dtype=torch.long), 2),
        IMAGES,
        128,
        127,
    ),
    "multi_margin": (
        lambda x, n: F.multi_margin_loss(x, torch.zeros(300, dtype=torch.long), weight=torch.ones(n)),
        SQUARE,
        300,
        200,
    ),
    "fold": (lambda x, n: F.fold(x.flatten(2), (n, n), 2, stride=2), torch.zeros(2, 8, 128, 128), 256, 60),
    "segment_reduce": (
        lambda x, n: torch.segment_reduce(x, ("sum", "median")[n], lengths=torch.tensor([100, 200])),
        SQUARE,
        0,
        1,
    ),
}


class Call(nn.Module):
    def __init__(self, function: Callable[..., Any], number: int) -> None:
        super().__init__()
        self.function, self.number = function, number

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x, self.number)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_as_torch_refuses_it(name: str) -> None:
    function, tensor, valid, invalid = CASES[name]
    assert tensor.numel() > ALWAYS
    function(tensor, valid)
    archprof.profile(Call(function, valid), tensor)
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        function(tensor, invalid)
    with pytest.raises(RunError):
        archprof.profile(Call(function, invalid), tensor)
