"""`archprof plot` and `archprof report`, on saved results."""

from __future__ import annotations

import json
import re
import shlex
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
from archprof.sweep.sweeping import tables

if TYPE_CHECKING:
    from archprof.records.profile import Profile
    from archprof.render.figures import Figure


@pytest.fixture
def saved(tmp_path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "one.json"
    path.write_text(profile.to_json(), encoding="utf-8")
    return path


TINY = """\
nc: 2
scales:
  n: [1.0, 1.0, 1024]
  s: [1.0, 2.0, 1024]
activation: nn.SiLU()
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""

FILES = {
    "tiny.yaml": TINY,
    "wide.yaml": TINY.replace("[32, 3, 2]", "[64, 3, 2]"),
    "dynamic.yaml": TINY.replace("nc: 2", "nc: 2\nfamily: yolov13").replace("1, Conv, [32", "1, DynamicConv, [32"),
    "score.py": "def score(profile):\n    return profile.totals.parameters\n",
}


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


def test_the_axes_of_variants_are_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--vary", "width=0.125,0.25", "-o", "vary.json")
    assert run("suggest", "yolo11n.yaml", "--imgsz", "64", *options)[0] == 0
    assert run("plot", "pareto", "vary.json", "--x", "peak", "--y", "traffic", "--title", "-o", "a.svg")[0] == 0
    assert "Memory traffic against peak activation memory" in Path("a.svg").read_text(encoding="utf-8")
    code, _, errors = run("plot", "pareto", "vary.json", "--x", "macs")
    assert (code, "--x macs: the suggestion has no figures of that\nit has parameters" in errors) == (2, True)


def test_a_record_that_a_figure_is_not_drawn_of_says_what_it_is_drawn_as(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("suggest", "yolo11n.yaml", "--imgsz", "64", "--vary", "width=0.125,0.25", "-o", "vary.json")[0] == 0
    code, output, errors = run("plot", "treemap", "vary.json")
    assert (code, output) == (2, "")
    assert "a treemap is of a profile" in errors
    assert "what is there can be drawn as pareto" in errors


def test_an_option_of_the_environment_is_not_typed(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who always counts at 320 px may draw what was saved at another size."""
    monkeypatch.setenv("ARCHPROF_IMGSZ", "320")
    assert run(*WATERFALL)[0] == 0


MADE = {
    "a suggestion": "suggest tiny.yaml --imgsz 32 --max bytes=+50% --never model.0* --front bytes -o suggestion.json",
    "variants": "suggest tiny.yaml --imgsz 32 --vary imgsz=32,64 --vary width=0.5,1 --max peak=1MB -o variation.json",
    "channels": "suggest tiny.yaml --imgsz 32 --vary channels=0.5,1 --multiple 4 --only model.0 --goal macs --min "
    "parameters=-50% -o variation.json",
    "a score": "suggest tiny.yaml --imgsz 32 --experts 2 --goal score.py:score -o variation.json",
    "a sweep": "sweep tiny.yaml --nc 3 --vary width=0.5,1 --vary imgsz=32:96:32 --where imgsz<96 --store sweep.db",
    "a sample": "sweep tiny.yaml --batch 2 --vary width=0.5,1 --vary imgsz=32:320:32 --sample 4 --store sweep.db",
    "texts": "sweep tiny.yaml --vary scale=n,s --vary activation=nn.SiLU(),nn.ReLU() --imgsz 32x64 --store sweep.db",
    "models": "compare tiny.yaml tiny.yaml wide.yaml --imgsz 32 --nc 3 --y layers -o comparison.json",
    "experts": "parameternet dynamic.yaml --experts 1,2 --imgsz 64 -o curve.json",
}
"""What makes a record whose figure is not drawn of a model alone."""


@pytest.mark.parametrize("line", [pytest.param(line, id=name) for name, line in MADE.items()])
def test_the_command_under_a_figure_makes_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """The same specification, sentence and versions, from the same files in another folder."""

    def figure_of(command: str) -> Figure:
        *_, name = command.split()
        assert run(*shlex.split(command))[0] == 0
        records = tables(Path(name)) if name.endswith(".db") else saved_records.read(Path(name))
        return figures_of(records)[0]

    figures = []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        for name, text in FILES.items():
            Path(name).write_text(text, encoding="utf-8")
        if not figures:
            figures.append(figure_of(line))
            continue
        *making, drawing = figures[0].command.splitlines()
        for command in making:
            figures.append(figure_of(command.removeprefix("archprof ")))
        code, _, errors = run(*shlex.split(drawing)[1:])
        assert code == 0, errors
    assert all(figure == figures[0] for figure in figures)
    assert {"torch", "archprof"} <= {text.split()[0] for text in figures[0].about}


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


def test_a_page_of_what_claims_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    # 3·16·9 + 2·16 and 16·32·9 + 2·32 of the Convs, 32·1280 + 2·1280 + 1280·2 + 2 of the head: 51,218
    text = "claims:\n  - variant: tiny\n    figures: {parameters: 51 K}\n    note: As <b>printed</b>.\n"
    text += (
        "  - variant: tiny\n    figures: {parameters: 52 K, modules: 3}\n  - variant: gone\n    figures: {layers: 3}\n"
    )
    Path("paper.yaml").write_text(text, encoding="utf-8")
    assert run("claims", "paper.yaml", "-o", "claims.json")[0] == 2
    results = saved_records.read(Path("claims.json"))
    assert [result.verdict for result in results] == ["reproduced", "differs", "failed"]
    assert [result.figures[0].measured for result in results] == [51_218, 51_218, None]
    assert archprof.claims("paper.yaml") == results
    assert "what is there is tables: `archprof report FILE.json`" in run("plot", "treemap", "claims.json")[2]
    assert run("report", "claims.json")[0] == 0
    page = Path("claims.html").read_text(encoding="utf-8")
    for piece in ("51 K (51,218)", "not reproduced", "could not be evaluated", "As &lt;b&gt;printed&lt;/b&gt;."):
        assert piece in page


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


CHANGES = ("plot", "changes", "one.json", "one.json")

BAD = {
    "no such figure": (("plot", "waterfal", "one.json"), "did you mean waterfall"),
    "no such file": (("plot", "waterfall", "two.json"), "two.json: cannot be read: No such file or directory"),
    "no file of a report": (("report", "two.json"), "two.json: cannot be read: No such file or directory"),
    "no JSON": (("report", "broken.json"), "broken.json: no JSON"),
    "older": (("report", "older.json"), "profile version 1, this archprof reads 2: the file is older"),
    "newer": (("plot", "treemap", "newer.json"), "profile version 99, this archprof reads 2: this archprof is older"),
    "a lock file": (("report", "lock.json"), "lock.json: is a lock file"),
    "another file": (("report", "other.json"), "other.json: is no result that can be drawn"),
    "nothing to draw": (
        ("plot", "curve", "one.json"),
        "nothing to draw: a curve is of a model with dynamic layers: `archprof parameternet",
    ),
    "no memory in a profile": (("plot", "memory", "one.json"), "nothing to draw: no saved result holds"),
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
    "a metric of no area": (("plot", "treemap", "one.json", "--metric", "macs"), "a treemap has no amounts of that"),
    "a metric of no step": ((*CHANGES, "--metric", "bytes"), "metrics of a changes: flops, parameters"),
    "a size of what is saved": (
        ("plot", "waterfall", "one.json", "--imgsz", "320"),
        "--imgsz changes nothing of saved",
    ),
    "classes of what is saved": (
        ("report", "one.json", "--nc", "3"),
        "--nc changes nothing of saved results\nleave out",
    ),
    "a training step": (("report", "one.json", "--backward"), "--backward changes nothing of saved results"),
    "axes of one model": (("report", "one.json", "--x", "macs"), "--x is for the scatter of several models"),
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
