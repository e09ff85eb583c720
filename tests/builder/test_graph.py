"""Rows become modules; what cannot be built is one message with the file, the line and the offending value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from torch import nn

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.builder.options import Options
from archprof.builder.registry import register, registry
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.errors import BuildError, RunError
from archprof.pipeline.counting import prepare
from archprof.trace.patch_attributes import hold
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.sources.spec import VariantSpec

    Variant = Callable[..., VariantSpec]


pytestmark = pytest.mark.usefixtures("forgets_blocks")


def modules(spec: VariantSpec) -> Any:
    return build(spec).module.model


def failure(spec: VariantSpec) -> BuildError:
    with pytest.raises(BuildError) as caught:
        build(spec)
    return caught.value


def test_channels_run_from_row_to_row(variant: Variant) -> None:
    rows = modules(
        variant(
            "[-1, 1, Conv, [16, 3, 2]]",
            "[-1, 1, Conv, [32, 3, 2]]",
            "[0, 1, nn.MaxPool2d, [2, 2]]",
            "[[-1, 1], 1, Concat, [1]]",
            "[-1, 1, Conv, [8]]",
        )
    )
    # 16 channels of row 0, pooled, and 32 of row 1.
    assert rows[4].conv.in_channels == 16 + 32
    assert [row.f for row in rows] == [-1, -1, 0, [-1, 1], -1]
    assert [row.i for row in rows] == [0, 1, 2, 3, 4]


def test_what_a_row_built_is_told(variant: Variant) -> None:
    built = build(variant("[-1, 1, Conv, [16, 3, 2]]", "[-1, 4, C2f, [24]]", more="scales:\n  n: [0.5, 0.5, 1024]\n"))
    second = built.layers[1]
    # 24 × 0.5 = 12, up to a multiple of 8: 16; 16 × 0.5 = 8 come in; 4 × 0.5 = 2 repeats.
    assert (second.index, second.module, second.path, second.line) == (1, "C2f", "model.1", 3)
    assert second.arguments == (8, 16, 2)
    assert (second.sources, second.repeats) == ((-1,), 2)
    assert type(built.module).__name__ == "BaseModel"
    assert (built.task, built.strides, built.size, built.kind) == (None, (), (640, 640), "image")


def test_repeats_chain_copies(variant: Variant) -> None:
    (chain,) = modules(variant("[-1, 3, nn.Identity, []]"))
    assert [type(copy) for copy in chain] == [nn.Identity] * 3
    assert chain.type == "torch.nn.modules.linear.Identity"


def test_texts_are_values_of_the_file_or_literals(variant: Variant) -> None:
    seen: list[tuple[Any, ...]] = []

    @register("TestSeen", rule=lambda row: seen.append(row.arguments) or registry.find("nn.Identity", "").rule(row))  # type: ignore[func-returns-value, union-attr]
    class Seen(nn.Identity):
        pass

    row = "[-1, 1, TestSeen, [nc, kpt_shape, None, 'True', '(1, 2)', 1e3, nearest, __import__('os').getpid()]]"
    build(variant(row, more="nc: 6\nkpt_shape: [21, 3]\n"))
    expected = (6, [21, 3], None, True, (1, 2), 1000.0, "nearest", "__import__('os').getpid()")
    # PyYAML reads 1e3, without a dot, as text; as a literal it is the number.
    assert seen == [expected]


def test_a_constructor_cannot_change_the_spec(variant: Variant) -> None:
    @register("TestGreedy", rule=lambda row: registry.find("nn.Identity", "").rule(row))  # type: ignore[union-attr]
    class Greedy(nn.Identity):
        def __init__(self, numbers: list[int]) -> None:
            super().__init__()
            numbers.append(0)

    spec = variant("[-1, 1, TestGreedy, [[1, 2]]]")
    build(spec)
    assert spec.rows[0].arguments == ([1, 2],)


def test_unknown_block(variant: Variant) -> None:
    error = failure(variant("[-1, 1, Conv, [16, 3, 2]]", "[-1, 1, Cnov, [16]]"))
    assert error.message == "row 1: unknown block 'Cnov'"
    assert error.line == 3
    assert str(error.path).endswith("mine.yaml")
    assert "did you mean Conv" in str(error.hint)
    assert "--plugin" in str(error.hint)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("2", "row 1: Conv reads row 2, which comes later"),
        ("1", "row 1: Conv reads itself"),
        ("3", "row 1: Conv reads row 3, which does not exist"),
        ("-2", "row 1: Conv reads row -2, which does not exist"),
    ],
)
def test_a_row_that_cannot_be_read(variant: Variant, source: str, message: str) -> None:
    error = failure(
        variant("[-1, 1, Conv, [16]]", f"[{source}, 1, Conv, [16]]", "[-1, 1, Conv, [16]]"),
    )
    assert (error.message, error.line) == (message, 3)
    assert error.hint


def test_the_first_row_reads_the_image(variant: Variant) -> None:
    error = failure(variant("[-2, 1, Conv, [16]]"))
    assert error.message == "row 0: Conv reads row -2, which does not exist"
    assert error.hint == "the first row reads the image, -1"


@pytest.mark.parametrize(
    ("row", "message", "hint"),
    [
        (
            "[-1, 1, Conv, [16, 3, 2, 1, 1, 1, True, 7]]",
            "too many arguments: 8, and at most 7 are taken",
            "Conv takes (c1, c2, k=1, s=1, p=None, g=1, d=1, act=True); it was called with (3, 16, 3, 2, 1, 1,",
        ),
        ("[-1, 1, Conv, []]", "row 0: Conv cannot be built from []: too few arguments", "Conv takes (c1, c2"),
        (
            "[-1, 1, Conv, [wide]]",
            "row 0: Conv: its output channels must be a number above 0, not 'wide'",
            "Conv takes",
        ),
        (
            "[-1, 1, Conv, [16, wide]]",
            "row 0: Conv: k must be a whole number from 1 up, not 'wide'",
            "called with (3, 16, 'wide')",
        ),
        (
            "[-1, 1, Conv, [16, 3, 2, 1, 5]]",
            "row 0: Conv: g must be a divisor of the channels, 3 and 16, not 5",
            "in_channels must be divisible by groups",
        ),
        ("[[-1], 1, Segment, [80]]", "row 0: Segment cannot be built from [80]: ", "Segment takes (nc=80, nm=32"),
        (
            "[-1, 1, SPPF, [16, 5, 3, False, 1]]",
            "SPPF: too many arguments: 5, and at most 4",
            "SPPF takes (c1, c2, k=5",
        ),
        ("[-1, 1, nn.Conv2d, [16]]", "too few arguments: 1, and at least 3 are needed", "nn.Conv2d takes (in_channels"),
    ],
)
def test_arguments_that_do_not_fit(variant: Variant, row: str, message: str, hint: str) -> None:
    error = failure(variant(row))
    assert message in error.message
    assert error.message.startswith("row 0: ")
    assert "\n" not in error.message
    assert hint in str(error.hint)
    assert error.line == 2


def test_channels_that_do_not_fit(variant: Variant) -> None:
    spec = variant(
        "[-1, 1, Conv, [16, 3, 2]]",
        "[-1, 1, nn.Conv2d, [32, 8, 1]]",
        "[[-1], 1, Detect, [80]]",
    )
    with pytest.raises(RunError) as caught:
        build(spec)
    # The strides are found out on an image of 256×256, which row 0 halves.
    assert caught.value.message.startswith("row 1: nn.Conv2d was given 1×16×320×320: ")
    assert "model.1 (Conv2d, weight 8×32×1×1)" in caught.value.message
    assert caught.value.line == 3


@pytest.mark.parametrize(("factor", "stride"), [(1, 2), (2, 1), (4, 1)])
def test_a_map_as_large_as_the_image_or_larger_allows_any_size(variant: Variant, factor: int, stride: int) -> None:
    """Half of the image's side, times the factor: a stride of 2, of 1, and of half an element, which counts as 1."""
    rows = ("[-1, 1, Conv, [8, 3, 2]]", f"[-1, 1, nn.Upsample, [null, {factor}, nearest]]", "[[-1], 1, Detect, [3]]")
    built = build(variant(*rows))
    assert built.strides == (stride,)
    assert make_inputs(built, size=(66, 34))[0].shape == (1, 3, 66, 34)


def test_what_makes_no_module(variant: Variant) -> None:
    register("TestNothing", lambda *arguments: None)
    error = failure(variant("[-1, 1, TestNothing, [16]]"))
    assert error.message == "row 0: TestNothing made a NoneType, which is not an nn.Module"


def test_the_family_goes_before_strangers_and_those_before_stock(variant: Variant) -> None:
    class Mine(nn.Conv2d):
        pass

    class Everyones(nn.Conv2d):
        pass

    register("TestBlock", Everyones)
    rows = ("[-1, 1, TestBlock, [8, 1]]",)
    assert type(modules(variant(*rows))[0]) is Everyones
    register("TestBlock", Mine, family="mine-own")
    assert type(modules(variant(*rows))[0]) is Everyones
    assert type(modules(variant(*rows, more="family: mine-own\n"))[0]) is Mine


def test_a_light_head_follows_what_was_registered_so(variant: Variant) -> None:
    class Late(nn.Conv2d):
        pass

    register("TestLate", Late, light_head=True)
    register("TestEarly", Late)
    head = "[[-1], 1, Detect, [80]]"
    light = modules(variant("[-1, 1, TestLate, [64, 1]]", head))[1]
    legacy = modules(variant("[-1, 1, TestEarly, [64, 1]]", head))[1]
    # The light class branch is a depthwise and a 1×1 convolution, the legacy one a 3×3.
    assert [len(branch[0]) if isinstance(branch[0], nn.Sequential) else 1 for branch in light.cv3] == [2]
    assert legacy.cv3[0][0].conv.kernel_size == (3, 3)


def test_class_attributes_are_as_they_were(variant: Variant) -> None:
    import_ultralytics()
    from ultralytics.nn.modules import Conv, Detect, Segment

    def steering() -> list[Any]:
        return [Conv.default_act, Detect.legacy, dict(vars(Segment)).get("legacy"), "legacy" in vars(Segment)]

    before = steering()
    more = "activation: nn.ReLU()\n"
    rows = modules(variant("[-1, 1, Conv, [16]]", "[[-1], 1, Segment, [80, 32, 256]]", more=more))
    assert type(rows[0].act) is nn.ReLU
    assert rows[1].cv3[0][0].conv.kernel_size == (3, 3)  # legacy, as after no block of a later generation
    assert steering() == before
    failure(variant("[-1, 1, Conv, [16]]", "[[-1], 1, Segment, [80, [], 256]]", more=more))
    assert steering() == before


def test_one_activation_is_shared_as_in_ultralytics(variant: Variant) -> None:
    rows = modules(variant("[-1, 1, Conv, [16]]", "[-1, 1, Conv, [16]]", more="activation: nn.LeakyReLU(0.1)\n"))
    assert rows[0].act is rows[1].act
    assert rows[0].act.negative_slope == 0.1


def test_holding_an_inherited_attribute() -> None:
    class Base:
        value = 1

    class Derived(Base):
        pass

    def fail() -> None:
        assert (Base.value, Derived.value) == (3, 2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), hold({(Derived, "value"): 2, (Base, "value"): 3}):
        fail()
    assert (Base.value, Derived.value) == (1, 1)
    assert "value" not in vars(Derived)


def test_weights_are_the_same_twice_and_random_numbers_are_left_alone(variant: Variant) -> None:
    spec = variant("[-1, 1, Conv, [16]]")
    torch.manual_seed(7)
    first = build(spec, device="cpu").module.state_dict()
    drawn = torch.rand(1)
    torch.manual_seed(7)
    second = build(spec, device="cpu").module.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(1), drawn)


def test_a_head_within_the_network_needs_no_values(variant: Variant) -> None:
    spec = variant("[-1, 1, Conv, [16, 3, 2]]", "[[-1], 1, Detect, [3]]", "[[0], 1, Detect, [3]]")
    built, inputs = prepare(spec, Options(device="meta"))

    seen = trace(built.module, inputs)

    assert [row.stride.tolist() for row in cast("Any", built.module).model[1:]] == [[0], [2]]
    # 320×320 places; 4 sides of a box and 3 classes.
    assert seen.calls[0].outputs[0].shape == (1, 4 + 3, 320 * 320)


def test_channels_of_the_image(variant: Variant) -> None:
    assert modules(variant("[-1, 1, Conv, [16]]"))[0].conv.in_channels == 3
    spec = variant("[-1, 1, Conv, [16]]", more="channels: 1\n")
    assert modules(spec)[0].conv.in_channels == 3  # Ultralytics overwrites the key
    assert build(spec, channels=4).channels == 4


def test_a_block_of_a_family_that_is_not_named(variant: Variant) -> None:
    error = failure(variant("[-1, 1, DynamicConv, [16]]"))
    assert error.message == "row 0: unknown block 'DynamicConv'"
    assert error.hint is not None
    assert error.hint.startswith("DynamicConv is a block of the families yolo11, yolo26, yolov10, yolov13; say which")
    assert build(variant("[-1, 1, DynamicConv, [16]]", more="family: yolov13\n"), channels=3).layers


@pytest.mark.parametrize(("size", "sides"), [((64,), (16, 32)), ((96, 64), (24, 48)), (None, (160, 320))])
def test_a_mismatch_names_the_shapes_at_the_size_asked_for(
    variant: Variant, size: tuple[int, ...] | None, sides: tuple[int, int]
) -> None:
    """Two strides of 2 give a quarter of the height, one gives half of it."""
    rows = ("[-1, 1, Conv, [16, 3, 2]]", "[-1, 1, Conv, [16, 3, 2]]", "[[-1, 0], 1, Concat, [1]]")
    spec = variant(*rows, "[[2], 1, Detect, [3]]")
    with pytest.raises(RunError) as caught:
        prepare(spec, Options(size=size, device="meta"))
    assert f"row 2: Concat was given 1×16×{sides[0]}×" in caught.value.message
    assert f" and 1×16×{sides[1]}×" in caught.value.message
