"""How far a ranking gets within half of the added traffic, by hand."""

from __future__ import annotations

from archprof.records.parameternet import Candidate, Gain, MeasuredTotals, WhatIf
from archprof.suggest.ranking import ranked

NOTHING = MeasuredTotals(**dict.fromkeys(MeasuredTotals.__struct_fields__, 0))


def candidate(name: str, parameters: int, macs: int, moved: int) -> Candidate:
    gains = {
        key: Gain(predicted=value, measured=value)
        for key, value in (("parameters", parameters), ("macs", macs), ("bytes", moved))
    }
    shape = {
        "in_channels": 1,
        "out_channels": 1,
        "kernel": [1, 1],
        "groups": 1,
        "stride": [1, 1],
        "output_size": [1, 1],
    }
    return Candidate(module=name, **shape, **gains)  # type: ignore[arg-type]


def test_by_hand() -> None:
    # 200 bytes in all, so 100 may be spent. Per byte: a 1.2, b 1.0, c 1.0, d 0.01. From the top: a (60 bytes), then
    # neither b nor c fits, d's 40 bytes do: 73. The best choice is b and c: 100. Per FLOP b and d are first, 51.
    candidates = [
        candidate("b", 50, 50, 50),
        candidate("d", 1, 1, 40),
        candidate("a", 72, 720, 60),
        candidate("c", 50, 100, 50),
    ]
    result = ranked(WhatIf(selection="all", experts=4, candidates=candidates, before=NOTHING, after=NOTHING))

    assert [entry.module for entry in result.candidates] == ["a", "b", "c", "d"]
    assert result.ranking is not None
    assert (result.ranking.optimum, result.ranking.by_price, result.ranking.by_flop) == (100, 73, 51)
    # The relaxation takes all of a, and 40 of the 50 bytes of b or c, which are worth 1 a byte.
    assert abs(result.ranking.bytes_price - 1) < 1e-9
