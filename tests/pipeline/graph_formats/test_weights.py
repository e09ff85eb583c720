"""Files of weights alone: their parameters are known, and nothing of what is computed with them."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

import archprof
from archprof.cli import app
from archprof.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.profile import Profile


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), prog_name="archprof")


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return timm.create_model("resnet18", pretrained=False).eval()


def of_module(profile: Profile) -> dict[str, int]:
    return {module.path: module.parameters for module in profile.modules}


def saved(tmp_path: Path, model: nn.Module, form: str) -> Path:
    """The model in a file of a form."""
    state = model.state_dict()
    path = tmp_path / {"safetensors": "w.safetensors", "torchscript": "w.torchscript"}.get(form, "w.pt")
    if form == "safetensors":
        save_file(state, path)
    elif form == "torchscript":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated, and people have its files
            torch.jit.save(torch.jit.script(model), str(path))
    else:
        # The entries of a checkpoint of Lightning, from its trainer/connectors/checkpoint_connector.py.
        lightning = {"epoch": 1, "pytorch-lightning_version": "2.4.0", "state_dict": state, "loops": {}}
        torch.save({"state dict": state, "lightning": lightning, "module": model}[form], path)
    return path


@pytest.mark.parametrize("form", ["state dict", "safetensors", "lightning", "module", "torchscript"])
def test_parameters_by_module(tmp_path: Path, model: nn.Module, form: str) -> None:
    profile = archprof.profile(str(saved(tmp_path, model, form)))

    assert profile.totals.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert profile.totals.buffers == sum(buffer.numel() for buffer in model.buffers())
    by_module = of_module(profile)
    for path, module in model.named_modules():
        if form in ("module", "torchscript") or any(True for _ in module.parameters()):
            assert by_module[path] == sum(parameter.numel() for parameter in module.parameters())


def test_what_is_not_known_is_no_figure(tmp_path: Path, model: nn.Module) -> None:
    path = str(saved(tmp_path, model, "state dict"))

    summary = run("summary", path)
    assert summary.exit_code == 0, summary.stderr
    assert "compute     not known: the file holds weights" in summary.stdout
    assert "MFLOPs" not in summary.stdout
    assert "FLOPs cannot be counted" in summary.stderr

    compared = json.loads(run("compare", path, "timm:resnet18", "--format", "json").stdout)
    before, after = compared["models"]
    assert before["metrics"]["flops"] is None
    assert before["metrics"]["parameters"] == after["metrics"]["parameters"]
    assert {change["parameters"] for change in compared["pairs"][0]["changes"]} == {0}
    assert "flops" not in {key for change in compared["pairs"][0]["changes"] if (key := change.get("flops"))}


def test_two_files_of_weights(tmp_path: Path, model: nn.Module) -> None:
    other = timm.create_model("resnet18", pretrained=False, num_classes=10)
    torch.save(model.state_dict(), tmp_path / "a.pt")
    torch.save(other.state_dict(), tmp_path / "b.pt")

    compared = archprof.compare(str(tmp_path / "a.pt"), str(tmp_path / "b.pt"))

    # The last layer has 512 weights and a bias for each of 1,000 classes, or of 10.
    changes = compared.pairs[0].changes
    changed = {change.after.path: change.parameters for change in changes if change.after and change.parameters}
    assert changed == {"fc": -990 * 513}


def test_compare_says_in_sentences_what_is_not_known(tmp_path: Path, model: nn.Module) -> None:
    torch.save(model.state_dict(), tmp_path / "a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.script(model).save(tmp_path / "b.pt")

    result = run("compare", str(tmp_path / "a.pt"), str(tmp_path / "b.pt"))

    text = " ".join(result.stdout.split())
    for name in ("a.pt", "b.pt"):
        assert f"{name} is not known: the file holds weights, and not what is computed with them" in text
    assert "no formula" not in text
    assert "no figure differs" not in text


def test_a_yaml_beside_weights(tmp_path: Path) -> None:
    from ultralytics.nn.tasks import DetectionModel

    torch.save(DetectionModel("yolo11n.yaml", verbose=False, nc=5).state_dict(), tmp_path / "w.pt")

    compared = archprof.compare("yolo11n.yaml", str(tmp_path / "w.pt"), imgsz=64)

    rows = compared.pairs[0].changes
    assert len(rows) == 24
    assert [row.parameters for row in rows[:23]] == [0] * 23
    assert rows[23].parameters == compared.pairs[0].metrics[0].difference
    assert {row.flops for row in rows} == {None}


@pytest.mark.parametrize("command", ["audit", "bench", "parameternet"])
def test_what_needs_operations_is_refused(tmp_path: Path, model: nn.Module, command: str) -> None:
    result = run(command, str(saved(tmp_path, model, "state dict")))

    assert result.exit_code == 2
    assert "holds 11,689,512 parameters, but no architecture (a state dict)" in result.stderr


def test_a_budget_of_parameters_holds_them(tmp_path: Path, model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, model, "state dict")
    monkeypatch.chdir(tmp_path)
    for key, value, code in (("parameters", "12M", 0), ("parameters", "11M", 1), ("flops", "9G", 2)):
        text = f'[[budgets]]\nvariants = ["*.pt"]\n{key} = {{max = "{value}"}}\n'
        (tmp_path / "archprof.toml").write_text(text, encoding="utf-8")
        assert run("check").exit_code == code


def test_what_is_asked_of_it_must_be_there(tmp_path: Path, model: nn.Module) -> None:
    path = str(saved(tmp_path, model, "state dict"))

    with pytest.raises(UsageError, match="nc cannot be changed in a file of weights"):
        archprof.profile(path, nc=3)
    with pytest.raises(UsageError, match="no scales"):
        archprof.profile(path, scale="n")


def test_a_comparison_says_that_the_compute_of_weights_is_not_known(tmp_path: Path, model: nn.Module) -> None:
    path = saved(tmp_path, model, "torchscript")
    result = run("compare", str(path), "timm:resnet18")

    assert result.exit_code == 0, result.stderr
    words = " ".join(result.stdout.split())
    assert f"compute that of {path} is not known: the file holds weights, and not what is computed with them" in words
    assert "no figure that both have differs" in words  # both have timm's 11,689,512 parameters
    assert "forward pass 1×" not in words
