"""A row that was built before comes from its template: what comes of it is what building it would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from archprof.builder import head_kinds, templates
from archprof.builder.limits import Tally
from archprof.builder.load import build
from archprof.builder.options import Options
from archprof.builder.registry import register
from archprof.errors import BuildError
from archprof.pipeline.counting import profile_spec
from archprof.sources.origins.stock import stock
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.builder.templates import Template
    from archprof.sources.spec import VariantSpec

SOME = ("yolo11", "yolov8-worldv2", "yolov10n", "rtdetr-l", "yoloe-11-seg", "yolo26-pose", "yolov9c", "yolov5-p6")


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Template | None]:
    """What is kept, nothing to begin with."""
    found: dict[Any, Template | None] = {}
    monkeypatch.setattr(templates.templates, "_found", found)
    monkeypatch.setattr(head_kinds, "_known", {})
    return found


def described(model: nn.Module) -> list[object]:
    """All that there is to say of a model: its modules, what they hold, and which of it is the same object."""
    seen: dict[int, int] = {}

    def number(value: object) -> int:
        return seen.setdefault(id(value), len(seen))

    def plain(value: Any) -> Any:
        if isinstance(value, nn.Module):
            return "module", number(value)
        if isinstance(value, torch.Tensor):
            return type(value).__name__, number(value), tuple(value.shape), value.stride(), value.dtype, value.device
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value

    return [
        (path, type(module), number(module), {name: plain(value) for name, value in vars(module).items()})
        for path, module in model.named_modules(remove_duplicate=False)
    ]


def same(reference: str, kept: dict[Any, Template | None]) -> None:
    spec = resolve(reference)
    fresh, _, from_templates = [build(spec) for _ in range(3)]
    assert any(kept.values())
    assert described(from_templates.module) == described(fresh.module)
    assert from_templates.strides == fresh.strides


@pytest.mark.parametrize("name", SOME)
def test_from_templates_a_model_is_the_same(name: str, kept: dict[Any, Template | None]) -> None:
    same(f"{name}.yaml", kept)


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(set(stock()) - set(SOME)))
def test_from_templates_every_model_is_the_same(name: str, kept: dict[Any, Template | None]) -> None:
    same(f"{name}.yaml", kept)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("yolo11n", Options()),
        ("yolo11n", Options(fuse=True)),
        ("yolo11n", Options(backward=True, batch=2, size=(64,))),
        ("yolov8n-worldv2", Options()),
        ("rtdetr-resnet50", Options()),
        ("yolov13-DynamicConv", Options(static=True)),
    ],
)
def test_its_profile_is_the_same_to_the_byte(name: str, options: Options) -> None:
    fresh, *others = (profile_spec(resolve(name), options).to_json() for _ in range(3))
    assert others == [fresh, fresh]


def test_the_convolutions_activation_stays_one_module(variant: Callable[..., VariantSpec]) -> None:
    """Ultralytics' convolutions share the module that their class holds: another one where the YAML says so."""
    rows = ("[-1, 1, Conv, [8]]", "[-1, 1, Conv, [8]]", "[-1, 1, Conv, [8]]", "[-1, 1, Conv, [8]]")
    for more, kind in (("", nn.SiLU), ("activation: nn.ReLU()\n", nn.ReLU), ("", nn.SiLU)):
        acts = {id(row.act): type(row.act) for row in build(variant(*rows, more=more)).module.model}
        assert list(acts.values()) == [kind]


def test_two_rows_alike_have_parameters_of_their_own(variant: Callable[..., VariantSpec]) -> None:
    rows = ["[-1, 1, nn.Conv2d, [8, 8, 1]]"] * 5
    spec = variant("[-1, 1, nn.Conv2d, [3, 8, 1]]", *rows)
    # 3 · 8 + 8, and five times 8 · 8 + 8.
    assert sum(one.numel() for one in build(spec).module.parameters()) == 392


@pytest.mark.usefixtures("forgets_blocks")
def test_a_block_of_somebody_elses_is_made_each_time(
    variant: Callable[..., VariantSpec],
) -> None:
    made: list[int] = []

    def grows(c1: int, c2: int) -> nn.Module:
        made.append(c2 + len(made))
        return nn.Conv2d(c1, made[-1], 1)

    spec = variant("[-1, 1, Grows, [8]]")
    register("Grows", grows)
    assert [build(spec).module.model[0].out_channels for _ in range(4)] == [8, 9, 10, 11]


def test_templates_are_counted_against_the_limits(variant: Callable[..., VariantSpec]) -> None:
    """A C2f of 100 bottlenecks registers some 900 modules, whether it is built or comes from a template."""
    spec = variant(*["[-1, 100, C2f, [8]]"] * 8)
    said = set()
    for _ in range(3):
        with pytest.raises(BuildError, match="the model has more than 6,000 modules") as caught:
            build(spec)
        said.add(str(caught.value))
    assert len(said) == 1


def test_what_is_built_with_values_has_them(variant: Callable[..., VariantSpec]) -> None:
    spec = variant(*["[-1, 1, nn.Conv2d, [3, 3, 1]]"] * 4)
    build(spec)
    real = build(spec, device="cpu")
    assert all(parameter.device.type == "cpu" and parameter.abs().sum() > 0 for parameter in real.module.parameters())


def test_only_so_much_is_kept() -> None:
    """The third time a row comes from its template, unless that is larger than all of them may be."""
    for most, built in ((10**6, 2), (100, 4)):
        kept, made = templates.Templates(most), 0

        def make() -> nn.Module:
            nonlocal made
            made += 1
            return nn.Conv2d(1, 1, 1)

        with torch.device("meta"):
            for _ in range(4):
                kept.build(("Conv", b"arguments"), make, Tally(1_000))
        assert made == built
