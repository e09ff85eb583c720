"""A real browser without a network, and pages of records that are made by hand."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from archprof.records.memory_pass import HeldTensor, MemoryPass, Moment
from archprof.records.profile import (
    Coverage,
    Environment,
    Input,
    Layer,
    Missed,
    Module,
    Operation,
    Profile,
    Reported,
    TopLevelKey,
    Totals,
    Variant,
)
from archprof.render.full_report import report
from archprof.render.page import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

HOSTILE = "</code><script>window.hacked = 1</script><img src=x onerror='window.hacked=2'>"
"""What a stranger's YAML, module or error may say; on a page it is text like any other."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

# FLOPs are twice the MACs: 2 · (100 + 300 + 600) M = 2,000 M, of which the rows have 10, 30 and 60 %.
LAYERS = [
    Layer(index=0, from_=[-1], module="Conv", path="model.0", arguments=[3, 16], parameters=500, macs=100_000_000,
          bytes_read=4000, bytes_written=1000, line=7, yaml_row=[-1, 1, "Conv", [16]],
          output_shapes=[[1, 16, 32, 32]]),
    Layer(index=1, from_=[-1], module=HOSTILE, path="model.1", parameters=300, macs=300_000_000,
          bytes_read=2000, bytes_written=1000, line=8, yaml_row=[-1, 1, HOSTILE, [32]],
          output_shapes=[[1, 32, 16, 16]]),
    *(Layer(index=index, from_=[-1], module="Concat", path=f"model.{index}", line=7 + index,
            yaml_row=[-1, 1, "Concat", [1]]) for index in range(2, 9)),
    Layer(index=9, from_=[-1], module="Detect", path="model.9", parameters=200, macs=600_000_000,
          bytes_read=3000, bytes_written=2000, line=16, yaml_row=[-1, 1, "Detect", ["nc"]],
          output_shapes=[[1, 84, 21]]),
]  # fmt: skip


@pytest.fixture
def profile() -> Profile:
    totals = {"modules": 12, "layers": 10, "parameters": 1000, "macs": 1_000_000_000, "flops": 2_000_000_000}
    return Profile(
        variant=Variant(
            name="small <b>",
            reference="small.yaml",
            origin="yaml",
            top_level={HOSTILE: TopLevelKey(value=HOSTILE, line=2)},
        ),
        input=Input(shapes=[[1, 3, 64, 64]], dtype="float32", batch=1),
        environment=Environment(device="meta", python="3.11", platform="Linux", packages={"torch": "2.6.0"}),
        totals=Totals(**dict.fromkeys(Totals.__struct_fields__, 0) | totals),
        coverage=Coverage(operations=3, counted=3, free=0),
        layers=LAYERS,
        modules=[
            Module(path=f"model.{index}.conv", type="Conv2d", depth=2, calls=1, parameters=0, own_parameters=0,
                   macs=macs, own_macs=macs, elementwise_flops=0, own_elementwise_flops=0)
            for index, macs in ((0, 100_000_000), (1, 300_000_000), (9, 600_000_000))
        ],
        operations=[Operation(name="aten.convolution", state="counted", calls=3, macs=1_000_000_000,
                              elementwise_flops=0)],
        # 2.0 G FLOPs run; 0.5 G are omitted and 0.1 G added, which makes 1.6 G.
        reported={
            "thop-2.0": Reported(
                gflops=1.6, unit="GFLOPs (a rule)", operations=1, input_shape=[1, 3, 32, 32], exact_macs=1_000_000_000,
                missed=[Missed(operation="aten.bmm", calls=1, flops=400_000_000),
                        Missed(operation=HOSTILE, calls=1, flops=100_000_000)],
                added=[Missed(operation="BatchNorm2d", calls=1, flops=100_000_000)],
            )
        },
    )  # fmt: skip


@pytest.fixture
def memory(profile: Profile) -> MemoryPass:
    held = (1000, 3000, 2000)
    return MemoryPass(
        variant=profile.variant,
        input=profile.input,
        environment=profile.environment,
        moments=[Moment(operation="aten.add", module=f"model.{row}", row=row, bytes=size) for row, size in
                 zip((0, 1, 9), held, strict=True)],
        peak_bytes=3000,
        peak_index=1,
        peak_tensors=[HeldTensor(shape=[1, 32], dtype="float32", bytes=3000, operation="aten.add", module="model.1",
                                 row=1)],
        rows={0: "Conv", 1: HOSTILE, 9: "Detect"},
    )  # fmt: skip


@dataclass
class Browser:
    """A browser with a page in it."""

    driver: Chrome

    def ask(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def open(self, path: Path, *, width: int = 1200, scheme: str = "light") -> None:
        """Open a page, and wait until its figures are drawn."""
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(path.as_uri())
        end = time.monotonic() + 120
        while self.state is None and time.monotonic() < end:
            time.sleep(0.05)

    @property
    def state(self) -> str | None:
        state: str | None = self.ask("return document.documentElement.dataset.state || null")
        return state

    def complaints(self) -> list[str]:
        """What the console says."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that anything was asked of, since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def marks(self, kind: str, name: str) -> list[dict[str, Any]]:
        """The marks of a figure as they are drawn: what each stands for, and where it is."""
        script = """
            const figure = document.querySelector(`figure[data-kind="${arguments[0]}"]`);
            const marks = [];
            const visit = (item) => {
              if (item.marktype && item.name === arguments[1]) {
                for (const mark of item.items) {
                  const { x1, x2, y1, y2 } = mark.bounds;
                  marks.push({ ...mark.datum, bounds: [x1, x2, y1, y2] });
                }
              }
              for (const child of item.items || []) visit(child);
            };
            visit(figure.view.scenegraph().root);
            return marks;
        """
        marks: list[dict[str, Any]] = self.ask(script, kind, name)
        return marks


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, which `.ci/run` installs; skipped where there is none."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        message = "no browser: apt-get install chromium chromium-driver"
        if os.environ.get("ARCHPROF_BROWSER") == "required":
            pytest.fail(message)
        pytest.skip(message)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Path]:
    """Writes the page of some records."""

    def write(*records: Any) -> Path:
        path = tmp_path / "report.html"
        path.write_text(render(report(records)), encoding="utf-8")
        return path

    return write
