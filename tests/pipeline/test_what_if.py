"""Convolutions made dynamic: what is predicted of them is what is counted when they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.pipeline.counting import prepare
from archprof.pipeline.what_if import Mix, what_if
from archprof.records.parameternet import Gain, WhatIf
from archprof.sources.reference import resolve

STACKED = f"{Path(__file__).parents[1] / 'parameternet' / 'layers.py'}:Stacked"


def found(reference: str, wanted: str, experts: int = 4, **options: object) -> WhatIf:
    return what_if(resolve(reference), Options(**options), wanted, experts)[1]  # type: ignore[arg-type]


def test_every_gain_by_hand() -> None:
    first, second = found(STACKED, "all", 3, batch=2).candidates

    # A kernel of 8·4·9 = 288 and 8 biases, twice more of each; the router 4·3 + 3.
    assert first.module == "first"
    assert first.parameters == Gain(predicted=607, measured=607)
    # For each of 2 images: the router 4·3, the mixing 3 · (288 + 8).
    assert first.macs == Gain(predicted=1800, measured=1800)
    # Elements. Mean: 2·4·64 + 8. Linear: 8 + 12 + 3 read, 6 written. Sigmoid: 6 and 6. Kernels: 6 + 3·288 read, 2·288
    # written; biases: 6 + 3·8 and 2·8. The convolution reads two of each instead of one: 288 + 8.
    elements = 520 + 29 + 12 + (6 + 864 + 576) + (6 + 24 + 16) + 296
    assert first.bytes == Gain(predicted=4 * elements, measured=4 * elements)
    # It runs twice, and has its parameters once: 2·64 + 8·3 + 3; MACs twice for each of 2 images: 8·3 + 3·64.
    assert second.module == "second"
    assert second.parameters == Gain(predicted=155, measured=155)
    assert second.macs == Gain(predicted=4 * 216, measured=4 * 216)
    assert second.bytes.predicted == second.bytes.measured
    # 607 parameters for 3600 FLOPs and 9396 bytes.
    assert first.per_flop == pytest.approx(607 / 3600)
    assert first.per_byte == pytest.approx(607 / 9396)
    assert first.per_byte > second.per_byte


def test_the_whole_is_the_model_and_its_gains() -> None:
    whole = found("yolo11n", "strided", size=(64,))

    assert [one.stride for one in whole.candidates] == [[2, 2]] * 7
    assert all(one.parameters.predicted == one.parameters.measured for one in whole.candidates)
    assert all(one.macs.predicted == one.macs.measured for one in whole.candidates)
    gained = sum(one.parameters.measured for one in whole.candidates)
    assert whole.after.parameters - whole.before.parameters == gained
    assert whole.after.macs - whole.before.macs == sum(one.macs.measured for one in whole.candidates)
    assert whole.after.bytes_moved - whole.before.bytes_moved == sum(one.bytes.measured for one in whole.candidates)


def test_it_runs_for_real() -> None:
    built, inputs = prepare(resolve(STACKED), Options(device="cpu", batch=2))
    change = Mix(frozenset({"first", "second"}), 3)
    with torch.no_grad():
        plain = built.module(*inputs)
        mixed = change(built, inputs).module(*inputs)
    assert mixed.shape == plain.shape
    assert mixed.isfinite().all()


@pytest.mark.parametrize(
    ("wanted", "hint"), [("frst", "did you mean first?"), ("x.*", "all, strided, or a pattern"), ("frozen", "all, str")]
)
def test_a_pattern_that_matches_nothing(wanted: str, hint: str) -> None:
    with pytest.raises(UsageError, match="matches none of the 2 plain convolutions") as error:
        found(STACKED, wanted)
    assert hint in str(error.value)
