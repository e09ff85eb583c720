"""Counts every model of timm and torchvision at its own input size, and lists what is not covered.

    python tools/coverage_of_models.py [--part 3/16] [REFERENCE ...]

A model is run without memory; one that reads values (a detector choosing boxes) is run on the CPU, and says so. It ends
with 1 where an operation has no formula, or a model could not be built or run. All takes half an hour on one core.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import timm
import torchvision

from archprof.builder.options import Options
from archprof.errors import ArchprofError
from archprof.pipeline.counting import count_spec
from archprof.sources.reference import resolve


def references() -> list[str]:
    """Every model of both, torchvision's quantizable ones as the float models that they are when built."""
    return [
        *(f"torchvision:{name}" for name in torchvision.models.list_models()),
        *(f"timm:{name}" for name in timm.list_models()),
    ]


def examine(reference: str) -> tuple[str, bool]:
    """What came out, in words, and whether nothing is missing."""
    try:
        counted = count_spec(resolve(reference), Options())
    except ArchprofError as error:
        return f"failed: {error}", False
    unknown = counted.ledger.unknown
    operations = f"{len(counted.ledger.entries):,} operations, {counted.ledger.macs / 10**9:.2f} GMACs"
    remarks = "".join(f" ({remark})" for remark in counted.remarks)
    if unknown:
        return f"no formula: {', '.join(f'{name} {count}×' for name, count in unknown.items())}{remarks}", False
    return operations + remarks, True


def main() -> int:
    """Examine what the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", nargs="*", help="a model, as timm:resnet18; all of them by default")
    parser.add_argument("--part", default="1/1", help="of all of them the i-th of n parts, as 3/16")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # the libraries' own, on names that they gave up
    part, parts = map(int, arguments.part.split("/"))
    chosen = arguments.reference or references()[part - 1 :: parts]
    lacking = []
    for reference in chosen:
        said, complete = examine(reference)
        print(f"{reference}: {said}", flush=True)
        if not complete:
            lacking.append(reference)
    print(f"{len(chosen):,} models, {len(lacking)} of them not covered" + "".join(f"\n  {name}" for name in lacking))
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
