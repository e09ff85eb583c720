"""Every YOLO and ResNet variant of the zoo: builds and runs at every scale; its parameters by arithmetic."""

from __future__ import annotations

import pytest
import torch

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.errors import BuildError
from archprof.sources import families, yaml_file
from archprof.sources.reference import resolve
from archprof.trace.run import trace
from model_zoo.dynamic import DynamicConv2d
from model_zoo.dynamic_blocks import DynamicConv

# The shape of the first output at the variant's own image size: 8400 = 80² + 40² + 20² places at 640 × 640.
OUTPUTS = {
    "resnet18-pst": (1, 1000),
    "resnet50-pst": (1, 1000),
    "resnet101-pst": (1, 1000),
    "yolo11-DynamicConv": (1, 4 + 80, 8400),
    "yolo11-pst": (1, 4 + 80, 8400),
    "yolo11-seg-DynamicConv": (1, 4 + 80 + 32, 8400),
    "yolo26-DynamicConv": (1, 4 + 80, 8400),
    "yolov10n-C2f_DynamicConv": (1, 4 + 80, 8400),
    "yolov10n-DynamicConv-1": (1, 4 + 80, 8400),
    "yolov10n-DynamicConv-2": (1, 4 + 80, 8400),
    "yolov13": (1, 4 + 80, 8400),
    "yolov13-DynamicBnAct": (1, 4 + 80, 8400),
    "yolov13-DynamicConv": (1, 4 + 80, 8400),
    "yolov13-pose": (1, 4 + 80 + 17 * 3, 8400),
    "yolov13-pose-PST": (1, 4 + 80 + 17 * 3, 8400),
}
FAMILIES = ("resnet", "yolo11", "yolo26", "yolov10", "yolov13")

# Other variants are built of the same blocks.
QUICK = ("resnet18-pst", "yolo11-seg-DynamicConv", "yolo26-DynamicConv", "yolov13-DynamicBnAct", "yolov13-pose-PST")


def _at_every_scale():
    for family in FAMILIES:
        for name, path in families.families()[family].variants.items():
            for position, scale in enumerate(yaml_file.load(path).scales):
                marks = [pytest.mark.full] if position or name not in QUICK else []
                yield pytest.param(name, scale, marks=marks, id=f"{name}-{scale}")


def _parameters(name, **values):
    built = build(resolve(name).with_values(values))
    return sum(parameter.numel() for parameter in built.module.parameters())


def test_the_list_is_whole():
    assert {name for family in FAMILIES for name in families.families()[family].variants} == set(OUTPUTS)


@pytest.mark.parametrize(("name", "scale"), list(_at_every_scale()))
def test_runs_without_memory_at_every_scale(name, scale):
    built = build(resolve(name, scale=scale))
    pass_ = trace(built.module, make_inputs(built))
    assert pass_.calls[0].outputs[0].shape == OUTPUTS[name]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.full]) for name in OUTPUTS]
)
def test_runs_on_a_processor(name):
    built = build(resolve(name), device="cpu")
    with torch.no_grad():
        out = built.module(*make_inputs(built, size=(96, 64), batch=2, device="cpu"))
    first = out
    while not isinstance(first, torch.Tensor):
        first = first[0]
    assert first.shape[0] == 2
    assert first.isfinite().all()


def test_dynamic_strided_convolutions_of_yolo26():
    # Six of 3×3 from C to C': four kernels for one, 27·C·C' more; no BatchNorm, 2·C' fewer; router 4·C + 4.
    rows = [(16, 32), (64, 64), (128, 128), (128, 256), (64, 64), (128, 128)]
    more = sum(27 * c * out - 2 * out + 4 * c + 4 for c, out in rows)
    assert _parameters("yolo26-DynamicConv") == _parameters("yolo26n") + more


def test_dynamic_bottlenecks_of_yolov10n():
    # A second 3×3 convolution from C to C in each bottleneck, no BatchNorm after it.
    hidden = [16, 32, 32, 64, 64, 128, 64, 32, 64]
    more = sum(27 * c * c - 2 * c + 4 * c + 4 for c in hidden)
    assert _parameters("yolov10n-C2f_DynamicConv") == _parameters("yolov10n") + more


def test_dynamic_heads_of_yolo11n():
    # The box branch has two convolutions a level, from the level's 64, 128, 256 channels to 64 and on to 64; the
    # coefficients' branch the same with 32; the prototypes two of 64. BatchNorms stay.
    def dearer(pairs):
        return sum(27 * c * out + 4 * c + 4 for c, out in pairs)

    boxes = dearer([(64, 64), (64, 64), (128, 64), (64, 64), (256, 64), (64, 64)])
    masks = dearer([(64, 32), (32, 32), (128, 32), (32, 32), (256, 32), (32, 32), (64, 64), (64, 64)])
    assert _parameters("yolo11-DynamicConv") == _parameters("yolo11n") + boxes
    assert _parameters("yolo11-seg-DynamicConv") == _parameters("yolo11n-seg") + boxes + masks


def test_the_second_batchnorms_of_yolov13n():
    # 2·C for each dynamic convolution: rows 2, 4, 5, 7 and two in each of rows 17, 21, 26, 30.
    channels = 16 + 32 + 128 + 256 + 2 * (32 + 16 + 32 + 64)
    assert _parameters("yolov13-DynamicBnAct") == _parameters("yolov13-DynamicConv") + 2 * channels


@pytest.mark.parametrize(("name", "hidden"), [("resnet50-pst", 128), ("resnet101-pst", 256)])
def test_parameters_of_pst(name, hidden):
    c, out = hidden, 2 * hidden
    ends = (1024 + 2048) * c + 2 * 2 * c + 2 * c * out + 2 * out  # both 1×1 in, 1×1 out over two maps, BatchNorms
    attention = c * c + 2 * c * c + 49 * c + c * c + 2 * (c + 2 * c + c + c)  # query, key and value, position, out
    gate = 64 * 32 + 32
    mlp = 2 * (2 * c * c) + 2 * (2 * c + c)
    pst = build(resolve(name)).module.model[5]
    assert sum(parameter.numel() for parameter in pst.parameters()) == ends + attention + gate + mlp


@pytest.mark.parametrize(
    ("name", "meant"), [("yolov13-DynamicConv", DynamicConv), ("yolov10n-DynamicConv-2", DynamicConv2d)]
)
def test_one_name_two_blocks(name, meant):
    layer = build(resolve(name)).module.model[5]
    assert type(layer) is meant


def test_experts_and_router_are_settings():
    # Router of one layer 4·C + 4 at M = 4, of two C² + 4·C; in rows 1, 3 and 17, of 16, 32 and 64 channels.
    linear, mlp = (_parameters("yolov10n-DynamicConv-1", router=router) for router in ("linear", "mlp"))
    assert mlp - linear == sum(c * c - 4 for c in (16, 32, 64))
    # Each expert more: 9·C·C' and one row of the router.
    eight = _parameters("yolov10n-DynamicConv-1", experts=8)
    assert eight - linear == 4 * sum(9 * c * out + c + 1 for c, out in ((16, 32), (32, 64), (64, 64)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"experts": 0}, "experts must be a whole number from 1 up, not 0"),
        ({"router": "mpl"}, "router must be linear or mlp, not 'mpl'"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(BuildError, match=message) as caught:
        _parameters("yolov10n-DynamicConv-1", **settings)
    assert caught.value.line


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("[-1, 1, PST, [64]]", "a fine map and a coarse one, not 1"),
        ("[[0, 1], 1, PST, [48]]", "24 hidden channels, not a multiple of 32"),
        ("[[0, 1], 1, HyperACE, [64, 8]]", "a fine, a middle and a coarse map, not 2"),
        ("[[0, 1, 1], 1, HyperACE, [48, 8]]", "24 hidden channels, not a multiple of 16"),
    ],
)
def test_rows_that_cannot_be_built(tmp_path, row, message):
    path = tmp_path / "mine.yaml"
    path.write_text(f"family: yolov13\nbackbone:\n- [-1, 1, Conv, [16, 3, 2]]\n- [-1, 1, Conv, [32, 3, 2]]\n- {row}\n")
    with pytest.raises(BuildError, match=message) as caught:
        build(resolve(str(path)))
    assert caught.value.line == 5
