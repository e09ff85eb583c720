"""A fast path writes down exactly what the module's forward runs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archprof.errors import RunError
from archprof.trace.modules import MODULE_FAST_PATHS
from archprof.trace.record import TensorInfo, Trace
from archprof.trace.run import trace

MODULES: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Conv1d(4, 6, 3, stride=2), (2, 4, 9)),
    (nn.Conv2d(4, 6, 3, padding=1, groups=2), (2, 4, 9, 9)),
    (nn.Conv2d(4, 6, 1, bias=False), (1, 4, 9, 9)),
    (nn.Conv3d(4, 6, 3, dilation=2), (1, 4, 9, 9, 9)),
    (nn.BatchNorm1d(4), (2, 4, 9)),
    (nn.BatchNorm2d(4), (2, 4, 9, 9)),
    (nn.BatchNorm2d(4, affine=False, momentum=None), (2, 4, 9, 9)),
    (nn.BatchNorm3d(4), (2, 4, 3, 3, 3)),
    (nn.LayerNorm(8), (2, 3, 8)),
    (nn.LayerNorm((3, 8), elementwise_affine=False), (2, 3, 8)),
    (nn.Linear(8, 5), (3, 8)),
    (nn.Linear(8, 5, bias=False), (3, 8)),
    (nn.Linear(8, 5), (2, 3, 8)),
    (nn.Linear(8, 5, bias=False), (2, 3, 3, 8)),
    *((activation(), (2, 3)) for activation in (nn.ReLU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.GELU)),
    *((activation(inplace=True), (2, 3)) for activation in (nn.ReLU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid)),
    (nn.GELU(approximate="tanh"), (2, 3)),
    (nn.Identity(), (2, 3)),
    (nn.Dropout(), (2, 3)),
]


def described(recorded: Trace) -> Any:
    """Every operation with its tensors numbered in the order in which they, and their memory, were first met."""
    numbers: dict[Any, int] = {}

    def number(key: Any) -> int:
        return numbers.setdefault(key, len(numbers))

    def plain(value: Any) -> Any:
        if isinstance(value, TensorInfo):
            return (number(value), number(("memory", value.storage)), value.shape, value.dtype, value.parameter)
        return tuple(plain(item) for item in value) if isinstance(value, (tuple, list)) else value

    return [
        (
            operation.function,
            plain(operation.arguments),
            {key: plain(value) for key, value in operation.keywords.items()},
            plain(operation.outputs),
            recorded.calls[operation.call].path,
        )
        for operation in recorded.operations
    ]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("module", "shape"), MODULES, ids=lambda value: str(value))
def test_a_fast_path_is_the_forward(module: nn.Module, shape: tuple[int, ...], training: bool) -> None:
    if training and getattr(module, "momentum", 0.1) is None:
        return  # it averages over all batches so far, which takes the number of them: a value
    # Another module after it, so that the result is used as an input too.
    model = nn.Sequential(module, nn.Sigmoid()).train(training)
    image = torch.zeros(shape)
    short = trace(model, (image,))
    # A hook makes a module run as it stands.
    hooks = [part.register_forward_hook(lambda *_: None) for part in model]
    whole = trace(model, (image,))
    for hook in hooks:
        hook.remove()
    assert described(short) == described(whole)
    assert [[out.shape for out in call.outputs] for call in short.calls] == [
        [out.shape for out in call.outputs] for call in whole.calls
    ]


def test_every_fast_path_is_held_to_its_forward() -> None:
    assert {type(module) for module, _ in MODULES} == set(MODULE_FAST_PATHS)


class Doubling(nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        return super().forward(super().forward(input))


def test_a_subclass_runs() -> None:
    assert [o.name for o in trace(Doubling(3, 3), (torch.zeros(2, 3),)).operations].count("aten.addmm") == 2


def test_a_forward_of_the_instance_runs() -> None:
    module = nn.ReLU()
    module.forward = torch.sigmoid  # type: ignore[method-assign,assignment]
    assert [o.name for o in trace(module, (torch.zeros(2),)).operations] == ["aten.sigmoid"]


def test_hooks_run() -> None:
    module = nn.ReLU()
    module.register_forward_hook(lambda module, args, output: output * 2)
    assert [o.name for o in trace(module, (torch.zeros(2),)).operations] == ["aten.relu", "aten.mul"]


def test_hooks_on_all_modules_run() -> None:
    hook = nn.modules.module.register_module_forward_hook(lambda module, args, output: output * 2)
    try:
        names = [o.name for o in trace(nn.ReLU(), (torch.zeros(2),)).operations]
    finally:
        hook.remove()
    assert names == ["aten.relu", "aten.mul"]


def test_a_misfit_is_torch_s_to_report() -> None:
    with pytest.raises(Exception, match="to have 4 channels, but got 5 channels instead"):
        trace(nn.Conv2d(4, 6, 3), (torch.zeros(1, 5, 9, 9),))


SETTINGS: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Conv1d: ("stride", "padding", "dilation", "groups"),
    nn.Conv2d: ("stride", "padding", "dilation", "groups"),
    nn.Conv3d: ("stride", "padding", "dilation", "groups"),
    nn.ConvTranspose2d: ("stride", "padding", "dilation", "groups", "output_padding"),
    nn.BatchNorm2d: ("eps", "momentum"),
    nn.LayerNorm: ("eps",),
    nn.Dropout: ("p",),
    nn.SiLU: ("inplace",),
}
VALUES = [True, 1, 0, -1, 1.0, 0.5, "1", None, (1, 1), (True, True), [1, 1], (1, 1, 1), (), (1,), np.int64(1), 10**20]
LAYERS = [*MODULES, (nn.ConvTranspose2d(4, 6, 3), (2, 4, 9, 9))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("module", "shape"), LAYERS, ids=lambda value: str(value))
def test_what_is_set_after_construction_is_for_torch_to_take_or_refuse(
    module: nn.Module, shape: tuple[int, ...]
) -> None:
    module = copy.deepcopy(module).eval()
    for name in SETTINGS.get(type(module), ()):
        before = getattr(module, name)
        for value in VALUES:
            setattr(module, name, value)
            try:
                theirs = module(torch.zeros(shape)).shape
            except Exception:
                theirs = None
            try:
                ours = trace(module, (torch.zeros(shape),)).calls[0].outputs[0].shape
            except RunError:
                ours = None
            assert ours == theirs, f"{name} = {value!r}"
        setattr(module, name, before)
