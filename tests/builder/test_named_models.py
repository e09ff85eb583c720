from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
import timm
import torch
import torchvision

import archprof
from archprof.builder.inputs import make_inputs
from archprof.builder.meta import on_meta
from archprof.builder.named_models import build_named
from archprof.errors import ArchprofError, BuildError, UnknownReferenceError, UsageError
from archprof.sources.reference import resolve
from archprof.sources.settings import apply
from archprof.sources.spec import RecipeSpec

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from archprof.builder.built import Built

NETS = '''\
import torch
from torch import nn


class Net(nn.Module):
    """Says what it takes."""

    input_size = (1, 32, 48)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)


def sized(size):
    net = Net()
    net.input_size = size
    return net


def silent(width=8, nc=10):
    return nn.Conv2d(3, width * nc, 3)


def steers():
    """Reads the values of a schedule, as networks with stochastic depth do."""
    return nn.Sequential(*[nn.Dropout(rate.item()) for rate in torch.linspace(0, 0.5, 3)], nn.Linear(4, 4))


def mixes():
    """Computes with a tensor of values and one that might be weights."""
    net = nn.Linear(4, 4)
    net.register_buffer("table", torch.zeros(4) + torch.arange(4))
    return net


def reads():
    """Reads the values of its own weights."""
    net = nn.Linear(4, 4)
    return nn.Linear(4, 4 + int(net.weight.detach().numpy().size > 0))


def huge():
    return nn.Linear(10**6, 10**6)


def raises():
    return nn.Conv2d(3)


def gives_a_number():
    return 3


def grows():
    return nn.Sequential(*[nn.Linear(10**5, 10**5) for _ in range(10**7)])


made = Net()
number = 3
'''


@pytest.fixture(autouse=True)
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the user's file in it."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    return path


def build(reference: str, *, channels: int = 3, device: str = "meta", **settings: Any) -> Built:
    spec = apply(resolve(reference), settings)
    assert isinstance(spec, RecipeSpec)
    return build_named(spec, channels=channels, device=device)


def failure(reference: str, **settings: Any) -> ArchprofError:
    with pytest.raises(ArchprofError) as caught:
        build(reference, **settings)
    return caught.value


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def on(module: nn.Module) -> set[str]:
    return {tensor.device.type for tensor in (*module.parameters(), *module.buffers())}


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", (224, 224)),
        ("vit_tiny_patch16_224", (224, 224)),
        ("inception_v3", (299, 299)),
        ("swin_tiny_patch4_window7_224", (224, 224)),
        ("efficientnetv2_rw_s", (288, 288)),
    ],
)
def test_timm_builds_the_same_without_memory(name: str, size: tuple[int, ...]) -> None:
    built = build(f"timm:{name}")
    with torch.device("meta"):
        real = timm.create_model(name)
    assert count(built.module) == count(real)
    assert built.module.state_dict().keys() == real.state_dict().keys()
    assert {parameter.device.type for parameter in built.module.parameters()} == {"meta"}
    assert (built.task, built.kind, built.channels, built.size) == ("classify", "image", 3, size)
    assert (built.strides, built.layers, built.remarks) == ((), (), ())
    assert not built.module.training


def test_timm_takes_classes_channels_and_its_own_arguments() -> None:
    # resnet18 is 11,689,512 at 1000 classes and 3 channels: its head has 513 × 1000, its stem 64 × 49 × 3.
    built = build("timm:resnet18.a1_in1k", channels=5, nc=7)
    assert count(built.module) == 11_689_512 - 513 * 993 + 64 * 49 * 2
    assert built.channels == 5
    with torch.device("meta"):
        small = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=0)
    assert count(build("timm:vit_tiny_patch16_224", img_size=32, nc=0).module) == count(small)


@pytest.mark.filterwarnings("ignore:The default weight initialization of inception_v3:FutureWarning")
@pytest.mark.parametrize(
    ("name", "task", "size"),
    [
        ("resnet18", "classify", (224, 224)),
        ("inception_v3", "classify", (299, 299)),
        ("vit_b_16", "classify", (224, 224)),
        ("quantized_mobilenet_v2", "classify", (224, 224)),
        ("fcn_resnet50", "semantic", (520, 520)),
        ("ssd300_vgg16", "detect", (300, 300)),
        ("ssdlite320_mobilenet_v3_large", "detect", (320, 320)),
        ("fasterrcnn_resnet50_fpn", "detect", (800, 800)),
        ("r3d_18", "classify", (16, 112, 112)),
        ("mvit_v1_b", "classify", (16, 224, 224)),
    ],
)
def test_torchvision_builds_the_same_without_memory(name: str, task: str, size: tuple[int, ...]) -> None:
    built = build(f"torchvision:{name}")
    bare = {"weights_backbone": None} if task in ("semantic", "detect") else {}
    with torch.device("meta"):
        real = torchvision.models.get_model(name, weights=None, **bare)
    assert count(built.module) == count(real)
    assert {parameter.device.type for parameter in built.module.parameters()} == {"meta"}
    assert (built.task, built.channels, built.size) == (task, 3, size)
    assert not built.module.training


# One model a module of timm's, and all of torchvision's.
EVERY = [
    *(
        f"timm:{timm.list_models(module=module)[0]}"
        for module in timm.list_modules()
        if timm.list_models(module=module)
    ),
    *(f"torchvision:{name}" for name in torchvision.models.list_models()),
]


@pytest.mark.full
@pytest.mark.parametrize("reference", EVERY)
def test_every_kind_of_model_builds_without_memory(reference: str) -> None:
    built = build(reference)
    assert {parameter.device.type for parameter in built.module.parameters()} == {"meta"}
    assert built.remarks == ()


def test_a_clip_keeps_its_frames_at_another_size() -> None:
    built = build("torchvision:r3d_18")
    assert [tuple(tensor.shape) for tensor in make_inputs(built)] == [(1, 3, 16, 112, 112)]
    assert [tuple(tensor.shape) for tensor in make_inputs(built, size=(64, 96), batch=2)] == [(2, 3, 16, 64, 96)]


def test_optical_flow_takes_two_images() -> None:
    built = build("torchvision:raft_small")
    assert built.task == "flow"
    assert [tuple(tensor.shape) for tensor in make_inputs(built)] == [(1, 3, 512, 512)] * 2


def test_a_transformer_takes_the_size_that_it_was_built_for() -> None:
    # Its best weights are for 518, which a model built without them does not take.
    assert build("torchvision:vit_h_14").size == (224, 224)


def test_torchvision_takes_classes() -> None:
    # resnet18 again: 513 parameters of its head for each class.
    assert count(build("torchvision:resnet18", nc=6).module) == 11_689_512 - 513 * 994


@pytest.mark.parametrize(
    ("reference", "kind", "message"),
    [
        ("timm:resnet5O", UnknownReferenceError, "timm has no model 'resnet5O'\ndid you mean timm:resnet50 or timm:"),
        ("timm:hf-hub:timm/resnet50", UnknownReferenceError, "timm has no model 'hf-hub:timm/resnet50'"),
        (
            "torchvision:resnte18",
            UnknownReferenceError,
            "torchvision has no model 'resnte18'\ndid you mean torchvision:",
        ),
        ("tim:resnet50", BuildError, "no module named 'tim'\ndid you mean timm:resnet50?"),
    ],
)
def test_models_that_are_not_there(reference: str, kind: type[ArchprofError], message: str) -> None:
    error = failure(reference)
    assert type(error) is kind
    assert str(error).startswith(message)


def test_torchvision_takes_three_channels() -> None:
    with pytest.raises(UsageError, match="torchvision:resnet18 takes images of 3 channels, not 4"):
        build("torchvision:resnet18", channels=4)


def test_an_argument_that_the_constructor_does_not_take() -> None:
    message = str(failure("timm:resnet18", depht=3))
    assert message.startswith("timm:resnet18 raised TypeError: ")
    assert "unexpected keyword argument 'depht'" in message
    assert "\n" not in message


@pytest.mark.parametrize("reference", ["nets.py:Net", "nets:Net", "./nets.py:Net"])
def test_a_users_own_class(reference: str) -> None:
    built = build(reference)
    assert count(built.module) == 1 * 4 * 3 * 3 + 4
    assert (built.kind, built.channels, built.size, built.task) == ("image", 1, (32, 48), None)
    assert on(built.module) == {"meta"}
    assert not built.module.training


@pytest.mark.parametrize(
    ("size", "kind", "channels", "expected"),
    [
        (96, "image", 3, (96, 96)),
        ([32, 48], "image", 3, (32, 48)),
        ((4, 32, 48), "image", 4, (32, 48)),
        ((3, 16, 112, 112), "image", 3, (16, 112, 112)),
        ((512,), "tokens", 3, (512,)),
        (None, "image", 3, (640, 640)),
    ],
)
def test_a_model_may_say_what_it_takes(size: Any, kind: str, channels: int, expected: tuple[int, ...]) -> None:
    built = build("nets.py:sized", size=size)
    assert (built.kind, built.channels, built.size) == (kind, channels, expected)


@pytest.mark.parametrize("size", [0, "640", (1, -2), (1, 2, 3, 4, 5), (), 1.5])
def test_a_size_that_makes_no_sense(size: Any) -> None:
    assert str(failure("nets.py:sized", size=size)) == (
        f"nets.py:sized: input_size must be 1 to 4 whole numbers, not {size!r}"
    )


def test_settings_are_a_functions_arguments() -> None:
    # 3 × 3 × 3 weights and a bias for each of width × nc channels.
    assert count(build("nets.py:silent", width=2, nc=5).module) == 28 * 10


@pytest.mark.parametrize(
    ("name", "parameters", "remarks"),
    [
        ("steers", 20, ()),
        ("mixes", 20, ()),
        ("reads", 25, ("nets.py:reads reads values while it is made, so it was built in memory",)),
    ],
)
def test_a_constructor_that_reads_values_is_given_them(name: str, parameters: int, remarks: tuple[str, ...]) -> None:
    built = build(f"nets.py:{name}")
    assert count(built.module) == parameters
    assert {parameter.device.type for parameter in built.module.parameters()} == {"meta"}
    assert built.remarks == remarks


def test_values_of_a_schedule_are_those_of_the_real_model() -> None:
    assert [drop.p for drop in build("nets.py:steers").module[:3]] == [0, 0.25, 0.5]  # type: ignore[index]


def test_on_a_device_the_weights_are_real_and_the_same_each_time() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, second = (build("nets.py:Net", device="cpu").module.state_dict() for _ in range(2))
    assert torch.equal(torch.rand(1), expected)  # the caller's random numbers go on where they were
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert on(build("timm:resnet18", device="cpu").module) == {"cpu"}


def test_an_error_in_a_users_file_shows_their_own_lines(nets: Path) -> None:
    error = failure("nets.py:raises")
    line = NETS[: NETS.index("return nn.Conv2d(3)\n")].count("\n") + 1
    assert isinstance(error, BuildError)
    assert (error.path, error.line) == (str(nets), line)
    assert error.message.startswith("nets.py:raises raised TypeError: Conv2d.__init__() missing")
    assert str(error).count("  |   File ") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("huge", "the model has more than 500,000,000,000 parameters"),
        ("grows", "the model has more than 500,000,000,000 parameters"),
        ("gives_a_number", "nets.py:gives_a_number returned an int, not a torch.nn.Module"),
        ("number", "nets.py:number must be a torch.nn.Module or a function that returns one; it is an int"),
        ("stears", "nets.py has no 'stears'\ndid you mean steers"),
        ("Net.make", "nets.py has no 'make'"),
    ],
)
def test_what_is_no_factory(name: str, message: str) -> None:
    error = failure(f"nets.py:{name}")
    assert f"{error.message}\n{error.hint}".startswith(message)


def test_a_file_that_raises(nets: Path) -> None:
    nets.write_text("\n1 / 0\n")
    error = failure("nets.py:make")
    assert (error.path, error.line, error.message) == (
        str(nets),
        2,
        "nets.py raised ZeroDivisionError: division by zero",
    )


def test_a_module_that_is_not_there() -> None:
    assert str(failure("no_such_package.nets:make")) == "no module named 'no_such_package'"


@pytest.mark.parametrize(
    ("name", "size", "blocks"), [("vit_tiny_patch16_224", (256,), 256), ("resnet18", (256,), None)]
)
def test_a_size_is_handed_to_what_is_made_for_one(name: str, size: tuple[int, ...], blocks: int | None) -> None:
    """A ViT has a position for each of (256 / 16)² patches and one for the class; a ResNet takes any size."""
    spec = resolve(f"timm:{name}")
    built = build_named(spec, size=size)  # type: ignore[arg-type]
    with torch.device("meta"):
        real = timm.create_model(name, **({"img_size": size[0]} if blocks else {}))
    assert count(built.module) == count(real)
    if blocks:
        assert built.module.pos_embed.shape[1] == blocks + 1  # type: ignore[union-attr, index]


def test_a_size_of_two_sides_is_one_of_the_settings_too() -> None:
    built = build_named(resolve("timm:vit_tiny_patch16_224"), size=(128, 64))  # type: ignore[arg-type]
    assert built.module.pos_embed.shape[1] == 8 * 4 + 1  # type: ignore[union-attr, index]
    spec = apply(resolve("timm:vit_tiny_patch16_224"), {"img_size": 32})
    built = build_named(spec, size=(128, 64))  # type: ignore[arg-type]
    assert built.module.pos_embed.shape[1] == 2 * 2 + 1  # type: ignore[union-attr, index]


def test_a_model_of_one_size_that_nothing_changes() -> None:
    """EfficientFormer is made for 224 and has no argument for it: it is built as it is."""
    built = build_named(resolve("timm:efficientformer_l1"), size=(256,))  # type: ignore[arg-type]
    with torch.device("meta"):
        assert count(built.module) == count(timm.create_model("efficientformer_l1"))


TORCHSCRIPT = """\
import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")  # torch.jit is deprecated, and people have its files


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU())

    def forward(self, x):
        return self.part(x)


def traced():
    return torch.jit.trace(Net().eval(), torch.zeros(1, 3, 10, 10))


def scripted():
    return torch.jit.script(Net().eval())


def loaded():
    return torch.jit.load("net.pt")
"""


@pytest.mark.parametrize("function", ["traced", "scripted", "loaded"])
def test_a_function_that_returns_torchscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts.py").write_text(TORCHSCRIPT, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        layers = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, bias=False), torch.nn.ReLU())
        torch.jit.save(torch.jit.trace(layers.eval(), torch.zeros(1, 3, 10, 10)), "net.pt")
    profile = archprof.profile(f"scripts.py:{function}", imgsz=10)
    # 8·8 positions of 8 channels, 3·3·3 products each.
    assert profile.totals.macs == 64 * 8 * 27
    assert profile.totals.parameters == 8 * 27
    assert not profile.coverage.unknown


def test_torch_traces_as_before_after_a_function_that_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace that was begun while modes were on failed, and left the sizes of a call to the process's next one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts.py").write_text(TORCHSCRIPT, encoding="utf-8")
    archprof.profile("scripts.py:traced", imgsz=10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        rows = torch.jit.trace(lambda x: torch.zeros(x.shape[0], 4) + x.sum(), torch.ones(2, 3))

    assert rows(torch.ones(5, 3)).shape == (5, 4)


def test_nothing_is_traced_while_it_is_built_without_memory() -> None:
    with on_meta(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        with pytest.raises(RuntimeError, match="cannot follow what is built on meta"):
            torch.jit.trace(torch.nn.ReLU(), torch.ones(1), check_trace=False)
