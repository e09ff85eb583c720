from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from archprof.budgets.budget import Level
from archprof.budgets.read import find, read
from archprof.errors import BudgetFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FULL = """\
lock = "budgets.json"
plugins = ["blocks.py", "package.blocks"]

[[budgets]]
variants = ["models/*.yaml", "timm:resnet18"]
scales = "all"
imgsz = [640, "384x640"]
nc = 6
set = { kpt_shape = [21, 3], reg_max = 16, width_multiple = 0.5 }
fuse = true
level = "warn"
message = "Ask the phone team."
parameters = { max = "3.0 M", min = 1000 }

[budgets.flops]
max_increase = "1.5 %"
floor = "10 M"
level = "error"
message = "Too dear."

[[budgets]]
variants = "models/b.yaml"
level = "off"
"""


def test_what_a_file_says(budgets: Callable[[str], Path]) -> None:
    path = budgets(FULL)
    (path.parent / "blocks.py").touch()
    file = read(path)

    assert (file.lock, len(file.budgets)) == (path.parent / "budgets.json", 2)
    assert file.plugins == (str(path.parent / "blocks.py"), "package.blocks")
    first, second = file.budgets
    assert first.variants == ("models/*.yaml", "timm:resnet18")
    assert first.settings["set"] == {"kpt_shape": [21, 3], "reg_max": 16, "width_multiple": 0.5}
    assert (first.line, second.line, second.excludes) == (4, 21, True)
    parameters, flops = first.rules
    assert parameters.max is not None
    assert parameters.min is not None
    assert (parameters.max.value, parameters.min.value) == (3_000_000, 1000)
    assert (parameters.level, parameters.message, parameters.line) == (Level.warn, "Ask the phone team.", 13)
    assert flops.max_increase is not None
    assert flops.floor is not None
    assert (flops.max_increase.value, flops.max_increase.percent) == (Fraction("1.5"), True)
    assert (flops.floor.value, flops.level, flops.message, flops.line) == (10**7, Level.error, "Too dear.", 15)


def test_pyproject_has_the_same_under_its_own_table(folder: Path) -> None:
    path = folder / "pyproject.toml"
    (folder / "blocks.py").touch()
    text = FULL.replace("[[budgets]]", "[[tool.archprof.budgets]]").replace("[budgets.", "[tool.archprof.budgets.")
    path.write_text(f"[tool.other]\nx = 1\n\n[tool.archprof]\n{text}", encoding="utf-8")

    file = read(path)
    assert [budget.line for budget in file.budgets] == [8, 25]
    assert [rule.line for rule in file.budgets[0].rules] == [17, 19]
    assert file.lock == folder / "budgets.json"


HEAD = '[[budgets]]\nvariants = "models/*.yaml"\n'


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("budgets = 3", 1, "budgets: must be a list of tables", None),
        ("budget = []", 1, "budget: unknown key", "did you mean budgets?"),
        ("[[budgets]]\nflops = {max = 1}", 1, "budgets[0]: has no variants", 'variants = "models/*.yaml"'),
        ("[[budgets]]\nvariants = []", 2, "budgets[0].variants: is empty", None),
        ("[[budgets]]\nvariants = 3", 2, "must be text or a list of it, not 3", None),
        (f"{HEAD}flop = {{max = 1}}", 3, "budgets[0].flop: unknown key", "did you mean flops"),
        (f"{HEAD}flops = {{maximum = 1}}", 3, "budgets[0].flops.maximum: unknown key", "did you mean max?"),
        (f'{HEAD}flops = "8 G"', 3, """must be a table such as { max = "3.0 M" }, not '8 G'""", None),
        (
            f'{HEAD}flops = {{max = "8 ms"}}',
            3,
            "budgets[0].flops.max: '8 ms': expected an amount such as 8.2",
            None,
        ),
        (f"{HEAD}flops = {{max = 8.5e}}", 3, "not valid TOML", None),
        (f"{HEAD}variants = 1", 3, "not valid TOML: Cannot overwrite a value", None),
        (f"{HEAD}flops = {{max = true}}", 3, "budgets[0].flops.max: true: expected an amount such as 8.2 GFLOPs", None),
        (f'{HEAD}flops = {{max = "3 MB"}}', 3, "unknown unit 'MB', units: FLOPs, KFLOPs, MFLOPs, GFLOPs", None),
        (f'{HEAD}flops = {{max = "5 %"}}', 3, "expected an amount such as 8.2 GFLOPs, and not a percentage", None),
        (f'{HEAD}thop-2.0 = {{max = "3 G"}}', 3, "budgets[0].thop-2: unknown key", '"thop-2.0" = ...'),
        ('[[budget]]\nvariants = "a.yaml"', 1, "budget: unknown key", "did you mean budgets?"),
        (f'{HEAD}dtype = "fp8"', 3, "must be one of float32, float16, bfloat16, float64, not 'fp8'", None),
        (f'{HEAD}batch = 2\ninput = "1x3x64x64"', 3, "budgets[0].batch: cannot be given with input", None),
        ('plugins = "nothing.py"', 1, "plugins: no file", None),
        (f'{HEAD}"latency/tpu/eager" = {{max = "1 s"}}', 3, "unknown device 'tpu'", "devices: cpu, cuda, cuda:N"),
        (f'{HEAD}"latency/cpu/egger" = {{max = "1 s"}}', 3, "unknown backend 'egger'", "did you mean eager?"),
        (f"{HEAD}flops = {{floor = 1}}", 3, "has no bound", "give it max, min or max_increase"),
        (f"{HEAD}flops = {{max = 1, floor = 1}}", 3, "needs max_increase", None),
        (f"{HEAD}flops = {{max = 1, min = 2}}", 3, "min 2 is more than max 1", None),
        (f'{HEAD}level = "eror"', 3, "must be error, warn, off, not 'eror'", "did you mean error?"),
        (f"{HEAD}message = 3", 3, "must be text, not 3", None),
        (f"{HEAD}nc = 0", 3, "budgets[0].nc: must be a whole number from 1 up, not 0", None),
        (f'{HEAD}imgsz = ["640", "x"]', 3, "budgets[0].imgsz: must be sizes", None),
        (f"{HEAD}scales = [1]", 3, "budgets[0].scales: must be scales of the YAML", None),
        (f'{HEAD}fuse = "yes"', 3, "must be true or false, not 'yes'", None),
        ("lock = 3", 1, "must be the path of a file", None),
        ("budgets = [1]", 1, "budgets[0]: must be a table, not 1", None),
        (f'{HEAD}"latency/cpu" = {{max = "5 ms"}}', 3, "no metric 'latency/cpu'", None),
    ],
)
def test_a_mistake_is_said_with_its_place(
    budgets: Callable[[str], Path], text: str, line: int | None, message: str, hint: str | None
) -> None:
    path = budgets(text)
    with pytest.raises(BudgetFileError) as caught:
        read(path)
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (path, line)
    assert hint is None or hint in (caught.value.hint or "")


def test_the_nearest_folder_with_budgets_counts(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.archprof]\n", encoding="utf-8")
    below = folder / "models" / "old"
    (folder / "models" / "pyproject.toml").write_text("[tool.other]\n", encoding="utf-8")

    assert find(below).resolve() == folder / "pyproject.toml"
    (folder / "models" / "archprof.toml").write_text("", encoding="utf-8")
    assert find(below).resolve() == folder / "models" / "archprof.toml"


def test_budgets_in_two_files_of_one_folder_are_refused(folder: Path) -> None:
    for name, text in (("pyproject.toml", "[tool.archprof]\n"), ("archprof.toml", "")):
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(BudgetFileError, match="only one of them can be used"):
        find(folder)


def test_no_budgets_anywhere(folder: Path) -> None:
    with pytest.raises(BudgetFileError, match=r"no archprof\.toml") as caught:
        find(folder)
    assert caught.value.hint == "archprof init writes first budgets"


def test_a_file_that_is_not_there(folder: Path) -> None:
    with pytest.raises(BudgetFileError, match="cannot be read"):
        read(folder / "other.toml")
