"""How long commands take as whole processes, beside the imports that they cannot do without, and beside thop.

Both sides of a pair run in turn, so that a busy machine slows them alike. What is compared is processor time (user and
system), and the result is the median of the pairs' ratios. The counts of a hundred models are compared by the clock,
since archprof counts in processes of its own: of the smallest networks, in which thop has least to compute, in as many
pairs as are worth the wait, and of four families at five scales once.

``--quick`` leaves out thop's hundreds; ``--runs`` says how many pairs there are.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

COLD_RUNS = 3
VARIANTS = 100
ARCHPROF = str(Path(sysconfig.get_path("scripts"), "archprof"))
BARE = "import typer, rich.console, rich.table"

BUDGETS = """\
[[budgets]]
variants = "*.yaml"
parameters = { max = "4 M", max_increase = "0 %" }
flops = { max = "20 GFLOPs", max_increase = "0 %" }
"""

BUDGETS_OF_SCALES = """\
[[budgets]]
variants = "*.yaml"
scales = ["n", "s", "m", "l", "x"]
flops = { max = "1 TFLOPs", max_increase = "0 %" }
"""

THOP = """\
import sys, thop, torch
from ultralytics.nn.tasks import DetectionModel
for name in sys.argv[1:]:
    thop.profile(DetectionModel(name, verbose=False).eval(), inputs=(torch.empty(1, 3, 640, 640),), verbose=False)
"""


def seconds(command: list[str], *, clock: bool = False) -> float:
    """How long a process takes, by its processor time or by the clock."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{command}: {said.read().decode()}")
    return time.perf_counter() - start if clock else usage.ru_utime + usage.ru_stime


def tell(name: str, ours: list[float], other: str, theirs: list[float], goal: str) -> None:
    """Print a result: above 1 archprof takes longer."""
    ratio = statistics.median(one / two for one, two in zip(ours, theirs, strict=True))
    shown = f"{ratio:.2f}" if ratio >= 0.5 else f"1/{1 / ratio:.1f}"
    print(f"{name}: {statistics.median(ours):.2f} s, {other}: {statistics.median(theirs):.2f} s, {shown} (goal {goal})")


def in_turn(runs: int, *commands: list[str]) -> list[list[float]]:
    """Processor seconds of each command, in as many rounds as are wanted and one before them, which warms up."""
    rounds = [[seconds(command) for command in commands] for _ in range(runs + 1)][1:]
    return [list(one) for one in zip(*rounds, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without the hundreds of models that thop counts too")
    parser.add_argument("--runs", type=int, default=11, help="pairs of each comparison")
    options = parser.parse_args()
    # Both sides start from compiled files, as they do wherever they are installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    python = [sys.executable, "-c"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["ARCHPROF_CACHE_DIR"] = str(Path(folder, ".cache"))
        names = write_variants()
        seconds([ARCHPROF, "check", "--update-lock"])

        bare, shown, checked = in_turn(options.runs, [*python, BARE], [ARCHPROF, "--help"], [ARCHPROF, "check"])
        tell("archprof --help", shown, BARE, bare, "1.3")
        tell(f"archprof check, {VARIANTS} unchanged", checked, BARE, bare, "2")
        torch, checked = in_turn(options.runs, [*python, "import torch"], [ARCHPROF, "check"])
        tell(f"archprof check, {VARIANTS} unchanged", checked, "import torch", torch, "1/10")
        imports = "import torch, ultralytics.nn.tasks"
        framework, summary = in_turn(
            options.runs, [*python, imports], [ARCHPROF, "--no-cache", "summary", "yolo11n.yaml"]
        )
        tell("archprof summary yolo11n.yaml, nothing kept", summary, imports, framework, "1.3")
        if not options.quick:
            tell_cold("the smallest", names, COLD_RUNS)
            tell_cold("of all scales", write_scales(), 1)


def tell_cold(what: str, names: list[str], runs: int) -> None:
    """Count the models of the budget file that is there with nothing kept, and the same with thop in one process."""
    ours, theirs = [], []
    for _ in range(runs):
        shutil.rmtree(os.environ["ARCHPROF_CACHE_DIR"])
        ours.append(seconds([ARCHPROF, "check", "--update-lock"], clock=True))
        theirs.append(seconds([sys.executable, "-c", THOP, *names], clock=True))
    tell(f"archprof check, {len(names)} {what}, nothing kept", ours, "the same with thop", theirs, "1/5")


def write_scales() -> list[str]:
    """A budget file about a hundred models: four families for five numbers of classes, at five scales each."""
    from archprof.sources.origins.stock import stock

    for old in Path().glob("*.yaml"):
        old.unlink()
    names = []
    Path("archprof.toml").write_text(BUDGETS_OF_SCALES, encoding="utf-8")
    for family, classes in itertools.product(("yolov8", "yolo11", "yolo12", "yolo26"), (1, 6, 10, 20, 80)):
        text = stock()[family].read_text(encoding="utf-8")
        Path(f"{family}-{classes:03}.yaml").write_text(text.replace("nc: 80", f"nc: {classes}"), encoding="utf-8")
        names += [f"{family}{scale}-{classes:03}.yaml" for scale in "nsmlx"]
    return names


def write_variants(count: int = VARIANTS) -> list[str]:
    """A budget file, and the YAMLs that it is about: YOLO11n for as many numbers of classes."""
    from archprof.sources.origins.stock import stock

    text = stock()["yolo11"].read_text(encoding="utf-8")
    Path("archprof.toml").write_text(BUDGETS, encoding="utf-8")
    names = [f"yolo11n-{number:03}.yaml" for number in range(1, count + 1)]
    for number, name in enumerate(names, start=1):
        Path(name).write_text(text.replace("nc: 80", f"nc: {number}"), encoding="utf-8")
    return names


if __name__ == "__main__":
    main()
