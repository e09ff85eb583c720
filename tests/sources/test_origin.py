"""One more origin of models is one class and its registration: a test is such a one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from archprof.builder.options import Options
from archprof.errors import RegistrationError, UnknownReferenceError
from archprof.pipeline.counting import profile_spec
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.reference import resolve, scales
from archprof.sources.settings import apply
from archprof.sources.spec import Recipe, RecipeSpec, Spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archprof.sources.origin import Query


class Widths(Origin):
    """``widths:8-16-4`` is a perceptron with layers of these widths."""

    order = 5
    form = "widths:A-B"

    def find(self, query: Query) -> Spec | None:
        kind, _, target = query.text.partition(":")
        return WidthsSpec(name=target, reference=query.text, target=target) if kind == "widths" else None

    def names(self, folder: Path) -> Mapping[str, str]:
        return {"perceptron": "widths:8-16-4"}


class WidthsSpec(RecipeSpec):
    origin = "widths"
    trusted = True

    def recipe(self, channels: int, size: tuple[int, ...] | None = None) -> Recipe:
        from torch import nn

        widths = [int(width) for width in self.target.split("-")]
        return Recipe(
            lambda: nn.Sequential(nn.Flatten(), *(nn.Linear(*pair, **self.settings) for pair in pairwise(widths))),
            lambda model: (1, 2, widths[0] // 2),
        )


def test_a_new_origin_is_asked_and_profiled_and_gone_again() -> None:
    with ORIGINS.scope():
        ORIGINS.register("widths", Widths())
        spec = resolve("widths:8-16-4")
        assert scales(spec) == ()
        profile = profile_spec(spec, Options())
        # 8 × 16 + 16 and 16 × 4 + 4 parameters, 8 × 16 + 16 × 4 multiply-accumulates.
        assert (profile.totals.parameters, profile.totals.macs) == (144 + 68, 128 + 64)
        assert (profile.variant.origin, profile.variant.name) == ("widths", "8-16-4")
        without_bias = profile_spec(apply(spec, {"bias": False}), Options())
        assert without_bias.totals.parameters == 128 + 64
        with pytest.raises(UnknownReferenceError) as caught:
            resolve("perceptrom")
        assert caught.value.hint == "did you mean widths:8-16-4?"
    with pytest.raises(UnknownReferenceError):
        resolve("widths")


def test_an_origin_cannot_forget_what_a_cache_key_holds() -> None:
    class Forgetful(Spec):
        origin = "forgetful"

        @property
        def trusted(self) -> bool:
            return True

        def check_setting(self, key: str, value: Any) -> None: ...

        def build(self, constructor: Any) -> Any: ...

    with pytest.raises(TypeError, match="content_key"):
        Forgetful(name="a", reference="a")  # type: ignore[abstract]


def test_an_origin_is_registered_once() -> None:
    with pytest.raises(RegistrationError, match="origin 'timm' is registered twice"):
        ORIGINS.register("timm", Widths())
    assert [name for name, _ in sorted(ORIGINS.items(), key=lambda item: item[1].order)] == [
        "timm",
        "torchvision",
        "checkpoint",
        "onnx",
        "exported_program",
        "yaml_file",
        "git_revision",
        "python",
        "zoo",
        "stock",
    ]


VARIANT = "nc: 3\nbackbone: [[-1, 1, Conv, [8]]]\n"


def test_a_key_holds_all_that_a_spec_says(tmp_path: Path) -> None:
    path = tmp_path / "yolo1.yaml"
    texts = (VARIANT, VARIANT.replace("8", "16"), f"{VARIANT}scales: {{n: [1, 1, 64], s: [1, 2, 64]}}\n")
    keys = []
    for text in texts:
        path.write_text(text, encoding="utf-8")
        spec = resolve(str(path))
        keys += [spec.content_key, apply(spec, {"nc": 4}).content_key]
        keys += [resolve(str(path), scale="s").content_key] if spec.scales else []
    keys += [resolve(reference).content_key for reference in ("timm:resnet18", "torchvision:resnet18", "yolo11n")]
    keys.append(apply(resolve("timm:resnet18"), {"nc": 4}).content_key)
    assert None not in keys
    assert len(set(keys)) == len(keys) == 11


def test_what_a_function_of_the_users_makes_has_no_key(tmp_path: Path) -> None:
    (tmp_path / "nets.py").touch()
    spec = resolve(f"{tmp_path}/nets.py:make")
    assert (spec.content_key, spec.trusted, spec.reusable) == (None, False, False)


def test_what_may_leave_something_behind(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"family: someones\n{VARIANT}", encoding="utf-8")
    assert not resolve(str(tmp_path / "mine.yaml")).reusable
    assert all(resolve(name).reusable for name in ("yolo11n", "yolov13", "timm:resnet18", "torchvision:resnet18"))
