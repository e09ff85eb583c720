"""For every operation with a rule, arguments right and wrong: the answer without memory is torch's on the CPU.

Where torch computes, shape, dtype and strides are the same; where it refuses, so does the pass. Only that a kernel is
not written for floats of 16 bits on the CPU is no refusal: another device may have it.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from archprof.trace.meta_kernels.layout import channels_last
from archprof.trace.meta_kernels.registry import CPU_SEMANTICS, META_KERNELS, torch_meta_kernels
from archprof.trace.meta_kernels.result import result_on_meta
from archprof.trace.nested import flat

if TYPE_CHECKING:
    from collections.abc import Callable

aten = torch.ops.aten

FLOATS = st.sampled_from([torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16])
FLOAT, MASK = st.just(torch.float32), st.just(torch.bool)
DTYPES = st.sampled_from(
    [torch.float32] * 6
    + [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.bool, torch.complex64]
)
INDICES = st.sampled_from([torch.int64, torch.int64, torch.int32, torch.float32, torch.uint8])
DIMS = st.integers(-5, 5)
SIZES = st.integers(0, 4)
SMALL = st.sampled_from([1, 1, 1, 2, 3, 0, -1])
REAL = st.sampled_from([0, 1, 2, -3, 0.5, 2.0, float("inf")])
NUMBERS = st.one_of(REAL, st.sampled_from([True, 1j]))
LARGE = st.one_of(REAL, st.sampled_from([-1e9, 2**40]))


@st.composite
def shapes(draw: st.DrawFn, rank: int | None = None, sizes: st.SearchStrategy[int] = SIZES) -> tuple[int, ...]:
    rank = draw(st.integers(0, 5)) if rank is None else rank
    return tuple(draw(st.lists(sizes, min_size=rank, max_size=rank)))


@st.composite
def laid_out(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """A tensor of ones as networks have them: contiguous, permuted, channels last, a slice, or expanded."""
    rank = len(shape)
    layouts = ["contiguous", "contiguous", "permuted", "slice", "expanded", "channels_last", "tokens"]
    layout = draw(st.sampled_from(layouts))
    if layout == "tokens" and rank == 4:  # as attention gives an image back, with a stride of its own for one sample
        n, c, h, w = shape
        return torch.ones(n, h * w, c, dtype=dtype).transpose(1, 2).view(n, c, h, w)
    if layout == "permuted" and rank:
        order = draw(st.permutations(range(rank)))
        return torch.ones([shape[dim] for dim in order], dtype=dtype).permute([order.index(dim) for dim in range(rank)])
    if layout == "slice" and rank:
        dim = draw(st.integers(0, rank - 1))
        wide = [size + 2 * (index == dim) for index, size in enumerate(shape)]
        return torch.ones(wide, dtype=dtype).narrow(dim, draw(st.integers(0, 1)), shape[dim])
    if layout == "expanded":
        return torch.ones([1 if draw(st.booleans()) else size for size in shape], dtype=dtype).expand(shape)
    if layout == "channels_last" and rank == 4:
        return torch.ones(shape, dtype=dtype).to(memory_format=torch.channels_last)
    return torch.ones(shape, dtype=dtype)


@st.composite
def tensors(
    draw: st.DrawFn,
    shape: st.SearchStrategy[tuple[int, ...]] | tuple[int, ...] | None = None,
    dtype: st.SearchStrategy[torch.dtype] = DTYPES,
) -> torch.Tensor:
    drawn = shape if isinstance(shape, tuple) else draw(shape or shapes())
    return draw(laid_out(drawn, draw(dtype)))


@st.composite
def near(draw: st.DrawFn, shape: tuple[int, ...], chance: int = 4) -> tuple[int, ...]:
    """A shape, or now and then one that is a little off."""
    if draw(st.integers(0, chance)) or not shape:
        return shape
    change = draw(st.sampled_from(["size", "more", "less"]))
    if change == "more":
        return (draw(st.integers(1, 2)), *shape)
    if change == "less":
        return shape[1:]
    index = draw(st.integers(0, len(shape) - 1))
    return (*shape[:index], shape[index] + 1, *shape[index + 1 :])


@st.composite
def several(draw: st.DrawFn, count: int, dtype: st.SearchStrategy[torch.dtype] = DTYPES) -> tuple[torch.Tensor, ...]:
    """Tensors whose shapes broadcast, as a rule, and whose types are the same more often than not."""
    shape = draw(shapes(sizes=st.integers(0, 3)))
    common, drawn = draw(dtype), []
    for _ in range(count):
        mine = tuple(1 if draw(st.integers(0, 4)) == 0 else size for size in draw(near(shape)))
        mine = mine[draw(st.integers(0, len(mine))) if draw(st.integers(0, 4)) == 0 else 0 :]
        drawn.append(draw(laid_out(mine, common if draw(st.integers(0, 3)) else draw(DTYPES))))
    return tuple(drawn)


Call = tuple[tuple[Any, ...], dict[str, Any]]
CALLS: dict[Any, st.SearchStrategy[Call]] = {}
"""Operation -> the arguments to call it with."""


def calls(*operations: Any) -> Callable[[Callable[..., Call]], Callable[..., Call]]:
    """Enter how arguments of some operations are drawn."""

    def add(draw_call: Callable[..., Call]) -> Callable[..., Call]:
        CALLS.update(dict.fromkeys(operations, st.composite(draw_call)()))
        return draw_call

    return add


def named(names: str, overload: str = "default") -> list[Any]:
    return [getattr(getattr(aten, name), overload) for name in names.split()]


UNARY = """abs acos asin atan ceil cos cosh erf exp exp2 expm1 floor hardsigmoid hardswish log log10 log1p log2 mish neg
    reciprocal relu relu6 round rsqrt selu sigmoid silu sin sinh sqrt square tan tanh"""
IN_PLACE = " ".join(name + "_" for name in UNARY.split() if name != "relu6" or hasattr(aten, "relu6_"))


@calls(*named(UNARY), *named(IN_PLACE))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()),), {}


@calls(*named("elu leaky_relu softplus hardshrink softshrink celu elu_ leaky_relu_ celu_"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), *draw(st.lists(REAL, max_size=1))), {}


@calls(*named("hardtanh hardtanh_ clamp"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), *draw(st.lists(st.one_of(LARGE, st.none()), max_size=2))), {}


@calls(*named("gelu gelu_"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()),), draw(st.sampled_from([{}, {"approximate": "tanh"}, {"approximate": "sigmoid"}]))


@calls(
    *named("eq ne lt le gt ge mul div", "Scalar"),
)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(NUMBERS)), {}


@calls(*named("clamp_min clamp_max"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(LARGE)), {}


@calls(aten.pow.Tensor_Scalar)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(REAL)), {}


@calls(*named("add sub rsub", "Scalar"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(NUMBERS), *draw(st.lists(NUMBERS, max_size=1))), {}


@calls(aten.pow.Scalar)
def _(draw: st.DrawFn) -> Call:
    return (draw(REAL), draw(tensors())), {}


@calls(*named("mul div mul_ div_", "Tensor"), *named("maximum minimum"))
def _(draw: st.DrawFn) -> Call:
    return draw(several(2)), {}


@calls(*named("add sub add_ sub_", "Tensor"))
def _(draw: st.DrawFn) -> Call:
    alpha = draw(st.one_of(st.just({}), st.just({}), NUMBERS.map(lambda number: {"alpha": number})))
    return draw(several(2)), alpha


@calls(*named("bitwise_not logical_not"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(dtype=st.one_of(MASK, DTYPES))),), {}


@calls(*named("bitwise_and bitwise_or", "Tensor"), *named("logical_and logical_or"))
def _(draw: st.DrawFn) -> Call:
    return draw(several(2, st.one_of(MASK, DTYPES))), {}


@calls(aten.masked_fill.Scalar)
def _(draw: st.DrawFn) -> Call:
    tensor, mask = draw(several(2))
    return (tensor, mask.bool() if draw(st.integers(0, 3)) else mask, draw(LARGE)), {}


@calls(aten.where.self)
def _(draw: st.DrawFn) -> Call:
    condition, left, right = draw(several(3))
    return (condition.bool() if draw(st.integers(0, 3)) else condition, left, right), {}


@calls(aten.convolution.default)
def _(draw: st.DrawFn) -> Call:
    rank, groups, transposed = draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2, 3])), draw(st.booleans())
    inside, outside = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    dtype = draw(st.sampled_from([torch.float32, torch.float32, torch.float64, torch.bfloat16]))
    other = st.sampled_from([dtype] * 7 + [torch.float16, torch.float64])
    numbers = st.lists(SMALL, min_size=rank, max_size=rank)
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    weight = (inside, outside // groups, *kernel) if transposed else (outside, inside // groups, *kernel)
    size = draw(st.lists(st.integers(1, 7), min_size=rank, max_size=rank))
    of_bias = st.just(dtype) if transposed else other  # some kernels look at it, and some do not
    bias = st.one_of(st.none(), near((outside,)).flatmap(lambda shape: tensors(shape, of_bias)))
    arguments = (
        draw(tensors(near((draw(st.integers(1, 2)), inside, *size), 9), st.just(dtype))),
        draw(tensors(near(weight, 9), other)),
        draw(bias),
        draw(numbers),
        draw(st.lists(st.sampled_from([0, 0, 1, 1, 2, -1]), min_size=rank, max_size=rank)),
        draw(st.lists(st.sampled_from([1, 1, 2, 3]), min_size=rank, max_size=rank) if transposed else numbers),
        transposed,
        draw(st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=rank, max_size=rank)),
        groups if draw(st.integers(0, 9)) else draw(st.sampled_from([0, 2, -1])),
    )
    return arguments, {}


@calls(aten.native_batch_norm.default)
def _(draw: st.DrawFn) -> Call:
    # Vectors of the right lengths: torch's own check of them lies above this operation.
    image = draw(tensors(st.integers(2, 5).flatmap(lambda rank: shapes(rank, st.integers(2, 4))), FLOATS))
    common = image.dtype if draw(st.booleans()) else torch.float32
    parameters = [
        draw(tensors(image.shape[1:2], st.one_of(st.just(common), st.just(common), FLOATS))) for _ in range(4)
    ]
    return (image, *parameters, draw(st.booleans()), 0.1, 1e-5), {}


@calls(aten.native_layer_norm.default)
def _(draw: st.DrawFn) -> Call:
    shape = draw(shapes(draw(st.integers(1, 4)), st.integers(1, 4)))
    whole = shape[draw(st.integers(0, len(shape))) :]
    dtype = draw(DTYPES)
    other = st.one_of(st.just(dtype), st.just(dtype), FLOAT, DTYPES)
    parameters = [draw(st.one_of(st.none(), near(whole).flatmap(lambda s: tensors(s, other)))) for _ in range(2)]
    return (draw(tensors(shape, st.just(dtype))), list(draw(near(whole))), *parameters, 1e-5), {}


@calls(aten.native_group_norm.default)
def _(draw: st.DrawFn) -> Call:
    n, c, h, w = draw(shapes(4, st.integers(1, 4)))
    dtype, groups = draw(DTYPES), draw(st.integers(1, 4))
    other = st.one_of(st.just(dtype), st.just(dtype), FLOAT, DTYPES)
    parameters = [draw(st.one_of(st.none(), near((c,)).flatmap(lambda s: tensors(s, other)))) for _ in range(2)]
    return (draw(tensors((n, c, h, w), st.just(dtype))), *parameters, n, c, h * w, groups, 1e-5), {}


@calls(*named("_softmax _log_softmax"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(DIMS), False), {}


@calls(aten._safe_softmax.default)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(DIMS)), {}


@st.composite
def factors(draw: st.DrawFn, *batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    n, k, m = draw(shapes(3))
    dtype = draw(DTYPES)
    other = st.one_of(st.just(dtype), st.just(dtype), st.just(dtype), DTYPES)
    return draw(tensors(near((*batch, n, k)), st.just(dtype))), draw(tensors(near((*batch, k, m)), other))


@calls(aten.mm.default)
def _(draw: st.DrawFn) -> Call:
    return draw(factors()), {}


@calls(aten.bmm.default)
def _(draw: st.DrawFn) -> Call:
    return draw(factors(draw(SIZES))), {}


@calls(aten.addmm.default)
def _(draw: st.DrawFn) -> Call:
    left, right = draw(factors())
    shape = draw(st.sampled_from([(right.shape[-1:]), (*left.shape[:1], *right.shape[-1:]), (1,), ()]))
    bias = draw(tensors(near(tuple(shape)), st.one_of(st.just(left.dtype), st.just(left.dtype), DTYPES)))
    numbers = draw(st.sampled_from([{}, {}, {"beta": 2}, {"alpha": 0.5}]))
    return (bias, left, right), numbers


@calls(*named("zeros_like ones_like"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()),), draw(st.sampled_from([{}, {"dtype": torch.int64}, {"pin_memory": False}]))


@calls(*named("zeros ones"))
def _(draw: st.DrawFn) -> Call:
    return (draw(st.lists(st.integers(-1, 4), max_size=4)),), {"device": "cpu", **draw(TYPED)}


TYPED = st.sampled_from([{}, {}, {"dtype": torch.float16}, {"dtype": torch.int64}, {"dtype": torch.int32}])
ENDS = st.one_of(st.integers(-9, 9), st.floats(-9, 9, allow_subnormal=False), st.sampled_from([float("nan"), True]))


@calls(aten.arange.default)
def _(draw: st.DrawFn) -> Call:
    return (draw(ENDS),), {"device": "cpu", **draw(TYPED)}


@calls(aten.arange.start)
def _(draw: st.DrawFn) -> Call:
    return (draw(ENDS), draw(ENDS)), {"device": "cpu", **draw(TYPED)}


@calls(aten.arange.start_step)
def _(draw: st.DrawFn) -> Call:
    return (draw(ENDS), draw(ENDS), draw(ENDS)), {"device": "cpu", **draw(TYPED)}


@calls(*named("cat stack"))
def _(draw: st.DrawFn) -> Call:
    shape, dtype = draw(shapes()), draw(DTYPES)
    other = st.one_of(st.just(dtype), st.just(dtype), st.just(dtype), DTYPES)
    return ([draw(tensors(near(shape, 9), other)) for _ in range(draw(st.integers(0, 3)))], draw(DIMS)), {}


@calls(aten.mean.dim, aten.sum.dim_IntList, *named("amax amin"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(st.lists(DIMS, max_size=3)), draw(st.booleans())), {}


@calls(*named("all any", "dim"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(dtype=st.one_of(MASK, DTYPES))), draw(DIMS), draw(st.booleans())), {}


@calls(aten.roll.default)
def _(draw: st.DrawFn) -> Call:
    dims = draw(st.lists(DIMS, max_size=2))
    return (draw(tensors()), draw(st.sampled_from([[1] * len(dims), [1], [2, 1]])), dims), {}


@calls(*named("tril triu"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(DIMS)), {}


@calls(aten.grid_sampler_2d.default)
def _(draw: st.DrawFn) -> Call:
    n, c, h, w = draw(shapes(4))
    dtype = draw(DTYPES)
    other = st.one_of(st.just(dtype), st.just(dtype), DTYPES)
    grid = draw(tensors(near((n, *draw(shapes(2)), 2)), other))
    return (
        draw(tensors(near((n, c, h, w)), st.just(dtype))),
        grid,
        draw(st.integers(0, 2)),
        0,
        draw(st.booleans()),
    ), {}


@calls(aten.embedding.default)
def _(draw: st.DrawFn) -> Call:
    table = draw(tensors(st.sampled_from([(3, 4), (3, 4), (2, 0), (3,), (2, 3, 4)])))
    return (table, draw(tensors(dtype=INDICES))), {}


@calls(aten.index.Tensor)
def _(draw: st.DrawFn) -> Call:
    table = draw(tensors(shapes(sizes=st.sampled_from([2, 2, 3, 0]))))
    masks = st.one_of(INDICES, INDICES, MASK)
    index = tensors(shapes(sizes=st.integers(0, 2)), masks)
    return (table, [*draw(st.lists(st.one_of(index, st.none()), max_size=2)), draw(index)]), {}


IMAGES = st.one_of(shapes(4, st.integers(1, 6)), shapes(4, st.integers(1, 6)), shapes(3, st.integers(0, 6)), shapes())


OUTPUTS = st.lists(st.sampled_from([2, 3, 5, 0]), min_size=1, max_size=3)


@calls(*named("upsample_nearest2d _upsample_nearest_exact2d"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(IMAGES)), draw(OUTPUTS)), {}


@calls(*named("upsample_bilinear2d upsample_bicubic2d"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(IMAGES)), draw(OUTPUTS), draw(st.booleans())), {}


WINDOWS = st.lists(st.sampled_from([2, 2, 3, 1, 0]), min_size=1, max_size=2)


@calls(*named("max_pool2d_with_indices avg_pool2d"))
def _(draw: st.DrawFn) -> Call:
    padding = draw(st.lists(st.sampled_from([0, 0, 1, 2, -1]), min_size=1, max_size=3))
    strides = st.one_of(st.just([]), WINDOWS)
    return (draw(tensors(IMAGES)), draw(WINDOWS), draw(strides), padding), {}


@calls(aten._adaptive_avg_pool2d.default)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(IMAGES)), draw(st.lists(st.sampled_from([1, 2, 3, 0]), min_size=1, max_size=3))), {}


@calls(*named("view _unsafe_view expand"))
def _(draw: st.DrawFn) -> Call:
    tensor = draw(tensors())
    sizes = [draw(st.sampled_from([size, size, -1, 1, 2])) for size in tensor.shape]
    whole = st.just([tensor.numel()])
    return (tensor, draw(st.one_of(st.just(sizes), whole, st.just([2, *sizes]), st.lists(SIZES, max_size=3)))), {}


@calls(aten.permute.default)
def _(draw: st.DrawFn) -> Call:
    tensor = draw(tensors())
    return (tensor, draw(st.one_of(st.permutations(range(tensor.ndim)), st.lists(DIMS, max_size=4)))), {}


@calls(aten.transpose.int, aten.select.int)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(DIMS), draw(DIMS)), {}


@calls(*named("t detach"))
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()),), {}


@calls(aten.unsqueeze.default, aten.squeeze.dim)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(DIMS)), {}


@calls(aten.pixel_unshuffle.default)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors()), draw(st.sampled_from([1, 2, 3]))), {}


@calls(aten.clone.default)
def _(draw: st.DrawFn) -> Call:
    formats = [torch.contiguous_format, torch.preserve_format, torch.channels_last, None]
    return (draw(tensors()),), {"memory_format": draw(st.sampled_from(formats))}


if hasattr(aten, "_grouped_mm"):  # torch 2.8

    @calls(aten._grouped_mm.default)
    def _(draw: st.DrawFn) -> Call:
        deep, wide, groups = (draw(st.sampled_from(sizes)) for sizes in ([16, 8, 3], [16, 8, 3], [1, 2]))
        dtype = st.sampled_from([torch.float32, torch.bfloat16])
        left, right = draw(tensors((4, deep), dtype)), draw(tensors(near((groups, deep, wide)), dtype))
        return (
            left,
            right,
            torch.linspace(4 / groups, 4, groups).to(draw(st.sampled_from([torch.int32, torch.int64]))),
        ), {}


def on_meta(value: Any, twins: dict[int, torch.Tensor]) -> Any:
    """Arguments with tensors without memory in the place of theirs; the same twin for the same tensor."""
    if isinstance(value, torch.Tensor):
        storage = torch.empty(value.untyped_storage().nbytes() // value.itemsize, dtype=value.dtype, device="meta")
        storage = twins.setdefault(value.untyped_storage()._cdata, storage)
        return storage.as_strided(value.shape, value.stride(), value.storage_offset())
    if isinstance(value, (list, tuple)):
        return type(value)(on_meta(item, twins) for item in value)
    return "meta" if value == "cpu" else value


def steps(tensor: torch.Tensor) -> Any:
    """The strides that matter: those of dimensions larger than 1, and what tells channels last from contiguous."""
    strides = [stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]
    last = tensor.ndim == 4 and min(tensor.shape[1:]) > 1 and channels_last(tensor)
    return strides, last


ELSEWHERE = {aten._scaled_dot_product_flash_attention_for_cpu.default}
"""What only attention calls: tests/trace/meta_kernels/test_attention.py."""


def test_every_operation_with_a_rule_is_drawn() -> None:
    assert set(CALLS) | ELSEWHERE >= set(META_KERNELS) | set(CPU_SEMANTICS)


def of_another_device(error: Exception) -> bool:
    """Whether another device may compute it, or a pass with values."""
    if "not implemented for" not in str(error):
        return isinstance(error, NotImplementedError) and "complex" not in str(error)
    return any(name in str(error) for name in ("Half", "BFloat16"))


def refusal(operation: Any, arguments: Any, keywords: Any) -> tuple[str | None, Any]:
    """Why there is no result, or the result."""
    try:
        with torch.no_grad():
            result = operation(*arguments, **keywords)
    except Exception as error:
        return f"{'not implemented' if of_another_device(error) else 'refused'}: {error}", None
    return None, [result] if isinstance(result, torch.Tensor) else list(result)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("examples", [30, pytest.param(600, marks=pytest.mark.full)])
@pytest.mark.parametrize("enabled", [True, False], ids=["rules", "torch"])
@pytest.mark.parametrize("operation", CALLS, ids=str)
def test_the_answer_is_that_of_the_cpu(operation: Any, enabled: bool, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(CALLS[operation])
    def check(call: Call) -> None:
        disagreement = compared(operation, call, enabled=enabled)
        assert disagreement is None, disagreement

    check()


def compared(operation: Any, call: Call, *, enabled: bool) -> str | None:
    """In what the answer without memory is another than the CPU's."""
    arguments, keywords = call
    twins: dict[int, torch.Tensor] = {}
    meta = on_meta(arguments, twins), {name: on_meta(value, twins) for name, value in keywords.items()}
    with nullcontext() if enabled else torch_meta_kernels():
        why, mine = refusal(lambda *args, **kwargs: result_on_meta(operation, args, kwargs), *meta)
    cpu_s, real = refusal(operation, arguments, keywords)
    if (why or cpu_s) and not all(tensor.numel() for tensor in flat((arguments, mine or real or ()))):
        return None  # some kernels look at nothing where there is nothing to do
    if cpu_s:
        return cpu_s if why is None and cpu_s.startswith("refused") else None
    if why:
        return why if why.startswith("refused") else None  # else the model is run with values
    plain = [[(tuple(tensor.shape), tensor.dtype) for tensor in tensors] for tensors in (mine, real)]
    if plain[0] != plain[1]:
        return f"{plain[0]} for {plain[1]}"
    # Where torch's own kernel gave the result, it may lie in memory otherwise.
    layouts = [[steps(tensor) for tensor in tensors if tensor.numel()] for tensors in (mine, real)]
    ruled = enabled and operation in META_KERNELS and META_KERNELS[operation](*meta[0], **meta[1]) is not None
    return f"strides {layouts[0]} for {layouts[1]}" if ruled and layouts[0] != layouts[1] else None
