from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

import msgspec
import pytest
from rich.cells import cell_len

from archprof.errors import UsageError
from archprof.records.calibration import Device
from archprof.records.latency import Latency
from archprof.records.prediction import Prediction
from archprof.records.profile import Backward, Coverage, Missed, Operation, Profile
from archprof.render import Page, View
from archprof.render.formats import FORMATS
from archprof.render.profile import DETAILS, check, report, report_several

TEXTS = [name for name, value in FORMATS.items() if not value.binary]
"""The formats that are text."""


SEVERAL_VIEWS = [
    View(detail=detail, sort=sort, top=top)
    for detail in (*DETAILS, "none")
    for sort, top in ((None, None), ("flops", None), (None, 1))
]


def render(name: str, profile: Profile, view: View, width: int = 160, *, color: bool = False) -> str:
    return FORMATS[name].render(report(profile, view), Page(width=width, color=color))


def render_several(name: str, profiles: list[Profile], view: View, width: int = 120) -> str:
    return FORMATS[name].render(report_several(profiles, view), Page(width=width))


def records(profile: Profile, view: View) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render("csv", profile, view))))


def table(text: str) -> list[str]:
    """The lines below the totals."""
    return text.rstrip("\n").split("\n\n")[1].split("\n")


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("view", SEVERAL_VIEWS, ids=str)
@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_every_format_renders_every_view(profile: Profile, name: str, view: View, width: int) -> None:
    text = render(name, profile, view, width)
    assert text.endswith("\n")
    text, _, _ = text.partition('<script type="module">')  # what follows in a page is the drawing library
    assert "None" not in re.sub(r"'both',\s+None", "", unescape(text))
    assert "\x1b" not in text


@pytest.mark.parametrize("name", TEXTS)
def test_a_profile_with_nothing_in_it_renders(profile: Profile, name: str) -> None:
    nothing = dict.fromkeys(msgspec.structs.asdict(profile.totals), 0)
    empty = msgspec.structs.replace(
        profile,
        totals=msgspec.structs.replace(profile.totals, **nothing),
        coverage=Coverage(operations=0, counted=0, free=0),
        layers=[],
        modules=[],
        operations=[],
        reported={},
    )
    for detail in (*DETAILS, "none"):
        assert render(name, empty, View(detail=detail))


def test_text_says_what_was_counted_and_what_others_say(profile: Profile) -> None:
    lines = render("text", profile, View(detail="none")).splitlines()
    assert lines == [
        "tiny-variant   scale n · nc 6 · kpt_shape [21, 3] · 1×3×640×640 · float32 · not fused",
        "  variant     models/tiny-variant.yaml · detect · family yolov13 · device meta",
        "  layers      20 (leaf) · modules 33",
        "  parameters  21,024 · trainable parameters 21,008",
        "  compute     0.40 GFLOPs · 0.20 GMACs · + 3.00 MFLOPs elementwise · covered 100 % of 760 operations",
        # (400 + 3) million FLOPs / (35,000,000 + 12,345,678) bytes = 8.51
        "  memory      weights 84.10 kB · activation writes 12.00 MB · peak activation memory 4.00 MB · "
        "memory traffic 47.35 MB (35.00 MB read, 12.35 MB written)",
        "              arithmetic intensity 8.5 FLOP/B",
        # 0.3 / 0.4 = 0.75
        "  reported by Ultralytics 2024–25 (thop 2.0): 0.3 GFLOPs, 25 % below; "
        "omits 19 × aten.convolution (60.00 MFLOPs) and 1 × aten.bmm (40.00 MFLOPs)",
        "              `archprof audit tiny-variant.yaml` lists all of it",
    ]


def test_a_convention_says_what_it_adds(profile: Profile) -> None:
    added = [Missed(operation=name, calls=2, flops=10**6) for name in ("BatchNorm2d", "Linear", "Upsample", "PReLU")]
    entry = msgspec.structs.replace(profile.reported["thop-2.0"], missed=[], added=added)
    above = msgspec.structs.replace(profile, reported={"thop-2.0": entry})
    words = " ".join(render("text", above, View()).split())
    assert "adds 1.00 MFLOPs for 2 × BatchNorm2d, 1.00 MFLOPs for 2 × Linear and 2.00 MFLOPs for others" in words


def test_a_figure_of_one_image_is_held_against_one_image(profile: Profile) -> None:
    entry = msgspec.structs.replace(profile.reported["thop-2.0"], per_image=True, exact_macs=200_000_000)
    eight = msgspec.structs.replace(
        profile,
        input=msgspec.structs.replace(profile.input, batch=8),
        totals=msgspec.structs.replace(profile.totals, macs=1_600_000_000, flops=3_200_000_000),
        reported={"thop-2.0": entry},
    )

    text = " ".join(render("text", eight, View()).split())

    # 0.3 of 2 × 0.2 GFLOPs, not of 3.2.
    assert "(thop 2.0): 0.3 GFLOPs for one image of 8, 25 % below; omits" in text


def test_a_table_of_several_models_says_which_figures_are_of_one_image(profile: Profile) -> None:
    one = msgspec.structs.replace(profile.reported["thop-2.0"], per_image=True)
    eight = msgspec.structs.replace(profile, input=msgspec.structs.replace(profile.input, batch=8))
    eight = msgspec.structs.replace(eight, reported={**profile.reported, "thop-2.0": one})

    sentence = "thop-2.0: for one image of the batch; the other figures are for all of it"
    assert sentence in FORMATS["text"].render(report_several([eight, eight], View()), Page(width=120))
    assert sentence not in FORMATS["text"].render(report_several([profile, profile], View()), Page(width=120))


def test_a_training_step_has_lines_of_its_own(profile: Profile) -> None:
    backward = Backward(
        macs=390_000_000,
        flops=780_000_000,
        elementwise_flops=5_000_000,
        peak_activation_bytes=9_000_000,
        bytes_read=70_000_000,
        bytes_written=20_000_000,
    )
    gradient = Operation(
        name="aten.convolution_backward",
        state="counted",
        calls=640,
        macs=390_000_000,
        elementwise_flops=5_000_000,
        bytes_read=70_000_000,
        bytes_written=20_000_000,
        phase="backward",
    )
    step = msgspec.structs.replace(profile, backward=backward, operations=[*profile.operations, gradient])
    text = render("text", step, View(detail="ops"))
    # 780 + 400 MFLOPs.
    assert "  backward    0.78 GFLOPs · 0.39 GMACs · + 5.00 MFLOPs elementwise · 1.18 GFLOPs per training step" in text
    assert "peak activation memory 4.00 MB · 9.00 MB in a training step" in text
    line = next(line for line in table(text) if line.startswith("aten.convolution_backward"))
    # 780 of 1180 FLOPs are 66.1 %, 5 of 8 elementwise ones 62.5 %, 785 FLOPs over 90 bytes 8.7.
    assert line.split()[1:] == "backward counted 640 780.00 66.1 5.00 62.5 70.00 20.00 8.7".split()  # noqa: SIM905


def test_unknown_operations_are_named_and_make_every_total_a_lower_bound(profile: Profile) -> None:
    unknown = Operation(name="my::op", state="unknown", calls=3, macs=0, elementwise_flops=0)
    partial = msgspec.structs.replace(
        profile,
        coverage=Coverage(operations=763, counted=660, free=100, unknown={"my::op": 3}),
        operations=[*profile.operations, unknown],
    )
    text = render("text", partial, View(detail="ops"), 100)
    assert ">= 0.40 GFLOPs · >= 0.20 GMACs · >= 3.00 MFLOPs elementwise" in text
    assert "covered 99.6 % of 763 operations" in text  # 760 / 763 = 99.607 %
    assert "my::op 3×" in text
    line = next(line for line in table(text) if line.startswith("my::op"))
    assert line.split() == ["my::op", "unknown", "3", "?", "?", "0.00", "0.00"]
    assert records(partial, View(detail="ops"))[-1]["flops"] == ""
    for name in ("text", "markdown"):
        assert "my::op 3×" in render_several(name, [profile, partial], View())
    assert ">= FLOPs" in render_several("text", [profile, partial], View())


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("detail", DETAILS)
def test_text_fits_the_width_and_cuts_no_number(profile: Profile, width: int, detail: str) -> None:
    text = render("text", profile, View(detail=detail), width)
    assert max(map(cell_len, text.splitlines())) <= width
    # What is printed of a number is all of it: every word with a digit but those of arguments is in the wide table too.
    wide = re.sub(r"[\[\],]", " ", render("text", profile, View(detail=detail), 1000)).split()
    for line in table(text)[1:]:
        for word in re.sub(r"[\[\],]", " ", line).split():
            assert word in wide or "…" in word or word.startswith("A_block")


def test_what_an_output_has_more_of_goes_to_the_next_line(profile: Profile) -> None:
    lines = table(render("text", profile, View(), 80))
    index = next(index for index, line in enumerate(lines) if "Detect" in line)
    assert "1×10×8400" in lines[index]
    assert lines[index + 1].split()[-3:] == ["and", "2", "more"]
    assert "1×10×8400 and 2 more" in render("text", profile, View(), 160)


def test_printed_columns_add_up_to_the_printed_totals(profile: Profile) -> None:
    for view in (View(), View(top=1), View(detail="modules", top=2)):
        text = FORMATS["text"].render(report(profile, view), Page(cut=False))  # as in a pipe
        _, *body, total = [line.split()[-4:] for line in table(text)]
        numbers = [[float(cell.replace(",", "")) for cell in row] for row in (*body, total)]
        *parts, totals = numbers
        parameters, parameters_share, flops, flops_share = map(sum, zip(*parts, strict=True))
        assert parameters == totals[0] == 21_024
        assert flops == pytest.approx(totals[2], abs=0.005 * len(body))
        assert totals[2] == 400
        assert parameters_share == pytest.approx(100, abs=0.05 * len(body))
        assert flops_share == pytest.approx(100, abs=0.05 * len(body))


def test_what_no_row_accounts_for_is_a_row_of_its_own(profile: Profile) -> None:
    totals = msgspec.structs.replace(profile.totals, parameters=21_124, macs=200_000_005, flops=400_000_010)
    *_, last = records(msgspec.structs.replace(profile, totals=totals), View())
    assert (last["module"], last["parameters"], last["macs"]) == ("(outside the rows)", "100", "5")


def test_the_tree_stops_at_its_depth_and_includes_what_is_below(profile: Profile) -> None:
    shallow = records(profile, View(detail="modules", depth=1))
    assert [(row["module"], row["parameters"]) for row in shallow] == [("", "21024"), ("model", "21024")]
    text = table(render("text", profile, View(detail="modules", depth=2), 120))
    assert [line.split()[0] for line in text[1:]] == ["(model)", "model", "0", "1", "2"]
    assert text[3].startswith("    0 ")


def test_sorted_modules_are_flat_with_their_own_figures(profile: Profile) -> None:
    rows = records(profile, View(detail="modules", sort="MFLOPs"))
    assert [row["module"] for row in rows] == ["model.1", "model.0", "model.2"]


def test_top_keeps_the_dearest_and_sums_up_the_rest(profile: Profile) -> None:
    *_, rest, _ = table(render("text", profile, View(top=1)))
    assert rest.split()[:3] == ["…", "2", "more"]
    # 464 + 2,000 parameters, and 2 · (44,236,800 + 36,800,000) FLOPs of 400 million.
    assert rest.split()[3:] == ["2,464", "11.7", "162.07", "40.5"]
    # What is cut is no data.
    (first,) = records(profile, View(top=1))
    assert first["module"] == "A_block_with_a_very_long_name"
    assert len(records(profile, View(top=3))) == 3


def test_sorting_by_text_goes_up_and_by_an_unknown_column_is_refused(profile: Profile) -> None:
    assert [row["index"] for row in records(profile, View(sort="module"))] == ["1", "0", "2"]
    with pytest.raises(UsageError, match="no column 'paramters' to sort by\ndid you mean parameters"):
        check(View(sort="paramters"))


def test_csv_holds_raw_numbers(profile: Profile) -> None:
    row = records(profile, View())[1]
    assert row["from"] == "-1"
    assert row["arguments"].startswith("16, 32, True, 0.5, 'both', None, [1, [2, 3]], [0, 1,")
    assert row["flops"] == str(2 * 118_963_200)
    assert row["line"] == "21"
    assert row["backward_macs"] == ""
    assert records(profile, View())[2]["output"] == "1×10×8400 1×70×80×80 1×70×40×40"
    totals = records(profile, View(detail="none"))
    assert [(row["parameters"], row["thop-2.0_flops"], row["fvcore_macs"]) for row in totals] == [
        ("21024", "300000000", "")
    ]


def test_markdown_is_escaped(profile: Profile) -> None:
    variant = msgspec.structs.replace(profile.variant, name="a_b|c<d>")
    text = render("markdown", msgspec.structs.replace(profile, variant=variant), View())
    assert text.startswith("### a\\_b\\|c\\<d\\>\n")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_json_is_the_profile_whatever_the_view_cuts(profile: Profile) -> None:
    assert Profile.from_json(render("json", profile, View(detail="none", top=1))) == profile


def test_several_profiles_are_one_table(profile: Profile) -> None:
    second = msgspec.structs.replace(profile, variant=msgspec.structs.replace(profile.variant, scale="s"), reported={})
    lines = render_several("text", [profile, second], View(), 80).splitlines()
    assert lines[0].startswith("tiny-variant   nc 6 ")
    assert max(map(cell_len, lines)) <= 80
    assert [line.split() for line in lines[2:]] == [
        ["scale", "params", "trainable", "layers", "modules", "FLOPs", "elementwise", "thop-2.0", "(G)"],
        ["n", "21,024", "21,008", "20", "33", "0.40", "GFLOPs", "3.00", "MFLOPs", "0.3"],
        ["s", "21,024", "21,008", "20", "33", "0.40", "GFLOPs", "3.00", "MFLOPs", "–"],
    ]
    saved = json.loads(render_several("json", [profile, second], View()))
    assert [entry["variant"]["scale"] for entry in saved] == ["n", "s"]
    assert len(json.loads(render_several("json", [profile], View()))) == 1  # a list stays one
    head = render_several("csv", [profile, second], View()).splitlines()[0]
    assert head.startswith("model,scale,parameters,trainable_parameters,")
    assert render_several("markdown", [profile, second], View()).count("\n| ") == 4


def test_colour_changes_nothing_but_colour(profile: Profile) -> None:
    plain, coloured = (render("text", profile, View(), color=color) for color in (False, True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def predicted(**changes: object) -> Prediction:
    """20 ms: 12 ms of arithmetic, 5 ms of memory, 1 ms of it anew, and 2 ms of calls."""
    values: dict[str, object] = {
        "device": Device(device="cpu", name="A processor", cpus=2, dtype="float32", torch="2.6.0"),
        "threads": 2,
        "calibrated_at": "2026-01-02T03:04:05+00:00",
        "seconds": 0.020,
        "overhead_s": 0.002,
        "computing_s": 0.012,
        "moving_s": 0.005,
        "fresh_memory_s": 0.001,
        "ridge": 10.0,
    }
    return Prediction(**{**values, **changes})  # type: ignore[arg-type]


def measured(**changes: object) -> Latency:
    """16 ms."""
    values: dict[str, object] = {
        "device": "cpu",
        "device_name": "A processor",
        "backend": "eager",
        "dtype": "float32",
        "batch": 1,
        "threads": 2,
        "scope": "all of it",
        "samples_s": [0.016] * 9,
        "median_s": 0.016,
    }
    return Latency(**{**values, **changes})  # type: ignore[arg-type]


def test_what_is_predicted_stands_beside_what_was_measured(profile: Profile) -> None:
    profile = msgspec.structs.replace(profile, prediction=predicted(), latency=[measured()])
    text = render("text", profile, View(detail="none"))

    # 20 ms beside 16 ms.
    assert "cpu 20.0 ms · 25 % above measured" in text
    assert "60.0 % computing · 30.0 % moving data · 10.0 % overhead · eager, 2 threads, calibrated 2026-01-02" in text


def test_a_prediction_has_its_interval(profile: Profile) -> None:
    # A fifth less to a quarter more than 20 ms.
    interval = predicted(interval_s=(0.016, 0.025), coverage=0.9)
    profile = msgspec.structs.replace(profile, prediction=interval)

    assert "cpu 20.0 ms · 90 % interval [16.0, 25.0] ms · 60.0 %" in render("text", profile, View(detail="none"))
    assert "90 % interval [16.0, 25.0] ms" in render("html", profile, View(detail="none"))


def test_why_there_is_no_prediction_is_said(profile: Profile) -> None:
    reason = "calibrated with 2 threads, not 1; `archprof calibrate --threads 1` measures that"
    profile = msgspec.structs.replace(profile, prediction_absent=reason)

    assert f"predicted   not known: {reason}" in render("text", profile, View(detail="none"))
    assert json.loads(render("json", profile, View()))["prediction_absent"] == reason


@pytest.mark.parametrize(
    "changed", [{"threads": 1}, {"dtype": "bfloat16"}, {"backend": "compile"}, {"device": "cuda:0"}]
)
def test_what_was_measured_otherwise_does_not(profile: Profile, changed: dict[str, object]) -> None:
    profile = msgspec.structs.replace(profile, prediction=predicted(), latency=[measured(**changed)])

    assert "above measured" not in render("text", profile, View(detail="none"))


def test_on_a_gpu_the_rest_is_waiting_for_the_cpu(profile: Profile) -> None:
    card = Device(device="cuda", name="A card", host="A processor", cpus=2, dtype="float32", torch="2.6.0")
    output = predicted(device=card, threads=None, fresh_memory_s=0.0, computing_s=0.013)
    profile = msgspec.structs.replace(profile, prediction=output, latency=[measured(device="cuda:0", median_s=0.025)])
    text = render("text", profile, View(detail="none"))

    assert "cuda 20.0 ms · 20 % below measured" in text
    assert "10.0 % waiting for the CPU · eager, calibrated 2026-01-02" in text
