"""What runs in torch gets a profile: operators that take functions, and what shapes alone do not do for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch._higher_order_ops import associative_scan, scan, while_loop
from torch._higher_order_ops import map as map_rows
from torch._higher_order_ops.out_dtype import out_dtype
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.flop_counter import FlopCounterMode

import archprof

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.profile import Profile

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, on what is new or slow in it

IMAGE = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)
ROWS = torch.linspace(-1, 1, 4 * 8).view(4, 8)


class Call(nn.Module):
    def __init__(self, function: Callable[..., Any], **members: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, member in members.items():
            self.add_module(name, member)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(self, *inputs)


def profiled(function: Callable[..., Any], *inputs: torch.Tensor, **members: nn.Module) -> Profile:
    model = Call(function, **members).eval()
    with torch.no_grad():
        expected = model(*inputs)  # torch keeps things of its own the first time
        profile = archprof.profile(model, inputs)
        torch.testing.assert_close(model(*inputs), expected)
    assert archprof.profile(model, inputs) == profile
    return profile


def needed_values(profile: Profile) -> bool:
    return any(remark.startswith("run with values") for remark in profile.environment.remarks)


@torch.library.custom_op("archprof_test::mix", mutates_args=())
def mix(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return left @ right


def test_a_custom_operator_without_a_kernel_for_shapes() -> None:
    profile = profiled(lambda m, x: mix(m.conv(x)[0, 0], x[0, 1]), IMAGE, conv=nn.Conv2d(3, 8, 1))
    assert needed_values(profile)
    assert profile.coverage.unknown == {"archprof_test.mix": 1}
    assert profile.totals.macs == 3 * 8 * 64 * 64


def test_a_sparse_matrix_is_unknown() -> None:
    def function(module: Any, x: torch.Tensor) -> Any:
        return module.line(torch.eye(64, device="cpu").to_sparse_csr() @ x[0, 0])

    profile = profiled(function, IMAGE, line=nn.Linear(64, 8))
    assert needed_values(profile)
    assert profile.coverage.unknown == {"aten._to_sparse_csr": 1, "aten.mm (sparse)": 1}
    assert profile.totals.macs == 64 * 64 * 8


def test_rows_of_several_lengths() -> None:
    def function(module: Any, x: torch.Tensor) -> Any:
        rows = torch.nested.nested_tensor([x[0, 0], x[0, 1, :20]], layout=torch.jagged)
        return module.line(rows).values()

    profile = profiled(function, IMAGE, line=nn.Linear(64, 8))
    # 64 rows of one, 20 of the other, each 64 wide.
    assert profile.totals.macs == (64 + 20) * 64 * 8
    assert not profile.coverage.unknown
    (line,) = [module for module in profile.modules if module.path == "line"]
    assert line.output_shapes == [[84, 8]]


@pytest.mark.parametrize("causal", [False, True])
def test_flex_attention(causal: bool) -> None:
    from torch.nn.attention import flex_attention as flex

    def score(score: torch.Tensor, batch: Any, head: Any, query: Any, key: Any) -> torch.Tensor:
        return torch.where(query >= key, score, -torch.inf) if causal else score

    def function(module: Any, x: torch.Tensor) -> Any:
        tokens = module.conv(x).flatten(2).transpose(1, 2)[:, None]
        return flex.flex_attention(tokens, tokens, tokens, score_mod=score)

    profile = profiled(function, IMAGE, conv=nn.Conv2d(3, 16, 8, 8))
    # 64 places of 16 outputs of 3·8·8 products, and 64 · 64 scores of 16 products each, twice.
    assert profile.totals.macs == 64 * 16 * 192 + 64 * 64 * (16 + 16)
    assert not profile.coverage.unknown


@pytest.mark.parametrize(("sign", "macs"), [(1, 3 * 8 * 64 * 64), (-1, 27 * 8 * 64 * 64)])
def test_the_branch_that_is_taken(sign: int, macs: int) -> None:
    def function(module: Any, x: torch.Tensor) -> Any:
        return torch.cond(sign * x.max() > 0, lambda x: module.small(x), lambda x: module.large(x), (x,))

    profile = profiled(function, IMAGE, small=nn.Conv2d(3, 8, 1), large=nn.Conv2d(3, 8, 3, padding=1))
    assert needed_values(profile)
    assert profile.totals.macs == macs
    assert not profile.coverage.unknown
    # And its module has it.
    assert {module.path: module.macs for module in profile.modules}["small" if sign > 0 else "large"] == macs


def _thrice(module: Any, x: torch.Tensor) -> Any:
    steps = torch.zeros((), dtype=torch.int64, device="cpu")
    return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, module.line(x)), (steps, x))[1]


LOOPS: dict[str, tuple[Callable[..., Any], int]] = {
    "while_loop": (_thrice, 3 * 4),
    "map": (lambda m, x: map_rows(lambda row: m.line(row), x), 4),
    "scan": (lambda m, x: scan(lambda c, row: (c + m.line(row), c * 1), torch.zeros_like(x[0]), x)[0], 4),
    "associative_scan": (
        lambda m, x: associative_scan(lambda a, b: a + b, m.line(x), 0, combine_mode="generic"),
        4,
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_every_step_of_a_loop(name: str) -> None:
    function, rows = LOOPS[name]
    profile = profiled(function, ROWS, line=nn.Linear(8, 8))
    assert profile.totals.macs == rows * 8 * 8
    assert not profile.coverage.unknown


def test_an_operator_that_calls_no_function_is_unknown() -> None:
    def function(module: Any, x: torch.Tensor) -> Any:
        numbers = module.line(x).to(torch.int8)
        return out_dtype(torch.ops.aten.mm.default, torch.int32, numbers, numbers.t())

    profile = profiled(function, ROWS, line=nn.Linear(8, 8))
    assert profile.coverage.unknown == {"higher_order.out_dtype": 1}
    assert profile.totals.macs == 4 * 8 * 8


def test_a_derivative_in_a_direction() -> None:
    line = nn.Linear(8, 5)

    def function(module: Any, x: torch.Tensor) -> Any:
        return torch.func.jvp(module.line, (x,), (torch.ones_like(x),))[1]

    profile = profiled(function, ROWS, line=line)
    # The value and its derivative: 4 rows of 8 · 5, twice. torch's own counter has a third, with a matrix of zeros.
    assert profile.totals.macs == 2 * 4 * 8 * 5
    assert not profile.coverage.unknown
    with FlopCounterMode(display=False) as counter:
        torch.func.jvp(line, (ROWS,), (torch.ones_like(ROWS),))
    assert counter.get_total_flops() == 2 * 3 * 4 * 8 * 5


class Doubled(torch.Tensor):
    """A weight that is kept as half of itself, as quantised ones are kept as whole numbers and a scale."""

    half: torch.Tensor

    @staticmethod
    def __new__(cls, half: torch.Tensor) -> Doubled:
        made: Doubled = torch.Tensor._make_wrapper_subclass(cls, half.shape, dtype=half.dtype, device=half.device)  # type: ignore[attr-defined]
        made.half = half
        return made

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["half"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], context: None, size: Any, stride: Any) -> Doubled:
        return Doubled(inner["half"])

    def __deepcopy__(self, memo: Any) -> Doubled:
        return Doubled(self.half.clone())

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.detach.default:
            return Doubled(args[0].half.detach())
        plain = [argument.half * 2 if isinstance(argument, Doubled) else argument for argument in args]
        return func(*plain, **(kwargs or {}))


def test_a_weight_of_a_type_of_its_own_runs_as_it_does() -> None:
    line = nn.Linear(8, 8, bias=False)
    line.weight = nn.Parameter(Doubled(torch.ones(8, 8)), requires_grad=False)
    model = nn.Sequential(nn.Linear(8, 8, bias=False), line)
    profile = archprof.profile(model, ROWS)
    assert needed_values(profile)
    # Two products of 4 rows, and each weight of the second layer doubled first.
    assert profile.totals.macs == 2 * 4 * 8 * 8
    assert profile.totals.elementwise_flops == 64
    assert type(line.weight.data) is Doubled


def _linear_map_of(module: Any, x: torch.Tensor) -> Any:
    return torch.func.linearize(lambda rows: module.line(rows).tanh(), x)[1](x)


def test_a_function_that_is_linearised() -> None:
    line = nn.Linear(8, 5)
    profile = profiled(_linear_map_of, ROWS, line=line)
    # The value; the value and its derivative again while it is traced; and of what was traced the value, of which
    # tanh's derivative is made, and the derivative. torch's own counter has two products more, with matrices of zeros.
    assert profile.totals.macs == (1 + 2 + 2) * 4 * 8 * 5
    assert not profile.coverage.unknown
    with FlopCounterMode(display=False) as counter:
        _linear_map_of(Call(_linear_map_of, line=line), ROWS)
    assert counter.get_total_flops() == 2 * (5 + 2) * 4 * 8 * 5


@pytest.mark.parametrize("tracing_mode", ["real", "symbolic"])
def test_a_function_that_is_traced(tracing_mode: str) -> None:
    weight = torch.ones(8, 5)

    def function(module: Any, x: torch.Tensor) -> Any:
        return make_fx(lambda rows, weight: rows @ weight, tracing_mode=tracing_mode)(x, weight)(x, weight)

    # It runs once while it is traced, unless on fake tensors, and once as it was traced.
    runs = 2 if tracing_mode == "real" else 1
    assert profiled(function, ROWS).totals.macs == runs * 4 * 8 * 5
