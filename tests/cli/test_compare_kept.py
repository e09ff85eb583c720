"""``archprof compare`` with what files keep: lock files, and several profiles that were saved in one."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from archprof.records.comparison import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

BUDGETS = """\
[[budgets]]
variants = "*.yaml"
scales = ["n", "s"]
imgsz = 64
parameters = { max = "1 M" }
"""
# Without row 0's stride tiny.yaml has 72,646,656 FLOPs more, 96.3 % of them downstream: see tests/cli/test_compare.py.
WHY = "row 0 Conv changed from [16, 3, 2] to [16, 3, 1]"


@pytest.fixture
def locked(archprof: Callable[[str], Result], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``tiny.yaml`` is locked at both of its scales, and has lost row 0's stride since."""
    monkeypatch.setenv("COLUMNS", "80")
    (folder / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    assert archprof("check --update-lock -q").exit_code == 0
    file = folder / "tiny.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("[16, 3, 2]", "[16, 3, 1]"), encoding="utf-8")
    return folder


def metrics(result: dict[str, Any]) -> dict[str, Any]:
    return {entry["metric"]: entry for entry in result["pairs"][0]["metrics"]}


def test_a_lock_file_and_a_model_at_its_settings(archprof: Callable[[str], Result], locked: Path) -> None:
    result = archprof("compare archprof.lock.json tiny.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(
        "archprof.lock.json → tiny.yaml\n"
        "  before      archprof.lock.json · tiny.yaml · imgsz 64 · scale n · as locked\n"
        "  after       tiny.yaml · scale n · nc 2 · 1×3×64×64 · float32 · not fused\n"
    )
    assert WHY in " ".join(result.stdout.split())
    assert "~ 0 Conv [16, 3, 2→1] 1×16×64×64 +2.65 3.7" in " ".join(result.stdout.split())


def test_what_the_lock_file_does_not_keep_is_absent(archprof: Callable[[str], Result], locked: Path) -> None:
    result = json.loads(
        archprof("compare archprof.lock.json tiny.yaml --format json --x fvcore --convention fvcore").stdout
    )
    jsonschema.validate(result, json_schema())
    flops, fvcore = metrics(result)["flops"], metrics(result)["fvcore"]
    assert (flops["before"], flops["difference"]) == (24_220_672, 72_646_656)
    assert (fvcore["before"], fvcore["difference"], fvcore["ratio"]) == (None, None, None)
    assert fvcore["after"] > 0
    (before, _) = result["models"]
    assert (before["input"], before["device"], before["locked"]) == (None, None, "imgsz=64 scale=n")
    first = result["pairs"][0]["changes"][0]
    assert (first["flops"], first["bytes_read"], first["elementwise_flops"]) == (2_654_208, None, None)
    assert (first["before"]["output_shapes"], first["before"]["bytes_written"]) == (None, None)


def test_the_other_way_round_and_by_a_condition(archprof: Callable[[str], Result], locked: Path) -> None:
    result = archprof("compare tiny.yaml archprof.lock.json --fail-on flops<0 --fail-on fvcore>0")
    assert result.exit_code == 2
    assert "error: archprof.lock.json: flops changed by -72.65 MFLOPs, ×0.250, which fails 'flops<0'\n" in result.stderr
    assert "'fvcore>0' could not be evaluated: not both have fvcore" in result.stderr


def test_at_a_scale_that_is_named(archprof: Callable[[str], Result], locked: Path) -> None:
    # At s, 86,050 of parameters without nc's: 928 + 18,560 + 87,042, see tests/cli/test_compare.py.
    for line in ("archprof.lock.json tiny.yaml --scale s", "archprof.lock.json#scale=s tiny.yaml"):
        result = json.loads(archprof(f"compare {line} --format json").stdout)
        assert [entry["variant"]["scale"] for entry in result["models"]] == ["s", "s"]
        assert metrics(result)["parameters"]["before"] == metrics(result)["parameters"]["after"] == 106_530


def test_two_lock_files_one_of_a_revision(archprof: Callable[[str], Result], locked: Path) -> None:
    identity = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for arguments in (["init"], ["add", "."], ["commit", "-m", "one"]):
        subprocess.run([*identity, *arguments], check=True, capture_output=True)
    archprof("check --update-lock -q")
    line = "compare HEAD:archprof.lock.json archprof.lock.json#tiny.yaml --scale n"
    result = archprof(line)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "tiny.yaml · imgsz 64 · scale n · as locked\n" in result.stdout
    assert WHY in " ".join(result.stdout.split())
    missing = archprof("compare HEAD:lock.json tiny.yaml")
    assert missing.stderr.startswith(
        "error: no file 'lock.json' in git revision 'HEAD'\ndid you mean HEAD:archprof.lock"
    )


def test_an_entry_that_is_not_in_a_model_of_rows(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "archprof.toml").write_text('[[budgets]]\nvariants = "timm:resnet10t"\nimgsz = 32\n', encoding="utf-8")
    archprof("check --update-lock -q")
    result = archprof("compare archprof.lock.json timm:resnet10t")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1×3×32×32" in result.stdout
    assert "\nno figure differs\n" in result.stdout
    another_model = archprof("compare archprof.lock.json timm:resnet14t")
    assert "\nno row-by-row comparison: the lock file has no rows of these models\n" in another_model.stdout


def test_settings_of_the_entry_are_those_of_the_others(archprof: Callable[[str], Result], folder: Path) -> None:
    budget = (
        '[[budgets]]\nvariants = "tiny.yaml"\nimgsz = "32x64"\nnc = 5\nbatch = 2\nset = { activation = "nn.ReLU()" }\n'
    )
    (folder / "archprof.toml").write_text(budget, encoding="utf-8")
    archprof("check --update-lock -q")
    result = archprof("compare archprof.lock.json tiny.yaml")
    assert "nc 5 · activation nn.ReLU() · 2×3×32×64" in result.stdout
    assert "  differs  " not in result.stdout
    assert "\nno figure differs\n" in result.stdout


def test_another_input_is_said(archprof: Callable[[str], Result], locked: Path) -> None:
    archprof("summary tiny.yaml --imgsz 32 -o old.json")
    result = archprof("compare archprof.lock.json old.json")
    assert "  ! differs   size 64 → 32 · so the figures are not of the same thing\n" in result.stdout


def test_profiles_of_several_scales_in_one_file(archprof: Callable[[str], Result], folder: Path) -> None:
    archprof("summary tiny.yaml --imgsz 64 --scale all -o all.json")
    for line in ("all.json tiny.yaml --scale s --imgsz 64", "all.json#scale=s tiny.yaml --scale s --imgsz 64"):
        result = archprof(f"compare {line}")
        assert result.exit_code == 0
        assert "no figure differs" in result.stdout.splitlines()
    assert "\nno figure differs\n" in archprof("compare all.json tiny.yaml --imgsz 64").stdout
    several = archprof("compare all.json all.json")
    assert several.stderr.startswith(
        "error: all.json has tiny.yaml several times\nname one, as 'all.json#tiny.yaml scale=n'"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "archprof.lock.json tiny.yaml --imgsz 32",
            "archprof.lock.json has no tiny.yaml with imgsz=32\n"
            "it has tiny.yaml imgsz=64 scale=n; tiny.yaml imgsz=64 scale=s",
        ),
        ("archprof.lock.json#tinny.yaml tiny.yaml", "archprof.lock.json has no 'tinny.yaml'\ndid you mean tiny.yaml?"),
        ("archprof.lock.json#xyzzy tiny.yaml", "archprof.lock.json has no 'xyzzy'\nit has tiny.yaml"),
        (
            "archprof.lock.json archprof.lock.json",
            "archprof.lock.json has tiny.yaml several times\n"
            "name one, as 'archprof.lock.json#tiny.yaml imgsz=64 scale=n', or by options; "
            "it has tiny.yaml imgsz=64 scale=n; tiny.yaml imgsz=64 scale=s",
        ),
    ],
)
def test_which_entry_is_meant(archprof: Callable[[str], Result], locked: Path, line: str, message: str) -> None:
    result = archprof(f"compare {line}")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"error: {message}\n")


def test_several_models_and_none_that_is_named(archprof: Callable[[str], Result], locked: Path) -> None:
    (locked / "other.yaml").write_text((locked / "tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    archprof("check --update-lock -q")
    result = archprof("compare archprof.lock.json timm:resnet10t")
    assert result.stderr == (
        "error: archprof.lock.json has several models\n"
        "name one, as archprof.lock.json#other.yaml; it has other.yaml; tiny.yaml\n"
    )


def test_saved_latencies_have_a_verdict_only_where_they_were_measured_together(
    archprof: Callable[[str], Result], folder: Path
) -> None:
    options = "--imgsz 64 --threads 1"
    for name in ("first", "second"):
        assert archprof(f"summary tiny.yaml --latency {options} -o {name}.json").exit_code == 0
    (folder / "wide.yaml").write_text((folder / "tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert archprof(f"bench tiny.yaml wide.yaml {options} --min-time 0 --max-time 0.5 -o bench.json").exit_code == 0

    separate = archprof("compare first.json second.json --fail-on latency>1% --format json")
    assert separate.exit_code == 2
    note = "measured separately; `archprof bench tiny.yaml tiny.yaml` measures them together"
    assert separate.stderr == f"error: second.json: 'latency>1%' could not be evaluated: {note}\n"
    delta = json.loads(separate.stdout)["pairs"][0]["metrics"][-1]
    assert (delta["interval"], delta["note"]) == (None, note)

    joint = json.loads(archprof("compare bench.json#tiny.yaml bench.json#wide.yaml --format json").stdout)
    delta = joint["pairs"][0]["metrics"][-1]
    (paired,) = json.loads((folder / "bench.json").read_text(encoding="utf-8"))["comparisons"]
    low, high = paired["result"]["interval"]
    if high is None:  # too few blocks for an interval, on a machine as busy as that
        assert delta["note"].startswith("measured together, but without an interval of this pair; ")
    else:
        assert (delta["interval"]["low"], delta["interval"]["high"]) == (low, high)
        assert delta["interval"]["verdict"] == paired["result"]["verdict"]
