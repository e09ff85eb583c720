"""Inputs as people type them, by name or by position, as shapes or arrays of files: what is run, and refused."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archprof as ap
from archprof.builder.built import Built
from archprof.builder.given_inputs import tensors_of, with_inputs
from archprof.builder.input_spec import DTYPES, InputSpec, parse_inputs
from archprof.builder.options import Options
from archprof.errors import ArchprofError, UsageError
from archprof.pipeline.counting import prepare, profile_spec
from archprof.sources.origins.python import PythonSpec
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import torch
from torch import nn

class Text(nn.Module):
    def __init__(self, depth=2, width=16):
        super().__init__()
        self.table = nn.Embedding(300, width)
        self.layers = nn.Sequential(*[nn.Linear(width, width, bias=False) for _ in range(depth)])

    def forward(self, ids, mask=None, *, scale=None):
        x = self.layers(self.table(ids))
        x = x if mask is None else x * mask.unsqueeze(-1)
        return x if scale is None else x * scale

class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4, bias=False)
        self.conv = nn.Conv2d(3, 4, 3, bias=False)

    def forward(self, features, image):
        return self.linear(features), self.conv(image)

class Many(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4, bias=False)

    def forward(self, *features, **more):
        return [self.linear(value) for value in (*features, *more.values())]

class Switch(nn.Module):
    '''Doubles the work where its input says so.'''

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8, bias=False)

    def forward(self, x):
        return self.linear(self.linear(x)) if x.sum() > 10 else self.linear(x)

model = nn.Sequential(nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def options(*inputs: str, **more: Any) -> Options:
    return Options(inputs=tuple(spec for text in inputs for spec in parse_inputs(text)), **more)


def profile(reference: str, *inputs: str) -> ap.Profile:
    return profile_spec(resolve(reference), options(*inputs))


def refusal(reference: str, *inputs: str) -> str:
    with pytest.raises(ArchprofError) as caught:
        profile(reference, *inputs)
    return str(caught.value)


sizes = st.lists(st.integers(1, 99_999), max_size=6).map(tuple)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./]{0,9}", fullmatch=True).filter(lambda name: not name.endswith(".np"))


@given(names, sizes, st.none() | st.sampled_from(DTYPES))
def test_what_is_typed_is_what_is_meant(name: str, shape: tuple[int, ...], dtype: str | None) -> None:
    text = f"{name}={'x'.join(map(str, shape))}" + (f":{dtype}" if dtype else "")
    assert parse_inputs(text) == [spec := InputSpec(name=name, shape=shape, dtype=dtype)]
    assert spec.text == text


@given(st.integers(-1000, 1000), st.integers(1, 1000), st.sampled_from(["int64", "int32", "float32", "float64"]))
def test_values_lie_in_their_range(low: int, width: int, dtype: str) -> None:
    specs = parse_inputs(f"3x5:{dtype}:{low}..{low + width}")
    (values,) = tensors_of(specs, dtype="float32", device=torch.device("cpu"))
    assert (values.shape, str(values.dtype)) == ((3, 5), f"torch.{dtype}")
    assert low <= float(values.min()) <= float(values.max()) <= low + width
    if "int" in dtype:
        assert float(values.max()) < low + width
    (same,) = tensors_of(specs, dtype="float32", device=torch.device("cpu"))
    assert torch.equal(values, same)


@given(st.text(alphabet="ax1=:.0x,×npz -", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(UsageError):  # anything else is a fault
        assert parse_inputs(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ids", "invalid input: --input 'ids'"),
        ("=1x3", "invalid input: --input '=1x3'"),
        ("ids=1x0", "invalid input: --input 'ids=1x0'"),
        ("ids=1x2:int46", "unknown dtype 'int46'\ndid you mean int64"),
        ("ids=1x2:int64:5..5", "invalid range '5..5'\ngive LOW..HIGH"),
        ("ids=1x2:int64:0-5", "invalid range '0-5'"),
        ("ids=1x2:int64:0..2.5", "the range '0..2.5' is not of whole numbers"),
        ("ids=1x2:bool:0..2", "invalid range '0..2'"),
        ("ids=1x2:int64:0..5:6", "invalid input"),
        ("dat.npz", "there is no file 'dat.npz'\ndid you mean data.npz"),
        ("nets.npy", "cannot be read as .npy"),
        ("objects.npy", "it has objects, which are code"),
        ("ids=data.npz", "has no array 'ids'\ndid you mean id"),
    ],
)
def test_what_is_no_input(text: str, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", id=np.zeros((1, 4), np.int64))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "nets.npy").write_bytes(b"no array at all")
    with pytest.raises(UsageError) as caught:
        parse_inputs(text)
    assert message in str(caught.value)


def test_positional_and_keyword_inputs() -> None:
    # 2 layers of 16 · 16 products for each of 7 tokens.
    plain = profile("nets.py:Text", "ids=1x7:int64:0..300")
    assert plain.totals.macs == 2 * 7 * 16 * 16
    assert plain.input.descriptions == ["ids 1×7 int64 in 0..300"]
    assert (plain.input.kind, plain.input.batch) == ("tokens", 1)
    # A mask costs one product an element, 7 · 16, and so does a scale.
    for inputs, products in (
        (["1x7:int64", "1x7"], 1),
        (["mask=1x7", "ids=1x7:int64"], 1),
        (["1x7:int64", "scale=:float32"], 1),
        (["1x7:int64", "scale=1", "mask=1x7"], 2),
    ):
        scaled = profile("nets.py:Text", *inputs)
        assert scaled.totals.macs == plain.totals.macs
        assert scaled.totals.elementwise_flops == plain.totals.elementwise_flops + products * 7 * 16
    assert scaled.input.names == ["ids", "mask", "scale"]
    assert scaled.input.dtypes == ["int64", "float32", "float32"]
    # What goes by keyword changes no path of a module.
    assert [module.path for module in scaled.modules] == [module.path for module in plain.modules]


def test_several_inputs_of_several_kinds() -> None:
    # 8 · 4 products, and a 3×3 convolution of 3 channels to 4 on 30×30 positions.
    macs = 8 * 4 + 30 * 30 * 4 * 27
    assert profile("nets.py:Pair", "1x8", "1x3x32x32").totals.macs == macs
    assert profile("nets.py:Pair", "image=1x3x32x32", "1x8").totals.macs == macs
    assert profile("nets.py:Many", "1x8", "2x8", "other=3x8").totals.macs == (1 + 2 + 3) * 8 * 4


def test_a_copy_runs_itself_and_not_the_original() -> None:
    """Other counters are given a copy: what takes keywords by position must be the copy's own forward."""
    built, inputs = prepare(resolve("nets.py:Text"), options("ids=1x7:int64", "scale=:float32", device="cpu"))
    copied = copy.deepcopy(built.module)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
        assert float(built.module(*inputs).abs().max()) > 0
        assert float(copied(*inputs).abs().max()) == 0
    assert type(built.module).__name__ == "Text"


def test_arrays_of_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "pair.npz", image=np.zeros((1, 3, 32, 32)), features=np.zeros((1, 8)))
    np.savez(tmp_path / "loose.npz", np.zeros((1, 8), np.float32), np.zeros((1, 3, 32, 32), np.float32))
    np.save(tmp_path / "one.npy", np.zeros((1, 8), np.float32))
    macs = 8 * 4 + 30 * 30 * 4 * 27
    assert profile("nets.py:Pair", "pair.npz").totals.macs == macs
    assert profile("nets.py:Pair", "pair.npz:float32").input.dtypes == ["float32", "float32"]
    assert profile("nets.py:Pair", "loose.npz").input.values == ["loose.npz", "loose.npz"]
    assert profile("nets.py:Pair", "features=one.npy", "image=1x3x32x32").totals.macs == macs


def test_a_model_that_reads_values_reads_those_of_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.full((1, 8), 0.5, np.float32))  # the sum is 4
    np.save(tmp_path / "large.npy", np.full((1, 8), 2.0, np.float32))  # the sum is 16
    assert profile("nets.py:Switch", "small.npy").totals.macs == 64
    assert profile("nets.py:Switch", "large.npy").totals.macs == 2 * 64
    assert profile("nets.py:Switch", "1x8:float32:2..3").totals.macs == 2 * 64


def test_an_image_says_the_channels_and_the_size_that_a_model_is_built_for() -> None:
    small = profile("timm:vit_tiny_patch16_224", "1x1x160x96")
    assert small.input.shapes == [[1, 1, 160, 96]]
    sized = profile_spec(resolve("timm:vit_tiny_patch16_224"), Options(size=(160, 96), channels=1))
    assert small.totals == sized.totals


@pytest.mark.parametrize(
    ("reference", "inputs", "message"),
    [
        ("nets.py:Pair", ["1x8"], "needs image, too\nadd --input image=SHAPE\nit is Pair.forward(features, image)"),
        ("nets.py:Pair", ["1x8", "1x8", "1x8"], "takes 2 by position, not 3"),
        ("nets.py:Pair", ["imgae=1x8", "features=1x8"], "has no input 'imgae'\ndid you mean image"),
        ("nets.py:Pair", ["image=1x8", "image=1x8"], "was given the input 'image' twice"),
        ("nets.py:Pair", ["1x9", "1x3x32x32"], "forward was given 2 tensors, features 1×9 float32 and image 1×3×32×32"),
        ("yolo11n", ["1x3x100x100"], "image size 100x100 is not a multiple of 32"),
    ],
)
def test_what_the_forward_does_not_take(reference: str, inputs: list[str], message: str) -> None:
    assert message in refusal(reference, *inputs)


def test_whole_shapes_and_parts_of_them_are_not_mixed() -> None:
    with pytest.raises(UsageError, match="so --imgsz and --batch cannot be given too"):
        profile_spec(resolve("nets.py:Text"), options("1x7:int64", size=(32,), batch=2))


def test_a_model_of_its_own_size_says_it() -> None:
    with pytest.raises(ArchprofError) as caught:
        profile_spec(resolve("torchvision:vit_b_16"), Options(size=(256,)))
    assert "its own size of image is 224×224: --imgsz 224" in str(caught.value)


def test_a_model_that_is_there_already() -> None:
    # 3 · 3 products for each of 8 channels on 6×6 positions.
    for _ in range(2):  # whatever is done to one is not done to the next
        fused = profile_spec(resolve("nets.py:model"), Options(size=(8,), channels=1, fuse=True))
        assert (fused.totals.macs, fused.totals.parameters) == (8 * 9 * 36, 8 * 9 + 8)
        plain = profile_spec(resolve("nets.py:model"), Options(size=(8,), channels=1))
        assert plain.totals.parameters == 8 * 9 + 2 * 8
    assert "nets.py:model is a model already, so depth cannot be set" in refusal("nets.py:model?depth=3")


def test_a_function_with_arguments() -> None:
    deep = profile("nets.py:Text?depth=3&width=8", "1x7:int64")
    assert deep.totals.macs == 3 * 7 * 8 * 8
    assert (deep.variant.reference, deep.variant.settings) == ("nets.py:Text?depth=3&width=8", {"depth": 3, "width": 8})
    assert resolve("yolo11s?nc=20").values["nc"] == 20
    assert "expected key=value" in refusal("nets.py:Text?depth=")
    assert "Text takes (depth=2, width=16)" in refusal("nets.py:Text?dpeth=3")


def test_python() -> None:
    macs = 2 * 7 * 16 * 16
    tokens = torch.zeros(1, 7, dtype=torch.int64)
    forms: list[Any] = [
        "1x7:int64",
        ["1x7:int64:0..300"],
        {"ids": "1x7:int64"},
        {"ids": tokens},
        (tokens,),
        tokens.numpy(),
        {"ids": tokens, "mask": (1, 7)},
    ]
    for inputs in forms:
        assert ap.profile("nets.py:Text", inputs).totals.macs == macs
    with pytest.raises(UsageError, match="an input cannot be a float"):
        ap.profile("nets.py:Text", {"ids": 3.0})


def test_the_kind_of_a_single_input() -> None:
    built = Built(torch.nn.Identity(), PythonSpec(name="mine", reference="mine.py:mine", target="mine.py:mine"))
    kinds = {"1x3x8x8": "image", "1x8:int64": "tokens", "1x3x8x8:int64": "tensors", "1x8": "tensors"}
    for text, kind in kinds.items():
        assert with_inputs(built, parse_inputs(text)).kind == kind
