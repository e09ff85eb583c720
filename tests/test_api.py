from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

import archprof
from archprof.errors import ArchprofError, BudgetFileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


OF_A_FAMILY = """\
families = { "*.yaml" = "yolov13" }

[[budgets]]
variants = "*.yaml"
imgsz = 64
parameters = { max = "1 M" }
"""


@pytest.fixture
def folder(tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a variant and its budget."""
    (tmp_path / "tiny.yaml").write_text(tiny, encoding="utf-8")
    text = '[[budgets]]\nvariants = "*.yaml"\nimgsz = 64\nparameters = { max = "51 K" }\n'
    (tmp_path / "archprof.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_whole_check(folder: Path) -> None:
    check = archprof.check()
    (case,) = check.cases
    (rule_result,) = case.failed
    assert (check.exit_code, rule_result.actual, rule_result.excess) == (1, 51_218, 218)


def test_a_file_and_a_reference_may_be_named(folder: Path) -> None:
    (folder / "other.toml").write_text('[[budgets]]\nvariants = "*.yaml"\nlayers = { max = 1000 }\n', encoding="utf-8")
    assert archprof.check("tiny.yaml", config=folder / "other.toml").exit_code == 0
    with pytest.raises(ArchprofError, match="has no budget for"):
        archprof.check("none.yaml")


def test_a_reference_that_does_not_build_could_not_be_judged(folder: Path) -> None:
    (folder / "tiny.yaml").write_text("backbone: 3\n", encoding="utf-8")
    assert archprof.within("tiny.yaml", flops="1 G").exit_code == 2


@pytest.mark.parametrize("below", [False, True])
def test_files_have_the_families_that_the_project_gives_them(
    folder: Path, tiny: str, monkeypatch: pytest.MonkeyPatch, below: bool
) -> None:
    # DSConv is a block of YOLOv13's alone.
    (folder / "tiny.yaml").write_text(tiny.replace("Conv,", "DSConv,", 1), encoding="utf-8")
    with pytest.raises(ArchprofError, match="unknown block 'DSConv'"):
        archprof.profile("tiny.yaml", imgsz=64)
    (folder / "archprof.toml").write_text(OF_A_FAMILY, encoding="utf-8")
    if below:
        (folder / ".git").mkdir()
        (folder / "below").mkdir()
        monkeypatch.chdir(folder / "below")
    file = "../tiny.yaml" if below else "tiny.yaml"

    assert archprof.check().exit_code == 0
    assert archprof.within(file, parameters="1 M", imgsz=64).exit_code == 0
    assert archprof.profile(file, imgsz=64).variant.family == "yolov13"
    assert [model.variant.family for model in archprof.compare(file, file, imgsz=64).models] == ["yolov13"] * 2


def test_a_budget_file_elsewhere_has_its_own_families(folder: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "tiny.yaml").write_text(tiny.replace("Conv,", "DSConv,", 1), encoding="utf-8")
    (folder / "archprof.toml").write_text(OF_A_FAMILY, encoding="utf-8")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    (folder / "elsewhere" / "archprof.toml").write_text("imgsz = 32\n", encoding="utf-8")

    assert archprof.check(config="../archprof.toml").exit_code == 0


def test_a_profile_is_held_to_what_is_given() -> None:
    # 4·8·3·3 weights and 8 biases; 8·8 outputs of 36 MACs each for 8 channels, twice.
    profile = archprof.profile(torch.nn.Conv2d(4, 8, 3, padding=1), torch.empty(1, 4, 8, 8))
    assert archprof.within(profile, parameters=296, flops=36_864, flops_ratio=1.0).exit_code == 0
    assert archprof.within(profile, parameters={"min": 297, "level": "warn"}).exit_code == 0
    assert archprof.within(profile, flops="36.8 K").exit_code == 1


@pytest.mark.parametrize(
    ("budget", "message"),
    [({"flop": 1}, "within.flop: unknown key"), ({"flops": "1 s"}, "unknown unit 's'"), ({"nc": "x"}, "within.nc")],
)
def test_a_mistake_is_said(budget: dict[str, object], message: str) -> None:
    with pytest.raises(BudgetFileError, match=message):
        archprof.within("tiny.yaml", **budget)


DYNAMIC = "nc: 2\nbackbone:\n  - [-1, 1, DynamicConv, [16, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n"
PLUGIN = """
import archprof
from ultralytics.nn.modules import Conv

@archprof.register("{name}")
class {name}(Conv):
    pass
"""


def test_a_model_beside_its_static_equivalent(folder: Path) -> None:
    (folder / "yolov13-own.yaml").write_text(DYNAMIC, encoding="utf-8")
    result = archprof.compare("yolov13-own.yaml", "yolov13-own.yaml", static=True, imgsz=32)

    assert [model.name for model in result.models] == ["yolov13-own.yaml", "yolov13-own.yaml, static equivalent"]
    (delta,) = [entry for entry in result.pairs[0].metrics if entry.metric == "parameters"]
    # Four kernels of 16 x 3 x 3 x 3 = 432 and a router of 3 x 4 + 4 = 16 become one kernel: 432 - 4 x 432 - 16.
    assert delta.after is not None
    assert delta.before is not None
    assert delta.after - delta.before == -1312


def test_a_profile_beside_a_reference(folder: Path) -> None:
    own = archprof.profile("tiny.yaml", imgsz=64, nc=3)
    result = archprof.compare(own, "tiny.yaml", imgsz=64, nc=5)
    assert [model.variant.nc for model in result.models] == [3, 5]


def test_what_is_measured_has_the_conventions_that_were_asked_for(folder: Path) -> None:
    profile = archprof.profile("tiny.yaml", imgsz=32, conventions=["fvcore"], latency=True, device="cpu")
    assert profile.conventions == ["fvcore"]
    assert profile.latency[0].samples_s


@pytest.mark.usefixtures("forgets_blocks")
@pytest.mark.parametrize("how", ["experts", "audit"])
def test_a_plugin_is_run_whatever_is_asked_for(folder: Path, how: str) -> None:
    name = f"ForThe{how.title()}"
    (folder / f"{how}_blocks.py").write_text(PLUGIN.format(name=name), encoding="utf-8")
    rows = DYNAMIC.replace("head:", f"  - [-1, 1, {name}, [16]]\nhead:")
    (folder / "yolov13-own.yaml").write_text(rows, encoding="utf-8")
    plugins = [f"{how}_blocks.py"]

    if how == "audit":
        audit = archprof.audit("yolov13-own.yaml", counters=["thop-2.0"], plugins=plugins, imgsz=32)
        assert [opinion.counter for opinion in audit.opinions] == ["thop-2.0"]
    else:
        _, curve = archprof.parameternet("yolov13-own.yaml", experts=[1, 2], plugins=plugins, imgsz=32)
        assert [point.experts for point in curve.points] == [1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: archprof.parameternet("tiny.yaml", what_if="all", experts=[2, 4]), "one number of experts"),
        (lambda: archprof.bench("tiny.yaml", layers=True, backends=["onnxruntime"]), "looks into eager PyTorch"),
        (lambda: archprof.audit("tiny.yaml", counters=["thp"]), "no counter 'thp'"),
    ],
)
def test_what_the_command_line_refuses_is_refused(folder: Path, call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_records_are_read_back_from_text_and_from_dictionaries(folder: Path) -> None:
    benchmark = archprof.bench("tiny.yaml", "tiny.yaml", imgsz=32, max_time=1, devices=["cpu"])
    for record in (benchmark, benchmark.profiles[0]):
        kind = type(record)
        assert kind.from_json(record.to_json()) == record == kind.from_dict(record.to_dict())
        with pytest.raises(ArchprofError, match=f"{kind.__name__.lower()} version 99, .* older than the file"):
            kind.from_dict({"version": 99})
        with pytest.raises(ArchprofError, match=f"not a saved {kind.__name__.lower()}: "):
            kind.from_dict([])
