"""How much longer `archprof check` takes with three conventions than with one, as whole processes with nothing cached.

Both check the same variants, YOLO11n for so many numbers of classes, and count each of them anew. The two run in pairs,
each pair in the other order than the one before, so that a busy machine slows them alike. The result is the median of
the pairs' ratios of wall time, with their range. It is printed; files are written to a folder that is deleted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from pathlib import Path

from startup import ARCHPROF, VARIANTS, seconds, write_variants

from archprof.records.conventions import find_convention

GOAL = 1.2
CONVENTIONS = {"one": ("fvcore",), "three": ("fvcore", "torchprofile", "thop-2.0")}


def write_budgets(name: str) -> None:
    """A budget file, NAME.toml, with a limit by each convention that no variant reaches."""
    limits = "".join(
        f'"{convention}" = {{ max = "100 {find_convention(convention).unit.replace("G", "T")}" }}\n'
        for convention in CONVENTIONS[name]
    )
    Path(f"{name}.toml").write_text(f'[[budgets]]\nvariants = "*.yaml"\n{limits}', encoding="utf-8")


def check(name: str) -> float:
    """Seconds of a check by NAME.toml, with nothing cached."""
    shutil.rmtree(os.environ["ARCHPROF_CACHE_DIR"], ignore_errors=True)
    return seconds([ARCHPROF, "check", "--config", f"{name}.toml"], clock=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=VARIANTS, metavar="N", help="variants to check")
    parser.add_argument("--pairs", type=int, default=7, metavar="N", help="pairs of checks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["ARCHPROF_CACHE_DIR"] = str(Path(folder, ".cache"))
        write_variants(options.variants)
        for name in CONVENTIONS:
            write_budgets(name)
        check("three")  # Python compiles its files, and the system reads them
        times: dict[str, list[float]] = {name: [] for name in CONVENTIONS}
        for pair in range(options.pairs):
            for name in sorted(CONVENTIONS, reverse=bool(pair % 2)):
                times[name].append(check(name))
    ratios = [three / one for one, three in zip(times["one"], times["three"], strict=True)]
    for name, conventions in CONVENTIONS.items():
        print(f"{name} ({', '.join(conventions)}): median {statistics.median(times[name]):.2f} s")
    print(
        f"{options.variants} variants, three over one: median {statistics.median(ratios):.3f} of {len(ratios)} pairs, "
        f"from {min(ratios):.3f} to {max(ratios):.3f} (goal {GOAL})"
    )


if __name__ == "__main__":
    main()
