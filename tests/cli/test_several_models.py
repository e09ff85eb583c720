"""Several models, a folder, a pattern: a table of one line each; what fails is a line too."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from archprof.records.failure import Failure
from archprof.render.several import distinct_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from archprof.records.profile import Profile, Variant

DATASET = "names: {0: person}\ntrain: images\nval: images\n"

# 1×1 convolutions on a 32×32 image without stride: 3·8 + 2·8 and 3·16 + 2·16 parameters, 3·8·32² and 3·16·32² MACs.
NARROW = "backbone:\n  - [-1, 1, Conv, [8]]\n"
WIDE = "backbone:\n  - [-1, 1, Conv, [16]]\n"
PARAMETERS = {"narrow": 40, "wide": 80}
FLOPS = {"narrow": 2 * 3 * 8 * 32**2, "wide": 2 * 3 * 16 * 32**2}

BROKEN = "backbone:\n  - [-1, 1, Cnov, [8]]\n"


@pytest.fixture
def models(folder: Path) -> Path:
    """A folder with two models and a dataset YAML."""
    inner = folder / "models"
    inner.mkdir()
    for name, text in {"narrow.yaml": NARROW, "wide.yml": WIDE, "coco.yaml": DATASET, "notes.txt": "x"}.items():
        (inner / name).write_text(text, encoding="utf-8")
    return inner


def lines_of(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.mark.parametrize("references", ["models", "models/", "models/*.y*ml", "models/narrow.yaml models/wide.yml"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_is_a_line_of_one_table(
    archprof: Callable[[str], Result], models: Path, references: str, jobs: str
) -> None:
    result = archprof(f"summary {references} --imgsz 32 -j {jobs} --format csv")
    assert result.exit_code == 0, result.stderr
    table = lines_of(result)
    assert {line["model"]: int(line["parameters"]) for line in table} == PARAMETERS
    assert {line["model"]: int(line["flops"]) for line in table} == FLOPS
    left_out = "note: left out models/coco.yaml: a dataset YAML, not a model\n"
    assert (left_out in result.stderr) == ("wide" not in references)


@pytest.mark.parametrize("form", ["text", "json", "csv", "markdown", "latex", "html"])
def test_one_that_fails_is_a_line_with_its_reason(archprof: Callable[[str], Result], models: Path, form: str) -> None:
    (models / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    (models / "torn.yaml").write_text("backbone: [", encoding="utf-8")
    result = archprof(f"summary models nowhere --imgsz 32 --format {form}")
    assert result.exit_code == 2
    assert result.stderr.endswith("error: 3 of 5 models failed: models/broken.yaml, models/torn.yaml, nowhere\n")
    assert "narrow" in result.stdout
    for reason in ("unknown block", "Cnov", "not valid YAML", "nowhere"):
        assert reason in result.stdout


def test_one_that_fails_is_no_reason_not_to_measure_the_others(archprof: Callable[[str], Result], models: Path) -> None:
    (models / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    line = "bench models/narrow.yaml models/wide.yml models/broken.yaml --imgsz 32 --min-time 0.01 --max-time 0.1"
    result = archprof(f"--color always {line}")
    assert result.exit_code == 2
    assert "broken.yaml: failed: models/broken.yaml" in result.stdout
    assert result.stderr.endswith("1 of 3 models failed: models/broken.yaml\n")
    # Red is what fails, and nothing else has a colour.
    red = [line for line in result.stdout.splitlines() if "\x1b[1;31m" in line]
    assert [line.split()[0] for line in red] == ["\x1b[1;31mmodels/broken.yaml"]
    assert set(re.findall(r"\x1b\[([\d;]+)m", result.stdout)) <= {"0", "1", "2", "1;31"}


def test_json_keeps_what_failed_in_its_place(archprof: Callable[[str], Result], models: Path) -> None:
    (models / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    result = archprof("summary models --imgsz 32 -o all.json -o -")
    broken, *others = json.loads((models.parent / "all.json").read_text(encoding="utf-8"))
    assert set(broken) == set(Failure.__struct_fields__)
    assert broken["reference"] == "models/broken.yaml"
    assert [entry["totals"]["parameters"] for entry in others] == list(PARAMETERS.values())
    assert result.exit_code == 2
    assert archprof("compare all.json#models/narrow.yaml all.json#models/wide.yml").exit_code == 0


def test_the_columns_may_be_chosen_and_sorted_by(archprof: Callable[[str], Result], models: Path) -> None:
    table = lines_of(archprof("summary models --imgsz 32 --columns model,params --sort params --format csv"))
    assert table == [{"model": name, "parameters": str(PARAMETERS[name])} for name in ("wide", "narrow")]


def test_details_follow_where_they_are_asked_for(archprof: Callable[[str], Result], models: Path) -> None:
    title, rows = "narrow   1×3×32×32", "row  from  repeats"
    brief = archprof("summary models --imgsz 32").stdout
    assert (brief.count(title), brief.count(rows)) == (0, 0)
    detailed = archprof("summary models --imgsz 32 --detail rows").stdout
    assert (detailed.count(title), detailed.count(rows)) == (1, 2)


def test_models_of_one_name_are_told_apart_by_what_was_typed(archprof: Callable[[str], Result], models: Path) -> None:
    (models.parent / "narrow.yaml").write_text(WIDE, encoding="utf-8")
    table = lines_of(archprof("summary narrow.yaml models/narrow.yaml --imgsz 32 --format csv"))
    assert [(line["model"], int(line["parameters"])) for line in table] == [
        ("narrow.yaml", 80),
        ("models/narrow.yaml", 40),
    ]


def test_what_differs_between_models_has_a_column(archprof: Callable[[str], Result], models: Path) -> None:
    result = archprof("summary models/narrow.yaml timm:resnet18")
    assert "1×3×640×640" in result.stdout
    assert "1×3×224×224" in result.stdout


@pytest.mark.parametrize("command", ["audit --counter fvcore", "parameternet"])
def test_other_commands_take_several_too(archprof: Callable[[str], Result], models: Path, command: str) -> None:
    (models / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    result = archprof(f"{command} models --imgsz 32 --format csv")
    assert result.exit_code == 2
    assert [line["model"] for line in lines_of(result)] == ["models/broken.yaml", "narrow", "wide"]
    assert "1 of 3 models failed: models/broken.yaml" in result.stderr


def test_compare_takes_a_folder(archprof: Callable[[str], Result], models: Path) -> None:
    result = archprof("compare models --imgsz 32 --format json")
    assert result.exit_code == 0, result.stderr
    assert [side["variant"]["name"] for side in json.loads(result.stdout)["models"]] == ["narrow", "wide"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("summary models/*.json", "no file matches 'models/*.json'"),
        ("summary models/coco*", "no model in 'models/coco*'\nmodels/coco.yaml: a dataset YAML, not a model"),
        ("summary models nowhere.yaml --latency", "--latency is of one model's inference"),
        ("parameternet models --experts 1,2", "--latency, --experts and --what-if are of one model"),
        ("summary nowhere elsewhere", "none of the 2 models can be read"),
    ],
)
def test_what_cannot_be_several(archprof: Callable[[str], Result], models: Path, line: str, message: str) -> None:
    result = archprof(line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"error: {message}" in result.stderr


def test_a_folder_beside_a_model_of_its_name_is_not_meant(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "tiny").mkdir()
    (folder / "tiny" / "args.yaml").write_text("model: x\nmode: train\n", encoding="utf-8")
    result = archprof("summary tiny --imgsz 32 --format json")
    assert json.loads(result.stdout)["variant"]["name"] == "tiny"


@pytest.mark.parametrize("options", ["--top 1", "--top 1 --columns model,flops", "--top 1 --sort flops"])
def test_the_most_expensive_come_first_and_failures_last(
    archprof: Callable[[str], Result], models: Path, options: str
) -> None:
    (models / "a_broken.yaml").write_text(BROKEN, encoding="utf-8")
    result = archprof(f"summary models --imgsz 32 {options}")
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    index = next(index for index, line in enumerate(lines) if line.lower().startswith("model"))
    assert lines[index + 1].split()[0] == "wide"
    assert lines[index + 2].startswith("… 2 more")
    assert any(line.startswith("models/a_broken.yaml: failed: ") for line in lines)


def test_what_failed_is_not_broken_into_lines_in_a_pipe(archprof: Callable[[str], Result], models: Path) -> None:
    name = "a_file_with_a_very_long_name_" * 6
    (models / f"{name}.yaml").write_text(BROKEN, encoding="utf-8")
    result = archprof("summary models --imgsz 32")
    lines = [line for line in result.stdout.splitlines() if "failed" in line]
    assert len(lines) == 1
    assert lines[0].endswith("row 0: unknown block 'Cnov'")
    assert len(lines[0]) > 2 * len(name)


def test_a_folder_of_checkpoints(archprof: Callable[[str], Result], folder: Path) -> None:
    import torch
    from ultralytics.nn.tasks import ClassificationModel

    inner = folder / "weights"
    inner.mkdir()
    model = ClassificationModel(str(folder / "tiny.yaml"), verbose=False)
    for name in ("best", "last"):
        torch.save({"model": model, "train_args": {}}, inner / f"{name}.pt")
    torch.save(model.state_dict(), inner / "alone.pt")
    torch.save({"optimizer": {}}, inner / "log.pt")
    expected = sum(parameter.numel() for parameter in model.parameters())
    for references in ("weights", "weights/*.pt"):
        result = archprof(f"summary {references} --format csv")
        assert result.exit_code == 0, result.stderr
        parameters = {line["model"]: int(line["parameters"]) for line in lines_of(result)}
        assert parameters == {"alone": expected, "best": expected, "last": expected}
        assert "note: left out weights/log.pt: no model was recognised; its entries: 'optimizer'" in result.stderr


def test_names_come_from_standard_input(archprof: Callable[..., Result], models: Path) -> None:
    names = "# both\nmodels/narrow.yaml\n\nmodels/wide.yml\n"
    table = lines_of(archprof("summary - --imgsz 32 --format csv", stdin=names))
    assert {line["model"]: int(line["parameters"]) for line in table} == PARAMETERS
    empty = archprof("summary -", stdin="# nothing\n")
    assert (empty.exit_code, empty.stdout) == (2, "")
    assert "error: no model on stdin\ngive one reference a line" in empty.stderr


@pytest.mark.parametrize("command", ["compare", "bench --max-time 0.1 --min-time 0.1"])
def test_one_that_fails_leaves_the_others_compared(
    archprof: Callable[[str], Result], models: Path, command: str
) -> None:
    (models / "xbroken.yaml").write_text(BROKEN, encoding="utf-8")
    result = archprof(f"{command} models nowhere --imgsz 32 -o all.json -o -")
    assert result.exit_code == 2
    assert result.stderr.endswith("error: 2 of 4 models failed: models/xbroken.yaml, nowhere\n") or (
        result.stderr.endswith("error: 2 of 4 models failed: nowhere, models/xbroken.yaml\n")
    )
    saved = json.loads((models.parent / "all.json").read_text(encoding="utf-8"))
    assert {failure["reference"] for failure in saved["failures"]} == {"models/xbroken.yaml", "nowhere"}
    assert len(saved.get("models") or saved["profiles"]) == 2
    for text in ("narrow", "wide", "xbroken.yaml: failed: ", "nowhere: failed: "):
        assert text in result.stdout


@pytest.mark.parametrize("command", ["compare", "bench"])
def test_nothing_is_compared_with_a_model_that_fails(
    archprof: Callable[[str], Result], models: Path, command: str
) -> None:
    (models / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    result = archprof(f"{command} models --imgsz 32")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unknown block 'Cnov'" in result.stderr
    assert "the others are compared with models/broken.yaml" in result.stderr


def test_models_of_one_name_are_called_by_what_was_typed(profile: Profile) -> None:
    def named(name: str, reference: str, scale: str | None = None) -> Variant:
        return msgspec.structs.replace(profile.variant, name=name, reference=reference, scale=scale)

    net, other = named("net", "a/net.yaml"), named("net", "b/net.yaml")
    scales = [named("yolo11", "yolo11", scale) for scale in "ns"]
    assert distinct_names([net, named("wide", "wide.yaml")]) == ["net", "wide"]
    assert distinct_names([net, other]) == ["a/net.yaml", "b/net.yaml"]
    assert distinct_names(scales) == ["yolo11, scale n", "yolo11, scale s"]
    assert distinct_names([net, net]) == ["net", "net #2"]
    assert distinct_names([net, net], ["", " (static equivalent)"]) == ["net", "net"]
