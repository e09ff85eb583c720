"""How long one more variant takes whose rows are known, beside counting it as a whole and beside Ultralytics' own ways.

All sides take turns, variant by variant, so that a busy machine slows them alike. What is compared is processor time,
and the result is the median of the ratios. The variants are YOLO11n with another width, number of classes or row; the
rows of all are known, and no profile of theirs is cached. As a whole process, `archprof summary` of an edited file is
set beside the import of torch alone. `--rounds` says how many turns each side gets.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EDITS = {
    "another width": ("n: [0.50, 0.25, 1024]", "n: [0.50, 0.375, 1024]"),
    "another number of classes": ("nc: 80", "nc: 7"),
    "another row": ("- [-1, 2, C3k2, [256, False, 0.25]]", "- [-1, 2, C2f, [256, True]]"),
}
SIDE = 640


def processor_seconds(work: Callable[[], Any]) -> float:
    """The processor time that something takes in this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def show(what: str, ours: list[float], beside: str, theirs: list[float], goal: str) -> None:
    """Print how much longer the other side takes."""
    ratio = statistics.median(their / our for our, their in zip(ours, theirs, strict=True))
    ours_ms, theirs_ms = (1000 * statistics.median(times) for times in (ours, theirs))
    print(f"{what}: {ours_ms:.2f} ms; {beside}: {theirs_ms:.0f} ms, {ratio:.0f} times (goal {goal})")


def in_process(files: list[Path], rounds: int) -> None:
    """One more variant, in this process."""
    from archprof import cache
    from archprof.builder.options import Options
    from archprof.builder.ultralytics_import import import_ultralytics
    from archprof.pipeline import Request, composition
    from archprof.pipeline.counting import profile_spec
    from archprof.sources.yaml_file import load

    import_ultralytics()
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils.torch_utils import model_info

    from archprof.pipeline import worker

    cache.enabled = True
    specs = [load(file, scale="n") for file in files]
    requests = {level: [Request(spec, Options(), (), level) for spec in specs] for level in ("budgets", "full")}
    for request in (request for level in requests for request in requests[level]):
        worker.count(request)

    def flops(file: Path) -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            DetectionModel(file, verbose=False).eval()(torch.zeros(1, 3, SIDE, SIDE))

    times: dict[str, list[float]] = {}
    for _ in range(rounds + 1):
        for index, (file, spec) in enumerate(zip(files, specs, strict=True)):
            sides: dict[str, Callable[[], Any]] = {
                **{
                    level: lambda level=level, index=index: composition.known(requests[level][index], ())
                    for level in requests
                },
                "whole": lambda spec=spec: profile_spec(spec, Options(), level="budgets"),
                "whole with details": lambda spec=spec: profile_spec(spec, Options()),
                "model_info": lambda file=file: model_info(DetectionModel(file, verbose=False), verbose=True),
                "FlopCounterMode": lambda file=file: flops(file),
            }
            for name, work in sides.items():
                times.setdefault(name, []).append(processor_seconds(work))
    times = {name: values[len(files) :] for name, values in times.items()}  # the first round warms up
    show("totals and rows", times["budgets"], "profile_spec without details", times["whole"], "20")
    show("the whole profile", times["full"], "profile_spec", times["whole with details"], "20")
    show("totals and rows", times["budgets"], "Ultralytics, DetectionModel and model_info", times["model_info"], "100")
    show("totals and rows", times["budgets"], "DetectionModel, FlopCounterMode", times["FlopCounterMode"], "200")


def as_processes(folder: Path, files: list[Path], rounds: int) -> None:
    """An edited file, as a whole process."""
    sys.path.insert(0, str(Path(__file__).parent))
    from startup import ARCHPROF, seconds

    os.chdir(folder)
    edited, summary = folder / "edited11n.yaml", [ARCHPROF, "summary", "edited11n.yaml"]
    ours, theirs = [], []
    for number in range(rounds + 1):
        text = files[number % len(files)].read_text(encoding="utf-8")
        if number < len(files):
            edited.write_text(text, encoding="utf-8")
            seconds(summary)
        edited.write_text(f"# save {number}\n{text}", encoding="utf-8")
        ours.append(seconds(summary))
        theirs.append(seconds([sys.executable, "-c", "import torch"]))
    show("archprof summary, rows known", ours[1:], "import torch", theirs[1:], "8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["ARCHPROF_CACHE_DIR"] = str(folder / ".cache")
        from archprof.sources.origins.stock import stock

        base = stock()["yolo11"].read_text(encoding="utf-8")
        files = []
        for number, (before, after) in enumerate(EDITS.values()):
            if before not in base:
                raise SystemExit(f"Ultralytics' yolo11.yaml has no {before!r} any more")
            files.append(folder / f"edit{number}-yolo11n.yaml")
            files[-1].write_text(base.replace(before, after, 1), encoding="utf-8")
        as_processes(folder, files, options.rounds)
        in_process(files, options.rounds)
        os.chdir("/")


if __name__ == "__main__":
    main()
