"""Every backend really runs a network of two layers."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
import torch
from torch import nn

from archprof.errors import RunError, UsageError
from archprof.latency.agreement import TOLERANCES, agreement, rounding_changes
from archprof.latency.backends import BACKENDS, find_backend
from archprof.latency.backends.interface import Backend, Flat, Settings, leaves
from archprof.latency.backends.onnx_export import EXPORTERS, ExportedModel
from archprof.latency.output_capture import output_logged
from archprof.records.latency import Agreement

CPU = sorted(name for name, backend in BACKENDS.items() if "cpu" in backend.devices)


class Heads(nn.Module):
    """Returns a dict with a tuple in it, as detectors do, and makes a tensor of its own when it is first called."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)
        self.grid: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> dict[str, object]:
        x = torch.relu(self.one(x))
        if self.grid is None:
            self.grid = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device)
        return {"features": x, "heads": (self.two(x) + self.grid, x.mean())}


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return Heads().eval().requires_grad_(False)


@pytest.fixture
def inputs() -> tuple[torch.Tensor, ...]:
    return (torch.rand(2, 3, 16, 12, generator=torch.Generator().manual_seed(1)),)


def expected(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    with torch.no_grad():
        outputs = module(*inputs)
    return [outputs["features"], *outputs["heads"]]


@pytest.mark.parametrize("name", CPU)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporters' and compilers' own libraries
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")  # torch.compile's own, of that Python
def test_a_backend_computes_what_eager_does(name: str, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    outputs = expected(module, inputs)

    call = find_backend(name).prepare(module, inputs, Settings(threads=1))

    for _ in range(3):  # the first calls may still specialise
        found = agreement(outputs, leaves(call()), "float32")
        assert found.holds, found
    assert [tuple(one.shape) for one in leaves(call())] == [(2, 4, 14, 10), (2, 2, 14, 10), ()]


class Transposed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mT @ x


class Resized(nn.Module):
    def __init__(self, **how: object) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(x, **self.how)


READS_ONNX = ("onnxruntime", "openvino")
# What the exporter that traces has no symbols for.
UNTRACED = {
    ".mT": Transposed(),
    "antialiased bilinear": Resized(size=(5, 7), mode="bilinear", antialias=True),
    "antialiased bicubic": Resized(size=(5, 7), mode="bicubic", antialias=True),
    "nearest-exact": Resized(scale_factor=1.7, mode="nearest-exact"),
}


# OpenVINO 2026.4 reads a Resize with antialias as one without.
@pytest.mark.parametrize(
    ("backend", "name"),
    [*(("onnxruntime", name) for name in UNTRACED), *(("openvino", name) for name in (".mT", "nearest-exact"))],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_one_exporter_refuses_the_other_exports(
    backend: str, name: str, inputs: tuple[torch.Tensor, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    module = UNTRACED[name].eval()

    call = find_backend(backend).prepare(module, inputs, Settings(threads=1))

    assert isinstance(call, ExportedModel)
    assert call.exporter == "dynamo"
    assert agreement([module(*inputs)], leaves(call()), "float32").holds
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["antialiased bilinear", "antialiased bicubic"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_backend_computes_otherwise_is_refused(name: str, inputs: tuple[torch.Tensor, ...]) -> None:
    with pytest.raises(RunError, match="by the exporter dynamo: its outputs differ from eager PyTorch's by"):
        find_backend("openvino").prepare(UNTRACED[name].eval(), inputs, Settings(threads=1))


@pytest.mark.parametrize("backend", READS_ONNX)
def test_what_both_export_is_traced(backend: str, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    call = find_backend(backend).prepare(module, inputs, Settings(threads=1))

    assert isinstance(call, ExportedModel)
    assert call.exporter == "torchscript"


@pytest.mark.full
@pytest.mark.parametrize("name", ["halonet26t", "volo_d1_224", "csatv2"])
@pytest.mark.filterwarnings("ignore")  # of timm's own models
def test_models_of_timm_that_cannot_be_traced_are_exported(name: str) -> None:
    import timm

    torch.manual_seed(0)
    module = timm.create_model(name, pretrained=False).eval().requires_grad_(False)
    given = (torch.rand(1, *module.default_cfg["input_size"]),)

    call = find_backend("onnxruntime").prepare(module, given, Settings())

    assert isinstance(call, ExportedModel)
    assert call.exporter == "dynamo"
    assert agreement([module(*given)], leaves(call()), "float32").holds


def test_a_file_that_computes_something_else_is_refused(
    module: nn.Module, inputs: tuple[torch.Tensor, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = EXPORTERS["torchscript"]

    class Doubled(nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [2 * output for output in leaves(module(x))]

    def export_something_else(flat: Flat, inputs: tuple[torch.Tensor, ...]) -> bytes:
        return trace(Flat(Doubled()), inputs)

    monkeypatch.setitem(EXPORTERS, "torchscript", export_something_else)
    monkeypatch.setitem(EXPORTERS, "dynamo", trace)
    call = find_backend("onnxruntime").prepare(module, inputs, Settings())
    assert isinstance(call, ExportedModel)
    assert call.exporter == "dynamo"

    monkeypatch.setitem(EXPORTERS, "dynamo", export_something_else)
    with pytest.raises(RunError) as caught:
        find_backend("onnxruntime").prepare(module, inputs, Settings())
    # Twice the outputs are off by all of them.
    reason = "its outputs differ from eager PyTorch's by 1 of the largest; rounding makes 0.001"
    assert caught.value.message == (
        "no ONNX export of it runs and agrees with eager PyTorch: "
        f"by the exporter torchscript: {reason}; by the exporter dynamo: {reason}"
    )


def test_what_decides_by_less_than_rounding_is_no_fault_of_a_backend() -> None:
    inputs = (torch.tensor([[1.0, 3.0]]),)

    def near_tie(x: torch.Tensor) -> torch.Tensor:
        # 1 + 3 is 4 and not more; four units in the last place more of both are.
        return torch.where(x.sum() > 4, 1.0, 0.0)

    def plain(x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    assert rounding_changes(near_tie, inputs, [near_tie(*inputs)])
    assert not rounding_changes(plain, inputs, [plain(*inputs)])
    whole = (torch.tensor([1, 3]),)
    assert not rounding_changes(plain, whole, [plain(*whole)])  # whole numbers are not rounded


def test_what_is_printed_past_python_is_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with output_logged("a library"):
        print("by Python")
        print("to stderr", file=sys.stderr)
        os.write(1, b"past it\n")
        subprocess.run(["echo", "by another process"], check=True)
    print("afterwards")

    assert capfd.readouterr() == ("afterwards\n", "")
    assert caplog.messages == ["a library: by Python\nto stderr\npast it\nby another process"]


def test_nothing_is_logged_where_nothing_is_printed(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), output_logged("a library"):
        raise ZeroDivisionError
    assert caplog.messages == []


@pytest.mark.parametrize(
    "settings",
    [
        Settings(channels_last=True),
        Settings(inference_mode=False),
        Settings(autocast="bfloat16"),
    ],
    ids=lambda settings: " ".join(settings.wanted()),
)
def test_eager_runs_as_it_is_asked_to(settings: Settings, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    outputs = expected(module, inputs)

    features, _, mean = leaves(find_backend("eager").prepare(module, inputs, settings)())

    assert features.is_inference() == settings.inference_mode
    assert features.is_contiguous(memory_format=torch.channels_last) == settings.channels_last
    assert features.dtype == (torch.bfloat16 if settings.autocast else torch.float32)
    assert not features.requires_grad
    assert agreement(outputs[:1], [features], settings.autocast or "float32").holds
    assert mean.ndim == 0


def test_threads_are_the_backends_own(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    assert find_backend("eager").threads(Settings()) == torch.get_num_threads()
    assert find_backend("onnxruntime").threads(Settings(threads=3)) == 3
    assert find_backend("openvino").threads(Settings()) is None


def test_a_backend_that_is_not_installed_says_what_to_install() -> None:
    class Absent(Backend):
        name = "absent"
        packages = ("json", "no_such_package")
        extra = "absent"

        def prepare(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], settings: Settings) -> object:
            raise AssertionError("it is not there")

    with BACKENDS.scope():
        BACKENDS.register("absent", Absent())
        with pytest.raises(UsageError) as caught:
            find_backend("absent")
    assert caught.value.message == "the backend absent needs no_such_package, which is not installed"
    assert caught.value.hint == ("python -m pip install 'archprof[absent]', or python -m pip install no_such_package")


def test_agreement_is_the_largest_difference_over_the_largest_element() -> None:
    eager = [torch.tensor([1.0, -4.0]), torch.tensor([[10.0]])]
    other = [torch.tensor([1.1, -4.0]), torch.tensor([[10.2]])]

    found = agreement(eager, other, "float32")

    # 0.1 of 4 is 2.5 %, 0.2 of 10 is 2 %; the largest difference is 0.2.
    assert found.absolute == pytest.approx(0.2)
    assert found.relative == pytest.approx(0.025)
    assert not found.holds
    assert agreement(eager, other, "float16").holds
    assert TOLERANCES["float32"] < 0.025 < TOLERANCES["float16"]


@pytest.mark.parametrize(
    "other",
    [
        [],
        [torch.zeros(3)],
        [torch.tensor([1.0, float("nan")])],
        [torch.tensor([1.0, float("inf")])],
    ],
)
def test_other_shapes_and_not_a_numbers_do_not_agree(other: list[torch.Tensor]) -> None:
    found = agreement([torch.tensor([1.0, 2.0])], other, "bfloat16")
    assert not found.holds
    assert msgspec.json.decode(msgspec.json.encode(found), type=Agreement) == found


def test_what_is_not_finite_in_both_agrees() -> None:
    odd = [torch.tensor([float("nan"), float("inf"), 0.0]), torch.zeros(0)]
    assert agreement(odd, [one.clone() for one in odd], "float64").relative == 0
    assert agreement([torch.zeros(2)], [torch.zeros(2)], "float64").holds
    assert not agreement([torch.zeros(2)], [torch.ones(2)], "bfloat16").holds
