from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archprof.builder.load import build
from archprof.errors import VariantError
from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.match import match
from archprof.sources.checkpoint.reader import read
from archprof.sources.checkpoint.variant import variant, yaml_text_of
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.sources.checkpoint.match import Shape

NETWORK: dict[str, Shape] = {
    "0.conv.weight": (8, 3, 3, 3),
    "0.bn.weight": (8,),
    "0.bn.bias": (8,),
    "0.bn.running_mean": (8,),
    "0.bn.running_var": (8,),
    "1.weight": (4, 8),
    "1.bias": (4,),
}


def shapes_of(module: Any) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def test_equal_tensors_match() -> None:
    result = match(NETWORK, dict(reversed(NETWORK.items())))

    assert result.matches
    assert result.sentence == "the checkpoint matches the network: 7 tensors of the same names and shapes"


def test_a_pruned_network_has_other_shapes() -> None:
    file = {**NETWORK, "0.conv.weight": (6, 3, 3, 3), "1.weight": (4, 6)}
    file |= dict.fromkeys((name for name in NETWORK if ".bn." in name), (6,))

    result = match(NETWORK, file)

    assert [(layer.path, layer.state) for layer in result.layers] == [
        ("0.conv", "resized"),
        ("0.bn", "resized"),
        ("1", "resized"),
    ]
    assert result.layers[2].network == {"weight": (4, 8)}
    assert result.layers[2].file == {"weight": (4, 6)}
    assert result.sentence == (
        "the checkpoint differs from the network: a pruned network? 3 layers of other shapes (0.conv, 0.bn, 1); "
        "1 tensor the same"
    )


def test_missing_and_additional_layers_are_named() -> None:
    file = {name: shape for name, shape in NETWORK.items() if not name.startswith("1.")} | {"2.weight": (1,)}

    result = match(NETWORK, file)

    assert [(layer.path, layer.state) for layer in result.layers] == [("1", "missing"), ("2", "additional")]
    assert result.sentence == (
        "the checkpoint differs from the network: 1 layer missing from the file (1); 1 layer in the file only (2); "
        "5 tensors the same"
    )


def test_a_network_that_was_saved_fused(yolo: Any) -> None:
    fused = shapes_of(deepcopy(yolo).eval().fuse(verbose=False))

    result = match(shapes_of(yolo), fused)

    assert result.fused
    assert not result.matches
    # YOLO11n has a normalisation behind each of its convolutions but the 3·2 last of the head's branches and the DFL.
    assert "81 normalisations folded" in result.sentence
    assert not match(shapes_of(yolo), {**fused, "model.0.conv.weight": (8, 3, 3, 3)}).fused


@given(st.dictionaries(st.sampled_from(sorted(NETWORK)), st.sampled_from([(1,), (2,), (2, 2)])))
def test_every_tensor_is_the_same_or_in_a_layer_that_differs(file: dict[str, Shape]) -> None:
    result = match(NETWORK, file)

    differing = {
        f"{layer.path}.{name}" for layer in result.layers for shapes in (layer.network, layer.file) for name in shapes
    }
    assert differing == {name for name in {*NETWORK, *file} if NETWORK.get(name) != file.get(name)}
    assert result.tensors + len(differing) == len({*NETWORK, *file})


@pytest.mark.parametrize("name", ["last", "best", "module", "legacy_module"])
def test_the_yaml_in_a_checkpoint_builds_its_network(files: dict[str, Path], name: str) -> None:
    checkpoint = read(files[name])

    spec = variant(checkpoint)

    assert (spec.name, spec.scale, spec.family) == ("yolo11n", "n", "yolo11")
    assert spec.path == files[name]
    stock = resolve("yolo11n")
    plain = [(row.sources, row.repeats, row.module, row.arguments) for row in spec.rows]
    assert plain == [(row.sources, row.repeats, row.module, row.arguments) for row in stock.rows]
    assert match(shapes_of(build(spec).module), checkpoint.shapes).matches


@pytest.mark.parametrize(
    "reference",
    [
        *("yolov8n-cls", "yolo26n-pose", "yolov10s"),
        *(pytest.param(name, marks=pytest.mark.full) for name in ("yolo11m-seg", "rtdetr-resnet50")),
    ],
)
def test_every_kind_of_variant_comes_back_from_its_checkpoint(tmp_path: Path, reference: str) -> None:
    from ultralytics import RTDETR, YOLO

    model = (RTDETR if reference.startswith("rtdetr") else YOLO)(f"{reference}.yaml").model
    torch.save({"model": None, "ema": model.half()}, tmp_path / "best.pt")

    checkpoint = read(tmp_path / "best.pt")

    assert checkpoint.task == model.task
    assert match(shapes_of(build(variant(checkpoint)).module), checkpoint.shapes).matches


def test_a_network_without_a_scale_in_its_name_was_built_at_the_first(tmp_path: Path) -> None:
    from ultralytics import YOLO

    rows = "backbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n"
    path = tmp_path / "mine.yaml"
    path.write_text(f"nc: 3\nscales:\n  n: [0.33, 0.25, 1024]\n  s: [0.33, 0.5, 1024]\n{rows}", encoding="utf-8")
    model = YOLO(str(path)).model
    torch.save({"model": model}, tmp_path / "best.pt")

    checkpoint = read(tmp_path / "best.pt")
    spec = variant(checkpoint)

    assert checkpoint.yaml is not None
    assert not checkpoint.yaml["scale"]  # Ultralytics warns that it assumes n, and does not save that
    assert spec.scale == "n"
    assert checkpoint.shapes["model.0.conv.weight"][0] == 16  # 64 · 0.25
    assert match(shapes_of(build(spec).module), checkpoint.shapes).matches


def test_rows_stand_on_lines_of_their_own() -> None:
    text = yaml_text_of({"nc": 2, "backbone": [[-1, 1, "Conv", [8, 3]]], "head": [[[-1, 0], 1, "Concat", [1]]]})

    assert text == "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3]]\nhead:\n  - [[-1, 0], 1, Concat, [1]]\n"


def test_a_damaged_row_is_named_with_its_line(tmp_path: Path, yolo: Any) -> None:
    model = deepcopy(yolo)
    model.yaml["backbone"][1] = [-1, 1, "Conv"]
    torch.save({"model": model}, tmp_path / "best.pt")

    with pytest.raises(VariantError) as caught:
        variant(read(tmp_path / "best.pt"))

    # nc, scales and "backbone:" stand on the three lines before the first row.
    assert (caught.value.path, caught.value.line) == (tmp_path / "best.pt", 5)
    assert "not 3" in caught.value.message


@pytest.mark.parametrize("name", ["state_dict", "safetensors"])
def test_a_file_without_a_yaml_is_no_variant(files: dict[str, Path], name: str) -> None:
    with pytest.raises(CheckpointError, match="has no YAML"):
        variant(read(files[name]))
