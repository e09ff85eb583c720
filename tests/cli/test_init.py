from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

# tiny.yaml, see test_check.py: on 64×64 scale n has 51,218 parameters and 24,220,672 FLOPs. With 5 % more these are
# 53,778.9 and 25,431,705.6, and with three digits, rounded up, 53,800 and 25,500,000.


def test_first_budgets_hold_and_bound_today_s_figures(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    result = archprof("init --scale n --imgsz 64")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "note: wrote archprof.toml with 1 case; `archprof check` checks them\n" in result.stderr
    (entry,) = tomllib.loads((folder / "archprof.toml").read_text(encoding="utf-8"))["budgets"]
    assert entry == {
        "variants": "tiny.yaml",
        "scales": "n",
        "imgsz": "64",
        "parameters": {"max": "53.8 K", "max_increase": "5 %"},
        "flops": {"max": "25.5 MFLOPs", "max_increase": "5 %"},
    }

    checked = archprof("check")
    assert (checked.exit_code, checked.stderr) == (0, "note: 1 case: 1 within budget\n")
    # A third class has 1,281 parameters, 2.5 %: that is within the headroom. Another three have 3,843: 10 % in all.
    text = (folder / "tiny.yaml").read_text(encoding="utf-8")
    for classes, code in ((3, 0), (6, 1)):
        (folder / "tiny.yaml").write_text(text.replace("nc: 2", f"nc: {classes}"), encoding="utf-8")
        assert archprof("check").exit_code == code


def test_every_scale_and_more_headroom(folder: Path, archprof: Callable[[str], Result]) -> None:
    assert archprof("init tiny.yaml --scale all --imgsz 64 --headroom 100%").exit_code == 0
    entries = tomllib.loads((folder / "archprof.toml").read_text(encoding="utf-8"))["budgets"]
    # 2 · 106,530 = 213,060.
    assert [(entry["scales"], entry["parameters"]["max"]) for entry in entries] == [("n", "103 K"), ("s", "214 K")]


@pytest.mark.parametrize("name", ["archprof.toml", "archprof.lock.json"])
def test_nothing_is_overwritten_unless_it_is_asked_for(
    folder: Path, archprof: Callable[[str], Result], name: str
) -> None:
    (folder / name).write_text("mine", encoding="utf-8")
    result = archprof("init")
    assert result.exit_code == 2
    assert result.stderr == f"error: {name}: already exists\n--force overwrites it\n"
    assert (folder / name).read_text(encoding="utf-8") == "mine"
    assert archprof("init --imgsz 64 --force").exit_code == 0
    assert archprof("check").exit_code == 0


def test_budgets_in_pyproject_are_not_contradicted(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "pyproject.toml").write_text("[tool.archprof]\n", encoding="utf-8")
    result = archprof("init --force")
    assert (result.exit_code, (folder / "archprof.toml").exists()) == (2, False)
    assert "pyproject.toml: has [tool.archprof] already" in result.stderr


def test_what_does_not_build_is_told_and_the_rest_is_written(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "bad.yaml").write_text("backbone:\n  - [-1, 1, Nothing, []]\n", encoding="utf-8")
    result = archprof("init --imgsz 64")
    assert result.exit_code == 2
    assert "error: left out: bad.yaml:2: row 0: unknown block 'Nothing'" in result.stderr
    assert len(tomllib.loads((folder / "archprof.toml").read_text(encoding="utf-8"))["budgets"]) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("init --headroom much", "--headroom 'much' is not a percentage"),
        ("init --headroom 5", "for example --headroom 5%"),
        ("init --imgsz x", "invalid size: --imgsz 'x'"),
        ("init nothing.yaml", "model 'nothing.yaml' not found"),
        ("init tiny.yaml --scale z", "no scale 'z'"),
    ],
)
def test_wrong_input(folder: Path, archprof: Callable[[str], Result], line: str, message: str) -> None:
    result = archprof(line)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (folder / "archprof.toml").exists()
    assert not (folder / "archprof.lock.json").exists()


def test_every_scale_of_every_file_is_guarded(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "models").mkdir()
    text = (folder / "tiny.yaml").read_text(encoding="utf-8")
    (folder / "models" / "other.yml").write_text(text.replace("  s: [1.0, 2.0, 1024]\n", ""), encoding="utf-8")
    scaleless = "\n".join(line for line in text.splitlines() if not line.startswith(("scales", "  n", "  s")))
    (folder / "models" / "plain.yaml").write_text(scaleless + "\n", encoding="utf-8")
    assert archprof("init --imgsz 64").exit_code == 0
    entries = tomllib.loads((folder / "archprof.toml").read_text(encoding="utf-8"))["budgets"]
    assert [(entry["variants"], entry.get("scales")) for entry in entries] == [
        ("models/other.yml", "n"),
        ("models/plain.yaml", None),
        ("tiny.yaml", "n"),
        ("tiny.yaml", "s"),
    ]
    assert archprof("check").exit_code == 0


def test_what_is_left_out_is_said_with_the_reason(folder: Path, archprof: Callable[[str], Result]) -> None:
    text = (folder / "tiny.yaml").read_text(encoding="utf-8")
    for name in (".hidden.yaml", ".old/a.yaml", "env/lib/b.yaml", "env/pyvenv.cfg", "lib/site-packages/c.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    result = archprof("init --imgsz 64 --scale n")
    assert result.exit_code == 0
    for line in (
        "left out .hidden.yaml: it is hidden",
        "left out .old/a.yaml: it is hidden",
        "left out env: it is a virtual environment",
        "left out lib/site-packages: it contains installed packages",
    ):
        assert f"note: {line}\n" in result.stderr
    assert len(tomllib.loads((folder / "archprof.toml").read_text(encoding="utf-8"))["budgets"]) == 1


def test_nothing_to_hold(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "tiny.yaml").unlink()
    assert "error: no YAML of a model, with backbone: or head:, in this folder or below" in archprof("init").stderr


def test_the_scale_in_a_name_is_the_only_one(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "tiny.yaml").rename(folder / "yolo9s.yaml")
    assert archprof("init --imgsz 64").exit_code == 0
    (entry,) = tomllib.loads((folder / "archprof.toml").read_text(encoding="utf-8"))["budgets"]
    assert (entry["variants"], entry["scales"]) == ("yolo9s.yaml", "s")


@pytest.mark.parametrize("settings", ["archprof.toml", "pyproject.toml"])
def test_a_project_that_has_settings_keeps_them(folder: Path, archprof: Callable[[str], Result], settings: str) -> None:
    (folder / "old").mkdir()
    (folder / "old" / "tiny.yaml").write_text((folder / "tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    text = 'imgsz = 320\nexclude = ["old"]\n'
    (folder / settings).write_text(
        text if settings == "archprof.toml" else f"[tool.archprof]\n{text}", encoding="utf-8"
    )
    result = archprof("init --scale n --imgsz 64")
    assert result.exit_code == 0
    assert f"note: left out old/tiny.yaml: exclude is set in {settings}:" in result.stderr
    assert "imgsz" in archprof("config").stdout
    assert archprof("check").stderr == "note: 1 case: 1 within budget\n"
    # The budgets are never written twice.
    assert archprof("init").exit_code == 2


def test_plugins_are_written_too(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "blocks.py").write_text(
        "import archprof\nfrom torch import nn\n\n@archprof.register('Own')\nclass Own(nn.Conv2d):\n    pass\n",
        encoding="utf-8",
    )
    (folder / "tiny.yaml").write_text("backbone:\n  - [-1, 1, Own, [3, 8, 1]]\nhead: []\n", encoding="utf-8")
    assert archprof("init --imgsz 64 --plugin blocks.py").exit_code == 0
    assert archprof("check").exit_code == 0
