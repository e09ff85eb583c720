"""How long a command takes as a whole process, beside the imports that it cannot do without.

Both sides of a pair run in turn, so that a busy machine slows them alike; the ratio of the medians is the result.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

RUNS = 11
ARCHPROF = str(Path(sysconfig.get_path("scripts"), "archprof"))
PAIRS = {
    "archprof --help": ([ARCHPROF, "--help"], "import typer, rich.console, rich.table", 1.3),
    "archprof summary yolo11n.yaml": (
        [ARCHPROF, "summary", "yolo11n.yaml"],
        "import torch, ultralytics.nn.tasks",
        1.3,
    ),
}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    for name, (command, imports, goal) in PAIRS.items():
        baseline = [sys.executable, "-c", imports]
        pairs = [(seconds(command), seconds(baseline)) for _ in range(RUNS + 1)][1:]  # the first one warms up
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{name}: {ours:.2f} s, `python -c '{imports}'`: {theirs:.2f} s, ratio {ours / theirs:.2f} (goal {goal})")


if __name__ == "__main__":
    main()
