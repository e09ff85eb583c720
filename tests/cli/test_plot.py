"""`archprof plot` and `archprof report`, on saved results."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

import archprof
from archprof.cli import app
from archprof.errors import ArchprofError
from archprof.records import saved as saved_records
from archprof.render.figures import figures_of

if TYPE_CHECKING:
    from archprof.records.profile import Profile


@pytest.fixture
def saved(tmp_path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "one.json"
    path.write_text(profile.to_json(), encoding="utf-8")
    return path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


WATERFALL = ("plot", "waterfall", "one.json", "--counter", "thop-2.0")


@pytest.fixture
def profile(profile: Profile) -> Profile:
    """8 G FLOPs, of which thop omits 1 G; the conventions' raw figure is 7 G, and nothing is added."""
    import msgspec

    from archprof.records.profile import Missed, Reported

    reported = Reported(
        gflops=7.0, unit="GFLOPs (a rule)", operations=1, input_shape=[1, 3, 32, 32], exact_macs=4_000_000_000,
        missed=[Missed(operation="aten.bmm", calls=2, flops=1_000_000_000)],
    )  # fmt: skip
    return msgspec.structs.replace(profile, reported={"thop-2.0": reported})


def test_a_figure_is_the_same_each_time_and_says_what_it_is(saved: Path, tmp_path: Path) -> None:
    code, first, errors = run(*WATERFALL, "--title")
    assert (code, errors) == (0, "")
    assert run(*WATERFALL, "--title", "-o", "again.svg")[0] == 0
    assert (tmp_path / "again.svg").read_text(encoding="utf-8") == first
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", first)
    for text in ("exact count", "8.00 GFLOPs", "omits aten.bmm", "−1.000", "7.00 GFLOPs, −12.5 %"):
        assert text in texts
    # Names of its own, so that several figures may stand on one page.
    names = re.findall(r'\bid="([^"]+)"', first)
    assert all(re.fullmatch(r"waterfall-[0-9a-f]{8}-\w+", name) for name in names)
    assert "archprof plot waterfall one.yaml --imgsz 64 --counter thop-2.0" in first


def test_pictures_for_a_paper(saved: Path, tmp_path: Path) -> None:
    code, _, errors = run(*WATERFALL, "--width", "column", "-o", "a.pdf", "-o", "b.pdf", "-o", "c.png")
    assert code == 0, errors
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    page = PdfReader(tmp_path / "a.pdf").pages[0]
    assert float(page.mediabox.width) == 252  # points: 3.5 inches
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
    width, _ = struct.unpack(">II", (tmp_path / "c.png").read_bytes()[16:24])
    assert width == 1050  # 3.5 inches of 300 pixels
    assert max((tmp_path / name).stat().st_size for name in ("a.pdf", "c.png")) < 200_000


def test_a_report_of_saved_results(saved: Path, tmp_path: Path) -> None:
    code, _, errors = run("report", "one.json")
    assert (code, errors) == (0, "note: wrote one.html\n")
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert 'content="default-src &#39;none&#39;;' in page
    assert run("report", "one.json")[0] == 2
    assert run("report", "one.json", "--force")[0] == 0
    assert (tmp_path / "one.html").read_text(encoding="utf-8") == page


def test_python_makes_the_same_page(saved: Path, profile: Profile) -> None:
    assert run("report", "one.json")[0] == 0
    page = (saved.parent / "one.html").read_text(encoding="utf-8")
    assert archprof.report(profile) == archprof.report("one.json") == archprof.report(saved) == page
    for results, message in (((), "there is nothing to show"), ((3,), "a int is no result"), (("no.json",), "no.json")):
        with pytest.raises(ArchprofError, match=message):
            archprof.report(*results)


def test_variants_are_drawn_from_what_suggest_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("--vary", "width=0.125,0.25", "--vary", "imgsz=32,64", "--max", "flops=+0%", "-o", "vary.json")
    code, _, errors = run("suggest", "yolo11n.yaml", "--imgsz", "64", *arguments)
    assert code == 0, errors
    assert run("plot", "pareto", "vary.json", "-o", "vary.svg")[0] == 0
    (figure,) = figures_of(saved_records.read(Path("vary.json")), "pareto")
    points = figure.spec["data"]["values"]
    # Two widths at two sizes; --max flops=+0% is met by the model as it is, and by all that are smaller.
    assert sorted(point["model"] for point in points) == [
        "width 0.125, imgsz 32", "width 0.125, imgsz 64", "width 0.25, imgsz 32", "width 0.25, imgsz 64",
    ]  # fmt: skip
    (answer,) = (point for point in points if point.get("state") == "the answer")
    assert answer["y"] == max(point["y"] for point in points)
    assert run("report", "vary.json")[0] == 0
    assert "width 0.125, imgsz 32" in Path("vary.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("limit", ["peak=8MB", "bytes=+5%", "weights=20MB", "layers=+0%"])
def test_variants_within_any_limit_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Peak memory and layers are no sums of what rows cost, and may be limited all the same."""
    monkeypatch.chdir(tmp_path)
    options = ("--vary", "width=0.125,0.25", "--max", limit, "--goal", "flops", "-o", "vary.json")
    code, _, errors = run("suggest", "yolo11n.yaml", "--imgsz", "64", *options)
    assert code == 0, errors
    (figure,) = figures_of(saved_records.read(Path("vary.json")), "pareto")
    assert len(figure.spec["data"]["values"]) == 2


def test_a_page_of_what_parameternet_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--what-if", "model.0.conv", "--experts", "4", "--imgsz", "64", "-o", "what-if.json")
    assert run("parameternet", "yolo11n.yaml", *options)[0] == 0
    assert run("report", "what-if.json")[0] == 0
    page = Path("what-if.html").read_text(encoding="utf-8")
    assert "what if 1 convolution had 4 experts" in page
    assert "model.0.conv" in page


def test_a_page_of_what_check_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[[budgets]]\nvariants = "yolo11n.yaml"\nimgsz = 64\nparameters = { max = "2 M" }\n'
    Path("archprof.toml").write_text(text, encoding="utf-8")
    assert run("check", "-o", "check.json")[0] == 1
    assert run("report", "check.json")[0] == 0
    page = Path("check.html").read_text(encoding="utf-8")
    assert "yolo11n.yaml" in page
    assert "624,080" in page  # Ultralytics' own summary of yolo11n says 2,624,080 parameters, 624,080 above 2 M


def test_a_command_writes_a_page_too(saved: Path) -> None:
    text = run("compare", "one.json", "one.json")[1]
    code, output, _ = run("compare", "one.json", "one.json", "--html", "page.html")
    assert (code, output) == (0, text)
    assert (saved.parent / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    code, output, _ = run("compare", "one.json", "one.json", "--html", "a.html", "-o", "a.json")
    assert (code, output) == (0, "")
    assert json.loads((saved.parent / "a.json").read_text(encoding="utf-8"))["pairs"]
    code, output, errors = run("compare", "one.json", "one.json", "--html", "page.html")
    assert (code, output, "page.html: already exists\n--force overwrites" in errors) == (2, "", True)
    code, output, errors = run("compare", "one.json", "one.json", "--html", "-")
    assert (code, output, "--html takes a file" in errors) == (2, "", True)


BAD = {
    "no such figure": (("plot", "waterfal", "one.json"), "did you mean waterfall"),
    "no such file": (("plot", "waterfall", "two.json"), "two.json: cannot be read: No such file or directory"),
    "no file of a report": (("report", "two.json"), "two.json: cannot be read: No such file or directory"),
    "no JSON": (("report", "broken.json"), "broken.json: no JSON"),
    "older": (("report", "older.json"), "profile version 1, this archprof reads 2: the file is older"),
    "newer": (("plot", "treemap", "newer.json"), "profile version 99, this archprof reads 2: this archprof is older"),
    "a lock file": (("report", "lock.json"), "lock.json: is a lock file"),
    "another file": (("report", "other.json"), "other.json: is no result that can be drawn"),
    "nothing to draw": (("plot", "curve", "one.json"), "nothing to draw: `archprof parameternet"),
    "no memory in a profile": (("plot", "memory", "one.json"), "nothing to draw: a saved profile does not hold"),
    "nothing timed": (("plot", "shares", "one.json"), "nothing to draw: no time by row was measured: `archprof bench"),
    "no such counter": (("plot", "waterfall", "one.json", "--counter", "thop-2"), "did you mean thop-2.0"),
    "no folder": (("plot", "waterfall", "one.json", "-o", "no/a.svg"), "no/a.svg: its folder does not exist"),
    "no folder of a report": (("report", "one.json", "-o", "no/a.html"), "no/a.html: its folder does not exist"),
    "it exists": (("plot", "waterfall", "one.json", "-o", "old.svg"), "old.svg: already exists\n--force overwrites"),
    "it exists already": (("report", "one.json", "-o", "old.svg"), "old.svg: already exists\n--force overwrites"),
    "no picture": (("plot", "waterfall", "one.json", "-o", "a.gif"), "a figure is no .gif: a.gif"),
    "one model": (("plot", "pareto", "one.json"), "nothing to draw: a scatter is of two models"),
    "one model to compare": (("plot", "changes", "one.json"), "nothing to draw: "),
    "two figures": (("plot", "waterfall", "one.json", "one.json"), "2 figures, and a file holds one: From the exact"),
    "no such title": ((*WATERFALL, "--select", "x9"), "no figure has 'x9' in its title\nthere are: From the exact"),
    "no metric": (("plot", "pareto", "one.json", "--x", "flps"), "did you mean flops"),
    "an option of another figure": (("plot", "treemap", "one.json", "--counter", "thop"), "it is for waterfall"),
    "an axis of another figure": (("plot", "roofline", "one.json", "--x", "macs"), "--x changes nothing of a roofline"),
    "an option of two others": ((*WATERFALL, "--metric", "bytes"), "it is for treemap and changes"),
    "a limit on no axis": (("plot", "pareto", "one.json", "one.json", "--limit", "macs=1G"), "which is on no axis"),
}


@pytest.mark.parametrize("arguments", [pytest.param(case, id=name) for name, case in BAD.items()])
def test_bad_input(saved: Path, arguments: tuple[tuple[str, ...], str]) -> None:
    command, message = arguments
    data = json.loads(saved.read_text(encoding="utf-8"))
    files = {
        "broken.json": "{",
        "older.json": json.dumps(data | {"version": 1}),
        "newer.json": json.dumps(data | {"version": 99}),
        "lock.json": json.dumps({"version": 1, "variants": {}}),
        "other.json": json.dumps({"name": "x"}),
        "old.svg": "old",
    }
    for name, text in files.items():
        (saved.parent / name).write_text(text, encoding="utf-8")
    code, output, errors = run(*command)
    assert code == 2, (output, errors)
    assert output == ""
    assert message in errors
    assert "Traceback" not in errors
    assert (saved.parent / "old.svg").read_text(encoding="utf-8") == "old"
