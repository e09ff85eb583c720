from __future__ import annotations

from typing import Any

import pytest

from archprof.budgets.row_label import format_row, parse_rows


@pytest.mark.parametrize(
    ("sources", "repeats", "module", "arguments", "text"),
    [
        ((-1,), 1, "Conv", (64, 3, 2), "Conv [64, 3, 2]"),
        ((-1,), 2, "C2f", (128, True), "C2f [128, True] ×2"),
        ((-1, 6), 1, "Concat", (1,), "Concat [1] from [-1, 6]"),
        ((4, 6), 3, "nn.Upsample", (None, 2, "nearest"), "nn.Upsample [None, 2, 'nearest'] ×3 from [4, 6]"),
        ((-1,), 1, "Odd", ("] ×2 from [1]", [1, [0.5]]), "Odd ['] ×2 from [1]', [1, [0.5]]]"),
    ],
)
def test_a_row_is_read_back_as_it_was_written(
    sources: tuple[int, ...], repeats: int, module: str, arguments: tuple[Any, ...], text: str
) -> None:
    (part,) = parse_rows([format_row(sources, repeats, module, arguments)])
    assert part.path == text
    assert (tuple(part.from_), part.repeats, part.module, tuple(part.arguments)) == (
        sources,
        repeats,
        module,
        arguments,
    )
    assert (part.flops, part.output_shapes) == (None, None)


@pytest.mark.parametrize("text", ["Conv", "Conv [64", "Conv [inf]", "Conv [__import__('os')]", ""])
def test_what_nobody_can_read_is_one_word(text: str) -> None:
    (part,) = parse_rows([text])
    assert (part.module, part.arguments, part.from_) == (text, [], [-1])
