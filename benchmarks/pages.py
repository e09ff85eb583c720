"""How large the largest pages of a report are, and how long Chromium takes to draw them.

A page of one model, and one of a sweep whose variants all cost something else. The time is that from opening the file
until every figure is drawn, the median of several; the browser has no network. Debian's `chromium` and
`chromium-driver` are needed.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from selenium import webdriver

import archprof
from archprof.records.sweep import Sweep, SweepRow

GOALS = {"model": (1.5, 2), "sweep": (4, 3)}
"""The largest size in MB, and the longest time in seconds."""


def sweep_of(count: int) -> Sweep:
    """A sweep whose points take the most bytes: each has a value of its own, and all are on the Pareto front."""
    rows = [
        SweepRow(
            point={"width": (index % 100) / 100, "depth": index // 100 / 100, "imgsz": 640},
            model="yolo11",
            scale="n",
            shapes=[[1, 3, 640, 640]],
            figures={"parameters": 2_000_000 + 997 * index, "flops": 9_000_000_000 - 613 * index,
                     "peak_activation_bytes": 14_336_000},
        )
        for index in range(count)
    ]  # fmt: skip
    return Sweep(setup={"reference": "yolo11n.yaml"}, axes=["width", "depth", "imgsz"], rows=rows)


def browser() -> webdriver.Chrome:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        raise SystemExit("no browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def seconds(chrome: webdriver.Chrome, path: Path) -> float:
    """From opening a page until its figures are drawn."""
    start = time.perf_counter()
    chrome.get(path.as_uri())
    while (state := chrome.execute_script("return document.documentElement.dataset.state")) is None:
        time.sleep(0.01)
    if state != "drawn":
        raise RuntimeError(f"{path.name}: {state}")
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="yolo26x.yaml")
    parser.add_argument("--variants", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chrome = browser()
        try:
            for name, result in (("model", asked.model), ("sweep", sweep_of(asked.variants))):
                path = Path(folder, f"{name}.html")
                path.write_text(archprof.report(result), encoding="utf-8")
                times = [seconds(chrome, path) for _ in range(asked.runs)]
                size, time_s = path.stat().st_size / 1e6, statistics.median(times)
                goal = "at most {} MB and {} s".format(*GOALS[name])
                print(f"{name}: {size:.2f} MB, drawn in {time_s:.2f} s ({goal})", flush=True)
        finally:
            chrome.quit()


if __name__ == "__main__":
    main()
