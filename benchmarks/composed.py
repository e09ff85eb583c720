"""How long one more variant takes whose rows are known, beside counting it as a whole and beside Ultralytics' own ways.

All sides take turns, variant by variant, so that a busy machine slows them alike. What is compared is processor time,
and the result is the median of the ratios. The variants are YOLO11n with another width, number of classes or row; the
rows of all are known, and no profile of theirs is cached. As a whole process, `archprof summary` of an edited file is
set beside the import of torch alone. `--rounds` says how many turns each side gets.

`archprof sweep` counts variants of YOLO11 and YOLOv13-DynamicConv of which half of the rows are known at first, those
of half of the widths. Beside it a sample of the same variants is counted as a whole in this process, warm, one half
before the sweep and one after it, and what it takes is multiplied with their number: nobody waits for ten thousand
such counts. `--variants` says how many there are, in the thousands; a sweep of one thousand says whether the time of
one stays the same. At last one count with nothing known is set beside torch's FlopCounterMode on the same meta model.
`--parts` names what is run.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EDITS = {
    "another width": ("n: [0.50, 0.25, 1024]", "n: [0.50, 0.375, 1024]"),
    "another number of classes": ("nc: 80", "nc: 7"),
    "another row": ("- [-1, 2, C3k2, [256, False, 0.25]]", "- [-1, 2, C2f, [256, True]]"),
}
SIDE = 640
WIDTHS = tuple(number / 8 for number in range(2, 12))
"""All that YOLOv13 can be built with: its attention takes multiples of 64 channels."""
SIZES = tuple(range(320, 640, 32))
MODELS = (
    *("yolov8n", "yolo11n", "yolo12n", "yolo26n", "yolov13n-DynamicConv"),
    *("timm:resnet50", "timm:vit_small_patch16_224", "timm:convnext_tiny"),
)
"""What one exact count is of."""


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

    torch.set_num_threads(1)  # threads that wait for each other on a busy machine take processor time meanwhile
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


def sweep_plan(family: str, sizes: Sequence[int], widths: Sequence[float]) -> str:
    """A plan of fifty variants for each size and width."""
    # An axis has two values or more.
    size = f"imgsz = {list(sizes)}\n" if len(sizes) > 1 else ""
    return (
        f'reference = "{family}"\n[vary]\nwidth = {list(widths)}\n{size}'
        'depth = [0.34, 0.5, 0.67, 0.84, 1.0]\nnc = "1:10"\n'
    )


def run_sweep(folder: Path, name: str, plan: str) -> tuple[int, float, int]:
    """Variants, processor seconds of all its processes, and the most memory that these held together, in bytes."""
    import psutil

    store, file = folder / f"{name}.db", folder / f"{name}.toml"
    file.write_text(plan, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "archprof",
        "sweep",
        "--plan",
        str(file),
        "--store",
        str(store),
        "--imgsz",
        str(SIZES[0]),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    most = 0
    with (folder / "said").open("w") as said:
        process = psutil.Popen([*command, "-o", str(folder / f"{name}.csv")], stdout=said, stderr=said)
        while process.poll() is None:
            held = 0
            with suppress(psutil.Error):
                # What processes share is held once.
                held = sum(part.memory_full_info().pss for part in (process, *process.children(recursive=True)))
            most = max(most, held)
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit((folder / "said").read_text(encoding="utf-8"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / f"{name}.csv").open(encoding="utf-8") as table:
        number = sum(1 for _ in table) - 1
    return number, sum(after[:2]) - sum(before[:2]), most


def sweeps(folder: Path, thousands: int, sample: int) -> None:
    """Ten thousand variants, half of whose rows are known, beside counting each as a whole."""
    from archprof.builder.options import Options
    from archprof.pipeline.counting import profile_spec
    from archprof.sweep import plan_file
    from archprof.sweep.plan import Plan

    numbers = random.Random(0)

    def whole(plans: Sequence[Plan], count: int) -> list[float]:
        times = []
        for plan in plans:
            for point in numbers.sample(plan.points(), count):
                candidate = plan.candidate(point)
                work = partial(profile_spec, candidate.spec, candidate.build, level="budgets")
                times.append(processor_seconds(work))
        return times

    for number in sorted({1, thousands}):
        os.environ["ARCHPROF_CACHE_DIR"] = str(folder / f"cache-{number}")
        chosen = SIZES[:number]
        total, seconds_of_sweep, most, plans = 0, 0.0, 0, []
        for family in ("yolo11n.yaml", "yolov13n-DynamicConv.yaml"):
            run_sweep(folder, f"known-{number}-{family}", sweep_plan(family, chosen, WIDTHS[::2]))
            path = folder / "plan.toml"
            path.write_text(sweep_plan(family, chosen, WIDTHS), encoding="utf-8")
            file = plan_file.read(path)
            plans.append(Plan(reference=family, axes=file.axes, build=Options(size=(SIZES[0],))))
        whole(plans, 2)  # warms up
        times = whole(plans, sample)
        for family in ("yolo11n.yaml", "yolov13n-DynamicConv.yaml"):
            variants, seconds, held = run_sweep(folder, f"{number}-{family}", sweep_plan(family, chosen, WIDTHS))
            total, seconds_of_sweep, most = total + variants, seconds_of_sweep + seconds, max(most, held)
        times += whole(plans, sample)
        mean = statistics.mean(times)
        print(
            f"sweep, {total:,} variants, half of the rows new: {seconds_of_sweep:.1f} s, "
            f"{1000 * seconds_of_sweep / total:.2f} ms each; {total:,} × one count of a sample of {len(times)} "
            f"({1000 * mean:.1f} ms): {mean * total / seconds_of_sweep:.1f} times (goal 10); "
            f"{most / 1e6:.0f} MB (goal 1,500)"
        )


def nothing_known(rounds: int) -> None:
    """One exact count, beside torch's own counter on the same model without memory."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from archprof.builder.inputs import make_inputs
    from archprof.builder.load import build
    from archprof.count.ledger import count
    from archprof.sources.reference import resolve
    from archprof.trace.run import trace

    def exact(model: torch.nn.Module, image: torch.Tensor) -> None:
        count(trace(model, (image,)))

    def peer(model: torch.nn.Module, image: torch.Tensor) -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            model(image)

    ratios = []
    for name in MODELS:
        built = build(resolve(name))
        model, image = built.module.eval(), make_inputs(built)[0]
        pairs = [
            (processor_seconds(partial(exact, model, image)), processor_seconds(partial(peer, model, image)))
            for _ in range(rounds + 1)
        ][1:]
        ratios.append(statistics.median(theirs / ours for ours, theirs in pairs))
        ours, theirs = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{name}, nothing known: {ours:.1f} ms; FlopCounterMode: {theirs:.0f} ms, {ratios[-1]:.1f} times")
    print(f"one exact count, nothing known: {statistics.geometric_mean(ratios):.1f} times (goal 12)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side")
    parser.add_argument("--parts", default="process,variant,sweep,count", help="what is run, between commas")
    parser.add_argument("--variants", type=int, default=10, help="thousands of variants of the sweep, up to 10")
    parser.add_argument("--sample", type=int, default=20, help="variants of each family that are counted as a whole")
    options = parser.parse_args()
    parts = options.parts.split(",")
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
        if "process" in parts:
            as_processes(folder, files, options.rounds)
        if "variant" in parts:
            in_process(files, options.rounds)
        if "count" in parts:
            nothing_known(options.rounds)
        if "sweep" in parts:
            sweeps(folder, options.variants, options.sample)
        os.chdir("/")


if __name__ == "__main__":
    main()
