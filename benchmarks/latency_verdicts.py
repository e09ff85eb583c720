"""How often `archprof bench A B` is wrong, how often it finds a true slowdown, and whose median it measures.

Three questions, the first two under a background load that the script starts itself: one process a processor, which
works and sleeps in bursts of random length.

- `self`: a network beside a copy of itself. Any verdict but "cannot tell" is wrong; the goal is at most 1 % of 200.
- `slow`: twenty convolutions beside twenty-one of the same, 5 % more real work. The goal is "slower" in at least 95 %
  of 100 trials, within 60 s each.
- `median`: archprof's median beside that of torch.utils.benchmark, the same call, in short blocks of each in random
  order, so that both meet the same machine: the ratio of each block's medians, and of these the median. The goal is
  within 2 %.

One line a trial goes to `--output` as it ends, so that what was run is kept whatever happens.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import benchmark

from archprof.latency.clock import WallClock
from archprof.latency.paired import MIN_BLOCKS, experiment
from archprof.latency.sampler import Plan, sample
from archprof.records.latency import CANNOT_TELL, SLOWER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAYERS, SIDE = 20, 28
SHORT, LONG = 4, 48
"""Channels of a network whose call takes about 1.5 ms, and of one whose call takes 50 ms."""

BLOCK_S, NEAR = 1.0, 0.02
"""How long each tool measures at a time, and how near their medians are to be."""

BURSTS = """
import os, random, time
parent = os.getppid()
while os.getppid() == parent:
    end = time.perf_counter() + random.expovariate(1 / 0.05)
    while time.perf_counter() < end:
        pass
    time.sleep(random.expovariate(1 / 0.05))
"""


@contextmanager
def background(processes: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", BURSTS]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in running:
            one.terminate()
            one.wait()


def network(layers: int, channels: int) -> Callable[[], Any]:
    modules = [torch.nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers)]
    model, image = torch.nn.Sequential(*modules).eval(), torch.rand(1, channels, SIDE, SIDE)

    def call() -> Any:
        with torch.inference_mode():
            return model(image)

    return call


def versus(layers: int, trial: int, seconds: float) -> dict[str, Any]:
    """One paired experiment of fresh networks; in every other trial the second is built before the first."""
    start, sizes = time.perf_counter(), (LAYERS, layers)
    built = {place: network(sizes[place], SHORT) for place in ((0, 1) if trial % 2 else (1, 0))}
    calls = [built[0], built[1]]
    run = experiment(calls, WallClock(), Plan(max_time=seconds), seed=trial)
    (ratio,) = run.ratios
    assert ratio is not None
    return {
        "verdict": ratio.verdict,
        "ratio": ratio.ratio,
        "later_over_earlier": ratio.ratio if trial % 2 else 1 / ratio.ratio,
        "interval": ratio.interval,
        "blocks": run.blocks,
        "looks": run.looks,
        "sampled_s": run.sampled[0].duration,
        "whole_s": time.perf_counter() - start,
        "load_average": os.getloadavg()[0],
        "median_s": statistics.median(run.sampled[0].samples),
    }


def medians(trial: int, blocks: int) -> dict[str, Any]:
    """Both tools on one network, each for a moment at a time.

    Torch's tool is asked for single calls: left to itself it times ten at once where one seems short beside its clock,
    and a mean of calls is no median of calls.
    """
    call, random, found = network(LAYERS, LONG), Random(trial), []
    timer = benchmark.Timer("call()", globals={"call": call})

    def ours() -> float:
        return statistics.median(sample(call, WallClock(), Plan(min_time=BLOCK_S, max_time=BLOCK_S)).samples)

    def theirs() -> float:
        calls, end = [], time.perf_counter() + BLOCK_S
        while time.perf_counter() < end:
            calls.append(timer.timeit(1))
        return float(benchmark.Measurement.merge(calls)[0].median)

    tools = {"ours_s": ours, "theirs_s": theirs}
    for _ in range(blocks):
        found.append({name: tools[name]() for name in random.sample(sorted(tools), 2)})
    columns = {name: [block[name] for block in found] for name in tools}
    ratio = statistics.median(block["ours_s"] / block["theirs_s"] for block in found)
    return {"ratio": ratio, "load_average": os.getloadavg()[0], **columns}


def told(kind: str, rows: list[dict[str, Any]]) -> str:
    if kind == "median":
        ratios = sorted(row["ratio"] for row in rows)
        near = sum(1 / (1 + NEAR) <= ratio <= 1 + NEAR for ratio in ratios)
        middle, ends = statistics.median(ratios), f"{ratios[0]:.3f} to {ratios[-1]:.3f}"
        return f"{near} of {len(rows)} paired runs within {NEAR:.0%}; their ratios {ends}, in the middle {middle:.4f}"
    wanted = CANNOT_TELL if kind == "self" else SLOWER
    right = sum(row["verdict"] == wanted for row in rows)
    lasted = statistics.median(row["sampled_s"] for row in rows)
    longest = max(row["whole_s"] for row in rows)
    few = sum(row["blocks"] < MIN_BLOCKS for row in rows)
    later = statistics.median(row["later_over_earlier"] for row in rows)
    return (
        f"{right} of {len(rows)} say {wanted!r}, {few} of all after less than {MIN_BLOCKS} blocks; "
        f"sampling took {lasted:.1f} s, a trial up to {longest:.1f} s"
        + (f"; the copy that was built later takes ×{later:.4f}" if kind == "self" else "")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self", type=int, default=200, help="trials of a network beside itself")
    parser.add_argument("--slow", type=int, default=100, help="trials of a slowdown of 5 %%")
    parser.add_argument("--median", type=int, default=10, help="paired runs of both tools")
    parser.add_argument("--blocks", type=int, default=20, help="of each tool in such a run")
    parser.add_argument("--seconds", type=float, default=55, help="of sampling, at most, in a trial")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial, which seeds its order")
    parser.add_argument("--load", type=int, default=2, help="processes of background load")
    parser.add_argument("--output", type=Path, help="a file for one line of JSON a trial")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kinds: dict[str, Callable[[int], dict[str, Any]]] = {
        "self": lambda trial: versus(LAYERS, trial, options.seconds),
        "slow": lambda trial: versus(LAYERS + 1, trial, options.seconds),
        "median": lambda trial: medians(trial, options.blocks),
    }
    for kind, run in kinds.items():
        rows = []
        with background(0 if kind == "median" else options.load):
            for trial in range(options.first, options.first + getattr(options, kind)):
                rows.append(run(trial))
                if options.output:
                    with options.output.open("a", encoding="utf-8") as file:
                        print(json.dumps({"kind": kind, "trial": trial, **rows[-1]}), file=file)
        if rows:
            print(f"{kind}: {told(kind, rows)}", flush=True)


if __name__ == "__main__":
    main()
