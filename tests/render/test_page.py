"""Pages in a real browser: nothing is loaded, what is drawn is what the record says, and everything can be used."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from pypdf import PdfReader
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from archprof.compare.comparing import compare
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
from archprof.records.sweep import Sweep, SweepRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = "</code><script>window.hacked = 1</script><img src=x onerror='window.hacked=2'>"
"""What a stranger's YAML, module or error may say; on a page it is text like any other."""

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


@pytest.fixture
def opened(browser: Any, page: Callable[..., Path], profile: Profile, memory: MemoryPass) -> Any:
    browser.open(page(profile, memory))
    return browser


def test_a_page_loads_nothing_and_complains_of_nothing(opened: Any) -> None:
    assert opened.state == "drawn"
    assert opened.complaints() == []
    assert [url for url in opened.requests() if not url.startswith(("file:", "data:"))] == []
    assert len(opened.driver.find_elements(By.CSS_SELECTOR, "figure .drawing svg")) == 3


def test_what_strangers_say_is_text(opened: Any) -> None:
    assert opened.ask("return window.hacked === undefined")
    text = opened.driver.find_element(By.TAG_NAME, "body").text
    for place in (".listing", "tbody", "figcaption"):
        shown = " ".join(
            element.get_attribute("textContent") for element in opened.driver.find_elements(By.CSS_SELECTOR, place)
        )
        assert "window.hacked = 1" in shown
    assert "small <b>" in text
    assert not opened.driver.find_elements(By.CSS_SELECTOR, "main script:not(.spec), main img")


def test_the_areas_of_a_treemap_are_the_rows(opened: Any, profile: Profile) -> None:
    cells = opened.marks("treemap", "areas")
    flops = {layer.index: 2 * layer.macs for layer in profile.layers if layer.macs}
    assert {cell["row"]: cell["size"] for cell in cells} == flops
    areas = {}
    for cell in cells:
        left, right, top, bottom = cell["bounds"]
        areas[cell["row"]] = (right - left) * (bottom - top)
    for row, amount in flops.items():
        # Of 2,000 M FLOPs the rows have 10, 30 and 60 %; the lines between the areas take up to 2 %.
        assert areas[row] / sum(areas.values()) == pytest.approx(amount / 2_000_000_000, abs=0.02)


def test_a_treemap_shows_what_is_chosen(opened: Any, profile: Profile) -> None:
    parts, metric = opened.driver.find_elements(By.CSS_SELECTOR, "figure[data-kind=treemap] select")
    Select(metric).select_by_visible_text("parameters")
    opened.ask("return document.querySelector('figure[data-kind=treemap]').view.runAsync().then(() => 1)")
    assert {cell["row"]: cell["size"] for cell in opened.marks("treemap", "areas")} == {
        layer.index: layer.parameters for layer in profile.layers if layer.parameters
    }
    Select(metric).select_by_visible_text("flops")
    Select(parts).select_by_visible_text("modules")
    opened.ask("return document.querySelector('figure[data-kind=treemap]').view.runAsync().then(() => 1)")
    assert {cell["name"]: cell["size"] for cell in opened.marks("treemap", "areas")} == {
        module.path: 2 * module.own_macs for module in profile.modules
    }


def test_the_steps_of_a_waterfall_are_where_their_numbers_are(opened: Any) -> None:
    script = """
        const scale = document.querySelector('figure[data-kind=waterfall]').view.scale('x');
        return [arguments[0].map((x) => scale.invert(x))];
    """
    bars = opened.marks("waterfall", "steps_marks")
    # 2.0 G, less 0.4 G, less 0.1 G, and 0.1 G more: 1.6 G.
    expected = [(0.0, 2.0), (1.6, 2.0), (1.5, 1.6), (1.5, 1.6), (0.0, 1.6)]
    for bar, (low, high) in zip(bars, expected, strict=True):
        [ends] = opened.ask(script, bar["bounds"][:2])
        assert sorted((bar["start"], bar["end"])) == [round(low * 10**9), round(high * 10**9)]
        assert ends == pytest.approx([low * 10**9, high * 10**9], abs=8_000_000)  # half a pixel, and a bar's outline


def test_the_peak_is_where_the_record_has_it(opened: Any) -> None:
    (peak,) = opened.marks("memory", "peak_marks")
    assert (peak["index"], peak["bytes"], peak["row"]) == (1, 3000, 1)


def test_a_click_on_an_area_leads_to_its_line(opened: Any) -> None:
    cell = next(cell for cell in opened.marks("treemap", "areas") if cell["row"] == 9)
    svg = opened.driver.find_element(By.CSS_SELECTOR, "figure[data-kind=treemap] svg")
    left, right, top, bottom = cell["bounds"]
    x, y = (left + right) / 2 - svg.size["width"] / 2, (top + bottom) / 2 - svg.size["height"] / 2
    ActionChains(opened.driver).move_to_element_with_offset(svg, int(x), int(y)).click().perform()
    line, row = opened.driver.find_elements(By.CSS_SELECTOR, ".chosen")
    assert line.text.split() == ["16", "-", "[-1,", "1,", "'Detect',", "['nc']]"]
    assert "Detect" in row.text


def rows(browser: Any) -> list[str]:
    cells = browser.driver.find_elements(By.CSS_SELECTOR, "table:first-of-type tbody tr:not([hidden]) td:first-child")
    return [cell.text for cell in cells if cell.text]


def test_tables_are_sorted_by_keys_alone(opened: Any) -> None:
    head = opened.driver.find_elements(By.CSS_SELECTOR, "section > details.table thead th")
    flops = next(cell for cell in head if "MFLOPs" in cell.text)
    button = flops.find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert flops.get_attribute("aria-sort") == "descending"
    assert rows(opened)[:3] == ["9", "1", "0"]
    button.send_keys(Keys.SPACE)
    assert flops.get_attribute("aria-sort") == "ascending"
    assert rows(opened)[-3:] == ["0", "1", "9"]


def test_tables_are_searched_and_folded(opened: Any) -> None:
    details = opened.driver.find_element(By.CSS_SELECTOR, "details.table")
    field = details.find_element(By.CSS_SELECTOR, "input[type=search]")
    field.send_keys("detect")
    assert rows(opened) == ["9"]
    assert details.find_element(By.TAG_NAME, "output").text == "1 of 11"  # ten rows, and what is in none
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE)
    assert len(rows(opened)) == 10
    details.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    assert rows(opened) == []


def test_a_row_s_link_leads_to_its_line(opened: Any) -> None:
    opened.driver.find_element(By.LINK_TEXT, "9").send_keys(Keys.ENTER)
    assert "Detect" in opened.driver.find_element(By.CSS_SELECTOR, ".listing li:target").text


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_and_is_legible(
    browser: Any, page: Callable[..., Path], profile: Profile, memory: MemoryPass, width: int, scheme: str
) -> None:
    browser.open(page(profile, memory), width=width, scheme=scheme)
    assert browser.state == "drawn"
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    # Text on the page and in the figures is dark on light, or light on dark.
    ink, background, label = browser.ask(
        "const style = getComputedStyle(document.body);"
        "const label = document.querySelector('figure[data-kind=waterfall] .role-axis-label text');"
        "return [style.color, style.backgroundColor, getComputedStyle(label).fill]"
    )
    assert label == ink
    light, dark = sorted((lightness(ink), lightness(background)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) > 7  # WCAG 2.2, 1.4.6
    assert (lightness(background) > 0.5) is (scheme == "light")


def lightness(color: str) -> float:
    """The relative luminance of WCAG 2.2 of "rgb(26, 26, 26)"."""
    channels = [int(number) / 255 for number in color.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_step_leads_to_the_changed_line(browser: Any, page: Callable[..., Path], profile: Profile) -> None:
    wider = msgspec.structs.replace(LAYERS[1], module="C3k2", macs=500_000_000, yaml_row=[-1, 1, "C3k2", [32]])
    totals = msgspec.structs.replace(profile.totals, macs=1_200_000_000, flops=2_400_000_000)
    after = msgspec.structs.replace(profile, layers=[LAYERS[0], wider, *LAYERS[2:]], totals=totals)
    browser.open(page(compare([profile, after])))
    assert browser.complaints() == []
    (gone,), (new,) = (browser.driver.find_elements(By.CSS_SELECTOR, f".diff .{mark}") for mark in ("gone", "new"))
    assert HOSTILE in gone.get_attribute("textContent")
    assert "- [-1, 1, 'C3k2', [32]]" in new.get_attribute("textContent")
    # 2 × (500 - 300) M FLOPs are one step from 2,000 M to 2,400 M.
    (step,) = [mark for mark in browser.marks("changes", "steps_marks") if mark["kind"] == "more"]
    assert (step["row"], step["start"], step["end"]) == (1, 2_000_000_000, 2_400_000_000)
    left, right, top, bottom = step["bounds"]
    canvas = browser.driver.find_element(By.CSS_SELECTOR, "figure[data-kind=changes] .drawing svg")
    origin = browser.ask("return document.querySelector('figure').view.origin()")
    size = canvas.size
    x, y = origin[0] + (left + right) / 2 - size["width"] / 2, origin[1] + (top + bottom) / 2 - size["height"] / 2
    ActionChains(browser.driver).move_to_element_with_offset(canvas, int(x), int(y)).click().perform()
    assert "chosen" in new.get_attribute("class")


def test_ten_thousand_variants_are_a_page(browser: Any, page: Callable[..., Path]) -> None:
    rows = [
        SweepRow(
            point={"width": (index % 100) / 100, "depth": (index // 100) / 100, "imgsz": 640},
            model="yolo11",
            scale="n",
            shapes=[[1, 3, 640, 640]],
            figures={"parameters": 2_000_000 + 997 * index, "flops": 9_000_000_000 - 613 * index,
                     "peak_activation_bytes": 14_336_000, "macs": 4_500_000_000},
        )
        for index in range(10_000)
    ]  # fmt: skip
    path = page(Sweep(setup={"reference": "yolo11n.yaml"}, axes=["width", "depth", "imgsz"], rows=rows))
    assert path.stat().st_size <= 4_000_000
    browser.open(path)
    assert browser.state == "drawn"
    assert browser.complaints() == []
    marks = browser.marks("pareto", "models_marks")
    assert {(mark["x"], mark["y"]) for mark in marks} == {
        (9_000_000_000 - 613 * index, 2_000_000 + 997 * index) for index in range(10_000)
    }
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "tbody tr")) == 10_000


def test_print_has_what_is_folded_too(opened: Any) -> None:
    printed = opened.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(base64.b64decode(printed))).pages)
    assert "model.9.conv" in text
    assert "archprof plot waterfall" in text


def test_the_same_records_give_the_same_page(page: Callable[..., Path], profile: Profile, memory: MemoryPass) -> None:
    first = page(profile, memory).read_bytes()
    assert page(profile, memory).read_bytes() == first
