"""The order of ``parameternet --what-if``: by the prices of the programme that ``suggest`` solves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.records.parameternet import Ranking
from archprof.suggest.programme import Programme, Row
from archprof.suggest.solver import FEW_NODES, solve

if TYPE_CHECKING:
    from archprof.records.parameternet import WhatIf


def ranked(what_if: WhatIf) -> WhatIf:
    """The candidates in the order of what they are worth at the price of memory traffic, and how far that order gets.

    The programme: the most parameters within half of the traffic that all candidates add. FLOPs are no second limit,
    because a parameter costs nearly the same FLOPs in every convolution. With one limit, what a candidate is worth for
    each unit at its price is in the order of its parameters per byte.
    """
    candidates = what_if.candidates
    moved = tuple(candidate.bytes.measured for candidate in candidates)
    programme = Programme(
        groups=tuple((index,) for index in range(len(candidates))),
        values=tuple(candidate.parameters.measured for candidate in candidates),
        rows=(Row(moved, sum(moved) // 2),),
    )
    solution = solve(programme, nodes=FEW_NODES)
    if solution is None:  # only where a convolution made dynamic moves less than before
        return what_if
    order = sorted(range(len(candidates)), key=lambda index: (-candidates[index].per_byte, -candidates[index].per_flop))
    ranking = Ranking(
        optimum=solution.value,
        by_price=programme.value(programme.greedy(lambda index: candidates[index].per_byte)),
        by_flop=programme.value(programme.greedy(lambda index: candidates[index].per_flop)),
        bytes_price=float(solution.prices[0]),
    )
    return msgspec.structs.replace(what_if, candidates=[candidates[index] for index in order], ranking=ranking)
