"""A trace is the same from any device, and leaves the model as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from archprof.errors import RunError
from archprof.trace.recorder import DataDependentError
from archprof.trace.run import trace, trace_values

IMAGE = torch.zeros(1, 3, 8, 8)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.bn(self.conv(x)))


def names(model: nn.Module, *inputs: Any) -> list[str]:
    return [operation.name for operation in trace(model, inputs).operations]


def test_every_operation_is_recorded_with_the_module_that_ran_it() -> None:
    recorded = trace(nn.Sequential(Block()).eval(), (IMAGE,))
    paths = [(operation.name, recorded.calls[operation.call].path) for operation in recorded.operations]
    assert ("aten.convolution", "0.conv") in paths
    assert ("aten.native_batch_norm", "0.bn") in paths
    assert ("aten.relu", "0") in paths  # a function: it belongs to the module that called it
    (convolution,) = [operation for operation in recorded.operations if operation.name == "aten.convolution"]
    image, weight = convolution.arguments[:2]
    assert image.shape == (1, 3, 8, 8)
    assert weight.shape == (4, 3, 3, 3)
    assert weight.parameter == "0.conv.weight"
    assert convolution.outputs[0].shape == (1, 4, 6, 6)


def test_module_calls_know_their_caller_and_what_went_through() -> None:
    calls = trace(nn.Sequential(Block()).eval(), (IMAGE,)).calls
    assert [call.path for call in calls] == ["", "0", "0.conv", "0.bn"]
    assert [call.parent for call in calls] == [-1, 0, 1, 1]
    assert calls[2].inputs[0].shape == (1, 3, 8, 8)
    assert calls[2].outputs[0] is calls[3].inputs[0]


def test_a_model_on_meta_and_one_with_values_give_the_same_trace() -> None:
    model = Block().eval()

    def described(recorded: Any) -> Any:
        return [(o.name, [x.shape for x in o.outputs], o.call) for o in recorded.operations]

    assert described(trace(model, (IMAGE,))) == described(trace(copy.deepcopy(model).to("meta"), (IMAGE,)))


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_found(training: bool) -> None:
    model = Block().train(training)
    model.conv.register_forward_hook(lambda *_: None)
    before = copy.deepcopy(model.state_dict())
    random = torch.get_rng_state()
    trace(model, (IMAGE,))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.training is training
    assert len(model.conv._forward_hooks) == 1
    assert not any(value.is_meta for value in model.state_dict().values())
    assert torch.equal(torch.get_rng_state(), random)
    assert not nn.modules.module._global_forward_hooks


def test_what_a_module_caches_is_not_left_behind() -> None:
    class Caching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.grid = torch.ones_like(x)
            return x + self.grid

    model = Caching()
    trace(model, (IMAGE,))
    assert not hasattr(model, "grid")


def test_the_model_is_left_as_found_when_it_fails() -> None:
    class Failing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen = x
            raise ValueError("no")

    model = nn.Sequential(nn.Identity(), Failing())
    with pytest.raises(RunError, match=r"1 \(Failing\) does not run on this input: no"):
        trace(model, (IMAGE,))
    assert not hasattr(model[1], "seen")
    assert not nn.modules.module._global_forward_hooks


def test_twice_gives_the_same() -> None:
    model = Block()
    assert names(model, IMAGE) == names(model, IMAGE)


def test_a_small_constant_keeps_its_values() -> None:
    class Steered(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            steps = torch.tensor([2.0]) * 2
            return x if int(steps.item()) == 4 else x.view(-1)

    recorded = trace(Steered(), (IMAGE,))
    assert recorded.calls[0].outputs[0].shape == (1, 3, 8, 8)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = torch.zeros(1, x.shape[1], 7, device=x.device)
        return self.lstm(x, (state, state))[0]


class Spectrum(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stft(x, 64, window=torch.hann_window(64, device=x.device), return_complex=True).abs()


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.LSTM(5, 7), (3, 2, 5)),
        (nn.GRU(5, 7), (3, 2, 5)),
        (nn.RNN(5, 7), (3, 2, 5)),
        (Recurrent(), (3, 2, 5)),
        (Spectrum(), (1, 256)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_is_made_on_the_device_of_the_input_passes_where_torch_compares_devices(
    model: nn.Module, shape: tuple[int, ...], device: str
) -> None:
    x = torch.ones(shape)
    computed = trace_values(model, (x,)).calls[0].outputs

    recorded = trace(copy.deepcopy(model).to(device), (x.to(device),)).calls[0].outputs

    assert [(o.shape, o.dtype) for o in recorded] == [(o.shape, o.dtype) for o in computed]


def test_a_model_that_reads_its_input_says_so_and_is_traced_with_values() -> None:
    class Reading(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum().item() > 0 else x @ x

    with pytest.raises(DataDependentError, match=r"the model \(Reading\) needs the values"):
        trace(Reading(), (IMAGE,))
    assert "aten.bmm" in [o.name for o in trace_values(Reading(), (IMAGE,)).operations]


def test_a_module_made_during_the_pass_belongs_to_its_maker() -> None:
    class Making(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = nn.Upsample(scale_factor=2)(x)
            return result

    recorded = trace(nn.Sequential(Making()), (IMAGE,))
    (upsample,) = [o for o in recorded.operations if o.name == "aten.upsample_nearest2d"]
    assert recorded.calls[upsample.call].path == "0"


def test_nothing_is_allocated_for_a_large_model() -> None:
    with torch.device("meta"):
        model = nn.Linear(10**6, 10**6)  # 4 TB of weights
    recorded = trace(model, (torch.empty(10**6, 10**6, device="meta"),))
    assert recorded.calls[0].outputs[0].shape == (10**6, 10**6)
