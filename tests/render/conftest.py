"""Records that are made by hand, and a real browser without a network."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

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
    Totals,
    Variant,
)
from archprof.render.full_report import report
from archprof.render.page import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

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

# Three rows; what each figure is made of is written where it is used. The model's totals are
#   parameters 464 + 18,560 + 2,000 = 21,024
#   MACs 44,236,800 + 118,963,200 + 36,800,000 = 200,000,000, so 400,000,000 FLOPs
#   bytes read 10,000,000 + 20,000,000 + 5,000,000 = 35,000,000, written 6,000,000 + 6,000,000 + 345,678 = 12,345,678
LAYERS = [
    Layer(
        index=0,
        from_=[-1],
        module="Conv",
        path="model.0",
        arguments=[3, 16, 3, 2],
        output_shapes=[[1, 16, 320, 320]],
        parameters=464,
        modules=4,
        macs=44_236_800,
        elementwise_flops=1_000_000,
        bytes_read=10_000_000,
        bytes_written=6_000_000,
        line=20,
    ),
    Layer(
        index=1,
        from_=[-1],
        repeats=2,
        module="A_block_with_a_very_long_name",
        path="model.1",
        arguments=[16, 32, True, 0.5, "both", None, [1, [2, 3]], list(range(40))],
        output_shapes=[[1, 32, 160, 160]],
        parameters=18_560,
        modules=20,
        macs=118_963_200,
        elementwise_flops=2_000_000,
        bytes_read=20_000_000,
        bytes_written=6_000_000,
        line=21,
    ),
    Layer(
        index=2,
        from_=[0, 1],
        module="Detect",
        path="model.2",
        arguments=[6, [16, 32]],
        output_shapes=[[1, 10, 8400], [1, 70, 80, 80], [1, 70, 40, 40]],
        parameters=2_000,
        modules=9,
        macs=36_800_000,
        bytes_read=5_000_000,
        bytes_written=345_678,
        line=40,
    ),
]


def module(path: str, type_: str, layer: Layer | None, own: bool) -> Module:
    parameters = layer.parameters if layer else 21_024
    macs = layer.macs if layer else 200_000_000
    elementwise = layer.elementwise_flops if layer else 3_000_000
    read, sources = (layer.bytes_read, layer.bytes_written) if layer else (35_000_000, 12_345_678)
    return Module(
        path=path,
        type=type_,
        depth=path.count(".") + 1 if path else 0,
        calls=1,
        parameters=parameters,
        own_parameters=parameters if own else 0,
        macs=macs,
        own_macs=macs if own else 0,
        elementwise_flops=elementwise,
        own_elementwise_flops=elementwise if own else 0,
        bytes_read=read,
        own_bytes_read=read if own else 0,
        bytes_written=sources,
        own_bytes_written=sources if own else 0,
        output_shapes=layer.output_shapes if layer else [[1, 10, 8400]],
    )


@pytest.fixture
def profile() -> Profile:
    return Profile(
        variant=Variant(
            name="tiny-variant",
            reference="tiny-variant.yaml",
            origin="yaml",
            family="yolov13",
            task="detect",
            scale="n",
            path="models/tiny-variant.yaml",
            nc=6,
            settings={"nc": 6, "kpt_shape": [21, 3]},
            strides=[8, 16, 32],
        ),
        input=Input(shapes=[[1, 3, 640, 640]], dtype="float32", batch=1),
        environment=Environment(device="meta", python="3.11.0", platform="Linux", packages={"torch": "2.6.0"}),
        totals=Totals(
            modules=33,
            layers=20,
            parameters=21_024,
            trainable_parameters=21_008,
            macs=200_000_000,
            flops=400_000_000,
            elementwise_flops=3_000_000,
            weight_bytes=84_096,
            activation_elements=3_000_000,
            activation_bytes=12_000_000,
            peak_activation_bytes=4_000_000,
            bytes_read=35_000_000,
            bytes_written=12_345_678,
        ),
        coverage=Coverage(operations=760, counted=660, free=100),
        layers=LAYERS,
        modules=[
            module("", "Graph", None, False),
            module("model", "Sequential", None, False),
            *(module(layer.path, layer.module, layer, True) for layer in LAYERS),
        ],
        operations=[
            Operation(
                name="aten.convolution",
                state="counted",
                calls=640,
                macs=200_000_000,
                elementwise_flops=0,
                bytes_read=30_000_000,
                bytes_written=12_000_000,
            ),
            Operation(
                name="aten.add",
                state="counted",
                calls=20,
                macs=0,
                elementwise_flops=3_000_000,
                bytes_read=5_000_000,
                bytes_written=345_678,
            ),
            Operation(name="aten.view", state="free", calls=100, macs=0, elementwise_flops=0),
        ],
        reported={
            "thop-2.0": Reported(
                gflops=0.3,
                unit="GFLOPs (2 × thop's operations)",
                operations=375_000,
                input_shape=[1, 3, 32, 32],
                missed=[
                    Missed(operation="aten.convolution", calls=19, flops=60_000_000),
                    Missed(operation="aten.bmm", calls=1, flops=40_000_000),
                ],
            )
        },
    )


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
        """The addresses that the page asked anything of; the browser's own start page may ask at any time."""
        page = self.ask("return document.URL")
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
            and message["params"]["documentURL"].split("#")[0] == page.split("#")[0]
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
