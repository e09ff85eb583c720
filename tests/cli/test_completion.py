"""The shell's own way: the script that archprof prints is run by a real bash, which asks archprof."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archprof.cli.completion import blocks

ARCHPROF = Path(sys.executable).with_name("archprof")

BASH = """
eval "$(_ARCHPROF_COMPLETE=source_bash "$1")"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_archprof_completion "$ARCHPROF"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words: str, folder: Path | None = None) -> list[str]:
    """What bash offers for the last word; it has broken words at colons, as it does."""
    bash = shutil.which("bash")
    assert bash is not None
    command = [bash, "-c", BASH, "bash", str(ARCHPROF), "archprof", *words]
    environment = {**os.environ, "ARCHPROF": str(ARCHPROF)}
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment)
    return result.stdout.split()


def test_commands_and_options() -> None:
    assert completed("su") == ["summary", "suggest"]
    assert {"--scale", "--set"} <= set(completed("summary", "--s"))


def test_references_of_the_zoo_of_ultralytics_and_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.yaml").write_text("nc: 1\n")
    assert "yolov13-DynamicConv" in completed("summary", "yolov13-")
    assert "yolo11-seg" in completed("compare", "yolo11n", "yolo11-s")
    assert completed("audit", "models/m", folder=tmp_path) == ["models/mine.yaml"]


def test_names_of_timm_where_bash_has_broken_the_word_at_the_colon() -> None:
    assert completed("summary", "tim") == ["timm:"]
    assert completed("summary", "timm", ":", "halonet2") == ["halonet26t"]
    assert ":halonet26t" in completed("bench", "timm", ":")
    assert completed("summary", "torchvision", ":", "resnet15") == ["resnet152"]


def test_scales_of_the_model_on_the_line() -> None:
    assert completed("summary", "yolov13-DynamicConv", "--scale", "") == ["n", "s", "l", "x", "all"]
    assert completed("summary", "no-such-model", "--scale", "") == []


def test_kinds_and_blocks() -> None:
    assert completed("list", "tor") == ["torchvision"]
    assert {"C3k2", "C3k2_DynamicConv"} <= set(completed("explain", "block", "C3k"))


def test_the_blocks_that_are_offered_are_those_that_can_be_explained() -> None:
    from torch import nn

    from archprof.builder.block_help import all_blocks

    others = set(blocks("")) - {block.name for block in all_blocks()}
    # torch lists an enumeration or a tuple of options beside its modules, which only importing it would tell.
    assert all(name.startswith("nn.") for name in others)
    assert not any(issubclass(getattr(nn, name.removeprefix("nn.")), nn.Module) for name in others)


@pytest.mark.parametrize("words", ["archprof summary yolo", "archprof explain block C3", "archprof summary timm : vit"])
def test_nothing_is_imported_that_takes_long(words: str) -> None:
    code = (
        "import atexit, os, sys\n"
        "heavy = {'torch', 'timm', 'torchvision', 'ultralytics'}\n"
        "atexit.register(lambda: print('imported', sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "from archprof.cli import main\n"
        "main()\n"
    )
    environment = {
        **os.environ,
        "_ARCHPROF_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert result.stdout
    assert "imported []" in result.stderr


def test_names_that_options_take(tmp_path: Path) -> None:
    assert completed("audit", "x", "--counter", "fv") == ["fvcore"]
    assert completed("bench", "x", "--backend", "eager,on") == ["eager,onnxruntime"]
    assert completed("summary", "x", "--dtype", "bf") == ["bfloat16"]
    assert completed("zoo", "show", "yolov13-DynamicC") == ["yolov13-DynamicConv"]
    (tmp_path / "archprof.toml").write_text('[[budgets]]\nvariants = ["a.yaml", "nets/b.yaml"]\n', encoding="utf-8")
    assert completed("check", "", folder=tmp_path) == ["a.yaml", "nets/b.yaml"]


def test_the_other_shells_show_what_a_command_is_for() -> None:
    for shell, arguments in (("zsh", "archprof ini"), ("fish", "archprof ini")):
        environment = {
            **os.environ,
            "_ARCHPROF_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": arguments,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
        run = subprocess.run([str(ARCHPROF)], capture_output=True, text=True, env=environment)
        assert "Write a first budget file of the repository" in run.stdout
        assert "models." in run.stdout
