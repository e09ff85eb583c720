"""Whole models have the same trace by the fast rules and fast paths as by torch's own meta kernels and forwards."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
import torch

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.sources import families
from archprof.sources.origins.stock import stock
from archprof.sources.reference import resolve, scales
from archprof.trace.meta_kernels.registry import meta_kernels_enabled, torch_meta_kernels
from archprof.trace.record import TensorInfo, Trace
from archprof.trace.recorder import DataDependentError, Recorder
from archprof.trace.run import run
from model_zoo.llama.experts import MixtureLinear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

YAMLS = sorted({*stock(), *(name for _, name, _ in families.variants())})
# Of each kind of network one or two: plain, grouped, depthwise, channels last, attention in windows, blocks, grids and
# channels, gated, two images, clips, text and boxes chosen by their values.
NAMED = [
    *("timm:resnet18", "timm:convnext_atto", "timm:mobilenetv3_small_050", "timm:swin_tiny_patch4_window7_224"),
    *("timm:xcit_nano_12_p16_224", "timm:halonet26t", "timm:maxvit_rmlp_pico_rw_256", "timm:gcvit_xxtiny"),
    *("timm:tf_efficientnet_cc_b0_4e", "timm:gmlp_s16_224", "timm:vit_tiny_patch16_224"),
    *("torchvision:mvit_v1_b", "torchvision:raft_small", "torchvision:r3d_18", "torchvision:maxvit_t"),
    *("torchvision:ssdlite320_mobilenet_v3_large", "torchvision:lraspp_mobilenet_v3_large"),
]
PARTS = 16


class StrideRecorder(Recorder):
    """Notes the strides of every tensor that it sees."""

    def __init__(self, model: nn.Module, tree: list[tuple[str, nn.Module]]) -> None:
        self.strides: dict[TensorInfo, tuple[int, ...]] = {}
        super().__init__(model, tree)

    def info(self, tensor: Tensor) -> TensorInfo:
        info = super().info(tensor)
        # Nothing steps along a dimension of one.
        pairs = zip(tensor.stride(), tensor.shape, strict=True)
        self.strides[info] = tuple(stride for stride, size in pairs if size > 1)
        return info


class Description:
    """A trace as plain data, each tensor and its memory numbered in the order in which operations met them."""

    def __init__(self, trace: Trace, strides: dict[TensorInfo, tuple[int, ...]]) -> None:
        self._numbers: dict[Any, int] = {}
        self.operations = [
            (
                trace.calls[operation.call].path,
                operation.function.name(),
                self._plain(operation.arguments),
                {key: self._plain(value) for key, value in operation.keywords.items()},
                self._plain(operation.outputs),
            )
            for operation in trace.whole_step().operations
        ]
        # A fast path knows all but the strides of a tensor that it does not make.
        self.strides = {self._numbers[tensor]: steps for tensor, steps in strides.items() if tensor in self._numbers}

    def _number(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, TensorInfo):
            memory = self._number(("memory", value.storage))
            return self._number(value), memory, value.shape, value.dtype, value.parameter
        return tuple(self._plain(item) for item in value) if isinstance(value, (tuple, list)) else value


def described(model: nn.Module, inputs: tuple[Any, ...], *, backward: bool) -> Description | str:
    """What a pass records, or what it says that it needs."""
    recorders: list[StrideRecorder] = []

    class Noted(StrideRecorder):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            recorders.append(self)

    try:
        trace = run(Noted, model, inputs, backward=backward)
    except DataDependentError as error:
        return error.message
    return Description(trace, recorders[0].strides)


@cache
def torch_groups_floats() -> bool:
    """Whether torch's own meta kernel takes float32, as the one that computes does: up to torch 2.14 it does not."""
    ends = torch.empty(2, dtype=torch.int32, device="meta")
    try:
        torch._grouped_mm(torch.empty(8, 16, device="meta"), torch.empty(2, 16, 16, device="meta"), offs=ends)
    except RuntimeError:
        return False
    return True


def same(reference: str, *, scale: str | None = None, backward: bool = False) -> int:
    """Hold both traces of a model together; how many operations it runs."""
    built = build(resolve(reference, scale=scale))
    inputs = make_inputs(built)
    if not torch_groups_floats() and any(isinstance(layer, MixtureLinear) for layer in built.module.modules()):
        built.module.to(torch.bfloat16)
    fast = described(built.module, inputs, backward=backward)
    with torch_meta_kernels():
        slow = described(built.module, inputs, backward=backward)
    if isinstance(fast, str) or isinstance(slow, str):
        assert fast == slow, reference
        return 0
    for mine, torch_s in zip_longest(fast.operations, slow.operations):
        assert mine == torch_s, reference
    shared = fast.strides.keys() & slow.strides.keys()
    assert {key: fast.strides[key] for key in shared} == {key: slow.strides[key] for key in shared}, reference
    return len(fast.operations)


@pytest.mark.parametrize("name", YAMLS)
def test_every_yaml_at_one_scale(name: str) -> None:
    assert same(name) > 10


@pytest.mark.filterwarnings("ignore")  # the libraries' own, on names that they gave up
@pytest.mark.parametrize("name", NAMED)
def test_some_models_of_timm_and_torchvision(name: str) -> None:
    assert (same(name) > 10) is (name != "torchvision:ssdlite320_mobilenet_v3_large")  # it chooses boxes by values


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["yolo11n", "yolov13-DynamicConv", "timm:resnet18", "timm:swin_tiny_patch4_window7_224"]
)
def test_a_training_step(name: str) -> None:
    assert same(name, backward=True) > 10


def _other_scales() -> Iterator[Any]:
    for name in YAMLS:
        yield from ((name, scale) for scale in scales(name)[1:])


@pytest.mark.full
@pytest.mark.parametrize(("name", "scale"), list(_other_scales()))
def test_every_yaml_at_every_other_scale(name: str, scale: str) -> None:
    assert same(name, scale=scale) > 10


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_model_of_timm_and_torchvision(part: int) -> None:
    import timm
    import torchvision

    names = [f"torchvision:{name}" for name in torchvision.models.list_models()]
    names += [f"timm:{name}" for name in timm.list_models()]
    assert sum(same(name) for name in names[part::PARTS]) > 10_000


def test_the_switch_holds_for_a_while() -> None:
    assert meta_kernels_enabled()
    with torch_meta_kernels():
        assert not meta_kernels_enabled()
        with torch_meta_kernels():
            pass
        assert not meta_kernels_enabled()
    assert meta_kernels_enabled()


@pytest.mark.parametrize(("value", "enabled"), [("0", False), ("1", True)])
def test_the_environment_has_a_switch(value: str, enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHPROF_META_KERNELS", value)
    code = "from archprof.trace.meta_kernels.registry import meta_kernels_enabled as enabled; print(enabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(enabled)


def test_without_the_rules_torch_s_own_kernels_run() -> None:
    """A rule that would be used gives a tensor of another shape here, so the switch is seen to matter."""

    class Counting(StrideRecorder):
        def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
            ran.append(func)
            return super().compute(func, args, kwargs)

    ran: list[Any] = []
    model, image = torch.nn.ReLU(), torch.empty(2, device="meta")
    run(Counting, model, (image,))
    assert ran == []  # the fast path asks the rule itself
    with torch_meta_kernels():
        run(Counting, model, (image,))
    assert ran == [torch.ops.aten.relu.default]
