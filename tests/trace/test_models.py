"""Models as people write, wrap and call them: each is profiled, twice the same, and left as it was."""

from __future__ import annotations

import copy
from collections import namedtuple
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn
from torch.nn.utils import parametrizations, rnn
from torch.utils.checkpoint import checkpoint

import archprof
from archprof.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.profile import Profile

IMAGE = torch.linspace(-1, 1, 2 * 4 * 8 * 8).view(2, 4, 8, 8)
# Of a 3×3 convolution 4 → 4 of the image: 2·4·6·6 outputs of 4·9 products. Of a 1×1: 2·4·8·8 of 4.
THREE, ONE = 288 * 36, 512 * 4


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        return self.function(self, *inputs, **keywords)


def profiled(model: nn.Module, inputs: Any = IMAGE, **options: Any) -> Profile:
    state = copy.deepcopy(model.state_dict())
    attributes = {path: (set(vars(module)), module.training) for path, module in model.named_modules()}
    random = torch.get_rng_state()
    first, second = archprof.profile(model, inputs, **options), archprof.profile(model, inputs, **options)
    assert first == second
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert {path: (set(vars(module)), module.training) for path, module in model.named_modules()} == attributes
    assert torch.equal(torch.get_rng_state(), random)
    return first


Pair = namedtuple("Pair", "a b")


@dataclass
class Output:
    logits: Any
    hidden: Any = None


ONE_BY_ONE = nn.Conv2d(4, 4, 1)
RESULTS: dict[str, Callable[[Any], Any]] = {
    "a named tuple": lambda y: Pair(y, y),
    "a dataclass": lambda y: Output(y, [y]),
    "a dict of lists": lambda y: {"a": [y], "b": (y, None, 3)},
    "nothing": lambda y: None,
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_of_any_kind(name: str) -> None:
    profile = profiled(Function(lambda m, x: RESULTS[name](m.conv(x)), conv=ONE_BY_ONE))
    assert profile.totals.macs == ONE
    assert ([2, 4, 8, 8] in profile.modules[0].output_shapes) is (name != "nothing")


INPUTS: dict[str, tuple[Callable[..., Any], Any]] = {
    "keywords": (lambda m, *, image, mask: m.conv(image) * mask, {"image": IMAGE, "mask": torch.ones(2, 1, 1, 1)}),
    "a named tuple": (lambda m, pair: m.conv(pair.a) + pair.b, (Pair(IMAGE, IMAGE),)),
    "a dict among others": (lambda m, batch, k: m.conv(batch["image"]) * k, ({"image": IMAGE}, 3)),
    "a list": (lambda m, images: m.conv(images[0]), ([IMAGE, IMAGE],)),
    "nothing": (lambda m: m.conv(torch.ones(2, 4, 8, 8, device=m.conv.weight.device)), ()),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_of_any_kind(name: str) -> None:
    function, inputs = INPUTS[name]
    assert profiled(Function(function, conv=ONE_BY_ONE), inputs).totals.macs == ONE


def training(model: nn.Module) -> nn.Module:
    return model.train()


def compiled_in_place() -> nn.Module:
    model = nn.Conv2d(4, 4, 3)
    model.compile()
    return model


# Each makes a model that runs one 3×3 convolution, and says how many MACs there are beside it.
WRAPPED: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "compiled": (lambda: nn.Sequential(torch.compile(nn.Conv2d(4, 4, 3)), nn.ReLU()), 0),
    "compiled in place": (compiled_in_place, 0),
    "torch.jit.script inside": (
        lambda: nn.Sequential(torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 3))), nn.ReLU()),
        0,
    ),
    "torch.jit.script": (lambda: torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())), 0),
    "torch.jit.trace": (lambda: torch.jit.trace(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU()), IMAGE), 0),
    "torch.fx": (lambda: torch.fx.symbolic_trace(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())), 0),
    "DataParallel": (lambda: nn.DataParallel(nn.Conv2d(4, 4, 3)), 0),
    "weight norm": (lambda: parametrizations.weight_norm(nn.Conv2d(4, 4, 3)), 0),
    # u and v of a power iteration, and then uᵀWv, with W of 4 × 36: 144 each, and 4 for the product with u.
    "spectral norm": (lambda: parametrizations.spectral_norm(nn.Conv2d(4, 4, 3)).eval(), 144 + 4),
    "spectral norm in training": (lambda: training(parametrizations.spectral_norm(nn.Conv2d(4, 4, 3))), 3 * 144 + 4),
    "batch norm and dropout in training": (
        lambda: training(nn.Sequential(nn.BatchNorm2d(4), nn.Dropout(), nn.Conv2d(4, 4, 3))),
        0,
    ),
    "autocast for the tensor's device": (lambda: Function(_autocast, conv=nn.Conv2d(4, 4, 3)), 0),
    "inference mode inside": (
        lambda: Function(torch.inference_mode()(lambda m, x: m.conv(x)), conv=nn.Conv2d(4, 4, 3)),
        0,
    ),
    "called for a function's own weights": (
        lambda: Function(
            lambda m, x: torch.func.functional_call(m.conv, dict(m.conv.named_parameters()), (x,)),
            conv=nn.Conv2d(4, 4, 3),
        ),
        0,
    ),
}


def _autocast(module: Any, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        result: torch.Tensor = module.conv(x)
        return result


@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated", "ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped_models(name: str) -> None:
    make, beside = WRAPPED[name]
    profile = profiled(make())
    assert profile.totals.macs == THREE + beside
    assert not profile.coverage.unknown


def test_inference_mode_outside_and_inference_tensors() -> None:
    with torch.inference_mode():
        made = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Flatten(2), nn.Linear(36, 5))
        profile = profiled(made, IMAGE + 0)
    # The linear layer: 2·4 rows of 36 · 5.
    assert profile.totals.macs == THREE + 8 * 180
    assert {operation.name for operation in profile.operations} >= {"aten.convolution", "aten.addmm"}


def test_many_kernels_at_once() -> None:
    def ensemble(module: Any, x: torch.Tensor) -> torch.Tensor:
        kernels = torch.ones(3, 4, 4, 1, 1, device=x.device)
        call = torch.vmap(lambda kernel: torch.func.functional_call(module.conv, {"weight": kernel}, (x,)))
        result: torch.Tensor = call(kernels)
        return result

    assert profiled(Function(ensemble, conv=nn.Conv2d(4, 4, 1, bias=False))).totals.macs == 3 * ONE


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_is_computed_again_for_the_backward_pass_is_counted_again(reentrant: bool) -> None:
    def function(module: Any, x: torch.Tensor) -> Any:
        return checkpoint(module.conv, module.stem(x), use_reentrant=reentrant)

    # The sigmoid's result is what is needed again, and the convolution before it.
    model = Function(function, stem=nn.Conv2d(4, 4, 1), conv=nn.Sequential(nn.Conv2d(4, 4, 3), nn.Sigmoid()))
    profile = profiled(model, backward=True)
    assert profile.totals.macs == ONE + THREE
    assert profile.backward is not None
    # Again, and both gradients of it; of the stem only the weight's.
    assert profile.backward.macs == 3 * THREE + ONE


# Each reads values, so it is run with them.
READS: dict[str, Callable[[Any, torch.Tensor], Any]] = {
    "numpy": lambda m, x: m.conv(x) * float(x.numpy().sum()),
    "a condition": lambda m, x: m.conv(x) if x.max() > 0 else x,
    "a list": lambda m, x: m.conv(x) * x.sum().tolist(),
    "a mask": lambda m, x: m.conv(x)[x > 0],
    "a mask of bytes": lambda m, x: m.conv(x)[(x > 0).to(torch.uint8)],
}


@pytest.mark.filterwarnings("ignore:indexing with dtype torch.uint8 is now deprecated")
@pytest.mark.parametrize("name", READS)
def test_what_reads_values_is_run_with_them_and_says_so(name: str) -> None:
    profile = profiled(Function(READS[name], conv=ONE_BY_ONE))
    assert profile.totals.macs == ONE
    assert profile.environment.remarks[0].startswith("run with values: ")


def test_sequences_of_several_lengths() -> None:
    def function(module: Any, x: torch.Tensor) -> Any:
        return module.lstm(rnn.pack_padded_sequence(x, [8, 6], batch_first=True))[0].data

    model = Function(function, lstm=nn.LSTM(5, 3, batch_first=True))
    # 8 + 6 steps of 4 gates of 5 + 3 inputs and 3 units.
    assert profiled(model, torch.zeros(2, 8, 5)).totals.macs == 14 * 4 * 8 * 3


def test_a_lazy_module_is_refused() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3))
    with pytest.raises(RunError, match=r"0 \(LazyConv2d\) is lazy") as caught:
        archprof.profile(model, IMAGE)
    assert "call the model once" in str(caught.value.hint)


def test_a_hook_that_raises_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())
    model[0].register_forward_hook(lambda *_: 1 / 0)
    weight, call = model[0].weight, nn.Module.__call__
    with pytest.raises(RunError, match=r"0 \(Conv2d.* does not run on this input: ZeroDivisionError: division by zero"):
        archprof.profile(model, IMAGE)
    assert model[0].weight is weight
    assert nn.Module.__call__ is call
    assert F.scaled_dot_product_attention(*[torch.ones(1, 1, 2, 2, device="meta")] * 3).shape == (1, 1, 2, 2)


def test_a_convention_of_another_tool_takes_no_keywords() -> None:
    model = Function(lambda m, *, image: m.conv(image), conv=ONE_BY_ONE)
    profile = archprof.profile(model, {"image": IMAGE}, conventions=["fvcore"])
    assert "fvcore" not in profile.reported
    assert "takes positional arguments only" in profile.environment.remarks[0]


def _one_after_the_other(module: Any, x: torch.Tensor) -> Any:
    for _ in range(3):
        x = module.conv(x)
        yield x


def test_results_that_are_computed_when_they_are_taken_are_counted() -> None:
    profile = profiled(Function(_one_after_the_other, conv=ONE_BY_ONE))
    assert profile.totals.macs == 3 * ONE
    assert {module.path: module.macs for module in profile.modules} == {"": 3 * ONE, "conv": 3 * ONE}
    assert profiled(Function(_one_after_the_other, conv=ONE_BY_ONE), backward=True).totals.macs == 3 * ONE


def _without_end(module: Any, x: torch.Tensor) -> Any:
    while True:
        yield x


def test_results_without_end_are_refused() -> None:
    with pytest.raises(RunError, match="more than 10,000 results"):
        archprof.profile(Function(_without_end), IMAGE)


@pytest.mark.parametrize("sorted_by_length", [True, False])
def test_packed_sequences_go_in(sorted_by_length: bool) -> None:
    lengths = (4, 3) if sorted_by_length else (3, 4)
    packed = rnn.pack_sequence([torch.zeros(length, 5) for length in lengths], enforce_sorted=sorted_by_length)
    profile = profiled(nn.LSTM(5, 6), (packed,))
    # Seven steps, each through 4 gates of 6 units from 5 inputs and 6 of the state.
    assert profile.totals.macs == 7 * 4 * 6 * (5 + 6)
    assert not profile.environment.remarks
