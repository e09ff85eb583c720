from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from archprof.builder.registry import registry
from archprof.pipeline import counting
from archprof.pipeline.counting import profile_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from archprof.pipeline.request import Level
    from archprof.records.profile import Profile
    from archprof.sources.spec import VariantSpec

# tiny.yaml at scale n has 464 + 4,672 + 46,082 = 51,218 parameters. On 64×64 its MACs are
#   row 0, 3·16·9·32²           =    442,368
#   row 1, 16·32·9·16²          =  1,179,648
#   row 2, 32·1280·16² + 1280·2 = 10,488,320, together 12,110,336: 24,220,672 FLOPs.
# thop 2.0 looks at 32×32, where each convolution has a quarter of that:
#   (442,368 + 1,179,648 + 10,485,760) / 4 + 2,560 of the Linear   = 3,029,504
#   BatchNorm, 4 an element: 4·(16·16² + 32·8² + 1280·8²)          =   352,256
#   pooling 8² values and one division to 1280                     =    83,200, together 3,464,960.
# Ultralytics doubles it and takes it four times: 27,719,680, of which 8 · 352,256 and 8 · 83,200 do not run, and
# 6 · 2,560 = 15,360 runs only once: less than a thousandth of the whole, so nothing is said of it.
GOOD = """\
title: A paper
source: https://example.org/paper
claims:
  - variant: tiny
    settings: {scale: n, imgsz: 64}
    figures: {parameters: "51,218", macs: 12.1 M, gflops: {thop-2.0: "0.028"}}
  - variant: tiny
    against: tiny
    settings: {scale: n, imgsz: 64}
    figures: {parameters: 51 K, gflops: {thop-2.0: "0.028"}}
    note: The same again.
"""


@pytest.fixture
def paper(folder: Path) -> Callable[[str], None]:
    """Write ``paper.yaml``."""

    def write(text: str) -> None:
        (folder / "paper.yaml").write_text(text, encoding="utf-8")

    return write


def test_an_interrupt_keeps_what_was_replayed(
    archprof: Callable[[str], Result], paper: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    paper(GOOD + "  - variant: tiny\n    settings: {scale: s}\n    figures: {modules: 9}\n")

    def interrupted_at_scale_s(spec: VariantSpec, *arguments: Any, level: Level) -> Profile:
        if spec.scale == "s":
            raise KeyboardInterrupt
        return profile_spec(spec, *arguments, level=level)

    monkeypatch.setattr(counting, "profile_spec", interrupted_at_scale_s)
    result = archprof("--no-cache claims paper.yaml --format json")
    assert result.exit_code == 130
    assert [claim["verdict"] for claim in json.loads(result.stdout)] == ["reproduced", "reproduced"]
    assert result.stderr == "note: 2 of 3 claims were replayed\nerror: interrupted\n"


def test_a_paper_of_one_s_own_that_holds(
    archprof: Callable[[str], Result], paper: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    paper(GOOD)
    result = archprof("claims paper.yaml")
    assert (result.exit_code, result.stderr) == (0, "note: 2 claims: 2 reproduced\n")
    assert result.stdout == (
        "tiny   scale n · imgsz 64   reproduced\n"
        "  source      https://example.org/paper\n"
        "\n"
        "figure              published         reproduced  agrees\n"
        "parameters             51,218             51,218  yes\n"
        "MACs                   12.1 M  12.1 M (12.110 M)  yes\n"
        "GFLOPs by thop-2.0      0.028    0.028 (0.02772)  yes\n"
        "\n"
        "actual: 12.11 MMACs, +0.1 % from the published figure\n"
        "actual: 24.22 MFLOPs, -13.5 % from the published figure: thop-2.0 adds 3 × BatchNorm2d (2.82 MFLOPs)\n"
        "  and 1 × AdaptiveAvgPool2d (665.60 kFLOPs)\n"
        "\n"
        "tiny   scale n · imgsz 64   reproduced\n"
        "  source      https://example.org/paper\n"
        "\n"
        "figure              published       reproduced  agrees\n"
        "parameters               51 K    51 K (51,218)  yes\n"
        "GFLOPs by thop-2.0      0.028  0.028 (0.02772)  yes\n"
        "\n"
        "actual: 24.22 MFLOPs, -13.5 % from the published figure: thop-2.0 adds 3 × BatchNorm2d (2.82 MFLOPs)\n"
        "  and 1 × AdaptiveAvgPool2d (665.60 kFLOPs)\n"
        "against tiny: published: 0 %; actual: 0 %\n"
        "The same again.\n"
    )


def test_a_figure_that_does_not_come_out_is_a_failure(
    archprof: Callable[[str], Result], paper: Callable[[str], None]
) -> None:
    paper(GOOD.replace("51 K", "52 K"))
    result = archprof("claims paper.yaml")
    assert result.exit_code == 1
    assert "parameters               52 K    51 K (51,218)  no\n" in result.stdout
    assert "\n782 fewer than published\n" in result.stdout  # 52,000 - 51,218
    assert result.stderr == (
        "error: paper.yaml:7: tiny: parameters published as 52 K, reproduced as 51,218\n"
        "note: 2 claims: 1 reproduced, 1 not reproduced\n"
    )


def test_what_is_known_not_to_hold_is_no_failure(
    archprof: Callable[[str], Result], paper: Callable[[str], None]
) -> None:
    paper(GOOD.replace("51 K", "52 K").replace("    note", "    holds: false\n    note"))
    result = archprof("claims paper.yaml")
    assert (result.exit_code, result.stderr) == (0, "note: 2 claims: 1 reproduced, 1 known not to be reproduced\n")
    assert "   known not to be reproduced\n" in result.stdout
    assert "\nThe same again.\n" in result.stdout


def test_what_holds_against_expectation_is_told(
    archprof: Callable[[str], Result], paper: Callable[[str], None]
) -> None:
    paper(GOOD.replace("    note", "    holds: false\n    note"))
    result = archprof("claims paper.yaml")
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "note: paper.yaml:7: tiny comes out, although the file says that it does not hold\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[-1, 1, Conv, [16, 3, 2]]", "[-1, 1, Cnov, [16, 3, 2]]", "paper.yaml:4: tiny: tiny.yaml:6"),
        ("scale: n, imgsz: 64", "scale: q, imgsz: 64", "paper.yaml:4: tiny: tiny.yaml"),
        ("imgsz: 64", "set: {depth: 3}", "paper.yaml:4: tiny: unknown key 'depth': tiny.yaml has none"),
        ("thop-2.0", "thop", "paper.yaml:4: tiny: no convention 'thop'\ndid you mean thop-2.0?"),
    ],
)
def test_what_cannot_be_judged_is_neither_held_nor_failed(
    archprof: Callable[[str], Result],
    paper: Callable[[str], None],
    folder: Path,
    old: str,
    new: str,
    message: str,
) -> None:
    model = (folder / "tiny.yaml").read_text()
    (folder / "tiny.yaml").write_text(model.replace(old, new))
    # The second claim would fail, but what cannot be judged goes before what does not hold.
    paper(GOOD.replace(old, new, 1).replace("51 K", "52 K").replace("    against: tiny\n", ""))
    result = archprof("claims paper.yaml")
    assert result.exit_code == 2
    assert f"error: {message}" in result.stderr
    assert "   could not be evaluated\n" in result.stdout


def test_the_compute_of_a_file_of_weights_is_not_zero(archprof: Callable[[str], Result], folder: Path) -> None:
    import torch

    torch.save({"layer.weight": torch.zeros(3, 5)}, folder / "weights.pt")
    text = "title: t\nsource: https://example.org\nclaims:\n  - variant: weights.pt\n    figures: {FIGURES}\n"
    (folder / "paper.yaml").write_text(text.replace("FIGURES", "parameters: 15"), encoding="utf-8")
    assert archprof("claims paper.yaml").exit_code == 0
    (folder / "paper.yaml").write_text(text.replace("FIGURES", "parameters: 15, gflops: 0.1"), encoding="utf-8")
    result = archprof("claims paper.yaml")
    assert result.exit_code == 2
    assert "the compute of weights is not known" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims: [", "error: paper.yaml:1:9: not valid YAML: this [ is not closed"),
        ("claims:\n  - variant: tiny\n    figures: {params: 3}", "error: paper.yaml:3:23: figures has no key 'params'"),
        ("claims:\n  - variant: tiny\n    figures: {macs: lots}", "error: paper.yaml:3:21: macs must be a number"),
        ("nc: 3\nbackbone: []", "error: paper.yaml:1:5: the claims file has no key 'nc'"),
        ("title: Nothing yet", "error: paper.yaml: has no claims"),
    ],
)
def test_what_is_no_claims_file_is_one_message_with_its_line(
    archprof: Callable[[str], Result], paper: Callable[[str], None], text: str, message: str
) -> None:
    paper(text)
    result = archprof("claims paper.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolov31", "error: no claim is about 'yolov31'\ndid you mean yolov13"),
        ("papr.yaml", "error: no file 'papr.yaml'\n"),
    ],
)
def test_a_name_that_means_no_claims(archprof: Callable[[str], Result], name: str, message: str) -> None:
    result = archprof(f"claims {name}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)


def test_the_other_formats(archprof: Callable[[str], Result], paper: Callable[[str], None], folder: Path) -> None:
    paper(GOOD.replace("51 K", "52 K"))
    result = archprof("claims paper.yaml -o r.json -o r.csv -o r.md -q")
    assert (result.exit_code, result.stdout) == (1, "")

    first, second = json.loads((folder / "r.json").read_text())
    assert (first["variant"], first["line"], first["verdict"], first["error"]) == ("tiny", 4, "reproduced", None)
    assert first["totals"]["parameters"] == 51_218
    assert first["figures"][1] == {
        "figure": "macs",
        "convention": None,
        "published": "12.1 M",
        "measured": 12_110_336,
        "agrees": True,
        "exact": 12_110_336,
        "unit": "MACs",
        "lower_bound": False,
        "missed": [],
        "added": [],
        "otherwise": 0,
    }
    added = [(part["operation"], part["calls"], round(part["amount"])) for part in first["figures"][2]["added"]]
    assert added == [("BatchNorm2d", 3, 8 * 352_256), ("AdaptiveAvgPool2d", 1, 8 * 83_200)]
    assert round(first["figures"][2]["otherwise"]) == 15_360
    assert first["figures"][2]["measured"] == pytest.approx(0.02771968)
    assert second["verdict"] == "differs"
    assert second["against"] == {
        "variant": "tiny",
        "printed_ratio": 1.0,
        "exact_ratio": 1.0,
    }

    rows = list(csv.DictReader(io.StringIO((folder / "r.csv").read_text())))
    assert [row["figure"] for row in rows] == ["parameters", "macs", "flops", "parameters", "flops"]
    assert [row["agrees"] for row in rows] == ["yes", "yes", "yes", "no", "yes"]
    assert (rows[0]["reproduced"], rows[1]["exact"], rows[2]["exact"]) == ("51218", "12110336", "24220672")
    assert rows[2]["convention"] == "thop-2.0"
    # 0.028 GFLOPs, in single ones, and what comes out to the last digit.
    assert (rows[2]["published"], rows[2]["reproduced"], rows[2]["unit"]) == ("28000000", "27719680", "FLOPs")
    assert rows[4]["difference"].endswith("; against tiny: published: 0 %; actual: 0 %")

    lines = (folder / "r.md").read_text().splitlines()
    assert lines[0] == "#### tiny: reproduced"
    assert lines.count("| figure | published | reproduced | agrees |") == 2
    assert sum(line.startswith(("| parameters", "| MACs", "| GFLOPs")) for line in lines) == len(rows)


def test_a_dearer_variant_that_was_printed_as_cheaper(archprof: Callable[[str], Result]) -> None:
    result = archprof("claims yolov13-DynamicConv")
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "actual: 8.11 GFLOPs, +31 % from the published figure: thop-2.0 omits 12 × aten.convolution" in words
    assert "against yolov13: published: -3.1 %; actual: +14.5 %" in words  # 6.2 of 6.4, 8.111 of 7.083


def test_blocks_of_one_s_own(
    archprof: Callable[[str], Result],
    paper: Callable[[str], None],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_blocks", dict(registry._blocks))  # forgotten after the test
    (folder / "blocks.py").write_text(
        "import archprof\n"
        "from torch import nn\n"
        "@archprof.register('OfMyPaper')\n"
        "class OfMyPaper(nn.Conv2d):\n"
        "    pass\n"
    )
    model = (folder / "tiny.yaml").read_text()
    (folder / "tiny.yaml").write_text(model.replace("Conv, [16, 3, 2]", "OfMyPaper, [16, 3, 2]"))
    # row 0 is now a convolution with a bias and nothing else: 3·16·9 + 16 = 448 instead of 464 parameters
    paper("claims: [{variant: tiny, settings: {scale: n, imgsz: 64}, figures: {parameters: '51,202'}}]")
    assert archprof("claims paper.yaml").exit_code == 2
    result = archprof("claims paper.yaml --plugin blocks.py")
    assert (result.exit_code, result.stderr) == (0, "note: 1 claim: 1 reproduced\n")


def test_it_fits_a_narrow_terminal_and_can_be_coloured(
    archprof: Callable[[str], Result], paper: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    paper(GOOD.replace("51 K", "52 K"))
    assert max(map(len, archprof("claims paper.yaml").stdout.splitlines())) <= 60
    colored = archprof("claims paper.yaml --color always").stdout
    assert "\x1b[1mtiny\x1b[0m" in colored
    assert "\x1b[1;31mnot reproduced\x1b[0m" in colored
