"""What a sweep is about: a model, how it is built, the axes, and which of their combinations are taken."""

from __future__ import annotations

import itertools
import json
import math
import random
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.builder.options import Options
from archprof.errors import ArchprofError, PlanFileError, UsageError
from archprof.pipeline.request import PredictionRequest, Request
from archprof.records.metrics import find_metric
from archprof.sources.selection import Selection
from archprof.sweep.axes import SCALE, Candidate, find_axis
from archprof.sweep.conditions import Condition, parse
from archprof.sweep.values import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from archprof.pipeline.request import Level
    from archprof.records.metrics import Metric
    from archprof.sources.spec import Spec

    Origin = tuple[Path, int | None]

MOST_VARIANTS = 1_000_000
"""How many variants a sweep may have."""

_SOBOL_BITS = 30
"""Bits of a number of scipy's Sobol sequences."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A sweep before anything is counted.

    Attributes:
        reference: The model.
        selection: Which of its variants is the base, before an axis changes it.
        build: How the base is built and run.
        axes: The values of each axis, by its name.
        where: Conditions; those on axes leave variants out before they are counted.
        sample: How many of the combinations are taken; all of them where None.
        seed: Which of them.
        conventions: What is reported beside the exact count.
        prediction: Where each variant's latency is predicted; nowhere where None.
        threads: With how many threads variants are measured; as many as torch takes of itself where None.
        origins: Of what a file says, the file and the line, by its path there: ``vary.nc``, ``where[0]``.

    Raises:
        ArchprofError: Where there is no such model, or an axis has a value that it does not take.
    """

    reference: str
    selection: Selection = field(default_factory=Selection)
    build: Options = field(default_factory=Options)
    axes: Mapping[str, Sequence[Any]]
    where: Sequence[str] = ()
    sample: int | None = None
    seed: int = 0
    conventions: tuple[str, ...] = ()
    prediction: PredictionRequest | None = None
    threads: int | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.axes:
            raise UsageError("nothing is varied", hint="for example --vary width=0.25,0.5 --vary imgsz=320:640:64")
        axes = {}
        for name, values in self.axes.items():
            with self._located(f"vary.{name}"):
                axes[name] = check(name, values)
        object.__setattr__(self, "axes", axes)
        size = math.prod(map(len, self.axes.values()))
        if (self.sample or size) > MOST_VARIANTS:
            raise UsageError(f"{size:,} variants are more than {MOST_VARIANTS:,}", hint="--sample N takes N of them")
        with self._located("reference"):
            self.selection.find(self.reference)
        point: dict[str, Any] = {}
        for name, values in sorted(self.axes.items(), key=lambda axis: axis[0] != SCALE):
            with self._located(f"vary.{name}"):
                for value in values:
                    self.candidate({**point, name: value})
            point[name] = values[0]
        _ = self.conditions  # a mistake in one is told before anything is counted

    @cached_property
    def _specs(self) -> dict[Any, Spec]:
        """The spec that axes change, by its scale: its file is read once for each."""
        return {}

    @cached_property
    def setup(self) -> dict[str, Any]:
        """What holds for every variant, as it was asked for, without what is as it is by itself."""
        defaults = Options()
        changed = {
            name: getattr(self.build, name)
            for name in Options.__dataclass_fields__
            if getattr(self.build, name) != getattr(defaults, name)
        }
        selected = {"scale": self.selection.scale, "nc": self.selection.nc, "set": dict(self.selection.settings)}
        values = {
            "reference": self.reference,
            **{name: value for name, value in selected.items() if value not in (None, {})},
            **changed,
            **({"inputs": [given.text for given in self.build.inputs]} if self.build.inputs else {}),
            **({"conventions": self.conventions} if self.conventions else {}),
            **({"prediction": True} if self.prediction else {}),
            **({"threads": self.threads} if self.threads else {}),
        }
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values))
        return plain

    @cached_property
    def options(self) -> list[str]:
        """The model and what is varied, as one types it."""
        return [
            self.reference,
            *(piece for name, values in self.axes.items() for piece in ("--vary", _axis_text(name, values))),
            *(piece for text in self.where for piece in ("--where", text)),
            *(["--sample", str(self.sample)] if self.sample is not None else []),
            *(["--seed", str(self.seed)] if self.seed else []),
            *(piece for name, value in self.setup.items() for piece in _option(name, value)),
        ]

    @cached_property
    def conditions(self) -> list[Condition]:
        """The conditions, read.

        Raises:
            ArchprofError: Where one cannot be, or no variant will have its metric.
        """
        conditions = []
        for index, text in enumerate(self.where):
            with self._located(f"where[{index}]"):
                condition = parse(text, list(self.axes))
                if condition.metric:
                    self.check_counted(find_metric(condition.name))
            conditions.append(condition)
        return conditions

    def check_counted(self, metric: Metric) -> None:
        """See to it that variants will have a metric.

        Raises:
            UsageError: Where none will, as they are counted.
        """
        if metric.convention and metric.convention not in self.conventions:
            hint = f"--convention {metric.convention} adds it"
        elif metric.name.startswith("backward_"):
            hint = "a sweep counts inference"
        else:
            return
        raise UsageError(f"no variant of the sweep has {metric.name}", hint=hint)

    def points(self) -> list[dict[str, Any]]:
        """The value of each axis, for every variant that is to be counted, in the order of the axes' values."""
        conditions = self.conditions
        points = (dict(zip(self.axes, values, strict=True)) for values in self._combinations())
        return [point for point in points if all(condition.holds_at(point) for condition in conditions)]

    def request(self, point: Mapping[str, Any]) -> Request:
        """What is wanted of one variant.

        Raises:
            ArchprofError: Where the combination of values is none that the model takes.
        """
        spec, build = self.candidate(point)
        level: Level = "full" if self.prediction else "budgets"  # a prediction adds up kinds of operations
        return Request(spec, build, self.conventions, level=level, prediction=self.prediction)

    def candidate(self, point: Mapping[str, Any]) -> Candidate:
        """One variant, and how it is built and run.

        Raises:
            ArchprofError: Where the combination of values is none that the model takes.
        """
        candidate = Candidate(self._base(point.get(SCALE)), self.build)
        for name, value in point.items():
            if name != SCALE:
                candidate = find_axis(name)(candidate, value)
        if not candidate.spec.graph_format:
            candidate.build.check_inputs()
        return candidate

    @contextmanager
    def _located(self, part: str) -> Iterator[None]:
        """While it holds, a mistake is one in the line of a file that a part of the plan is from."""
        try:
            yield
        except ArchprofError as error:
            if part not in self.origins or error.path is not None:
                raise
            path, line = self.origins[part]
            raise PlanFileError(error.message, path=path, line=line, hint=error.hint) from None

    def _base(self, scale: Any) -> Spec:
        if scale not in self._specs:
            selection = self.selection if scale is None else replace(self.selection, scale=str(scale))
            specs = selection.find(self.reference)
            if len(specs) > 1:
                raise UsageError("a sweep is of one scale", hint=f"--vary scale={','.join(specs[0].scales)}")
            self._specs[scale] = specs[0]
        return self._specs[scale]

    def _combinations(self) -> Iterator[tuple[Any, ...]]:
        values = list(self.axes.values())
        sizes = [len(of_axis) for of_axis in values]
        if self.sample is None or self.sample >= math.prod(sizes):
            yield from itertools.product(*values)
            return
        for indices in sorted(_sampled(sizes, self.sample, self.seed)):
            yield tuple(of_axis[index] for of_axis, index in zip(values, indices, strict=True))


def _axis_text(name: str, values: Sequence[Any]) -> str:
    return f"{name}={','.join(map(_text, values))}"


def _option(name: str, value: Any) -> list[str]:
    """What holds for every variant, as its option."""
    if name in ("reference", "device"):
        return []
    if name == "prediction":
        return ["--latency", "predicted"]
    if name == "size":
        return ["--imgsz", "x".join(map(str, value))]
    if name == "set":
        return [piece for key, of_key in value.items() for piece in ("--set", f"{key}={_text(of_key)}")]
    if name in ("inputs", "conventions"):
        return [piece for text in value for piece in (f"--{name.removesuffix('s')}", text)]
    return [f"--{name}"] if value is True else [f"--{name}", str(value)]


def _text(value: Any) -> str:
    """A value as it is typed: text without quotes, unless it would be read as something else."""
    plain = isinstance(value, str) and not any(sign in value for sign in "'\",[]{}:#")
    return value if plain else json.dumps(value)


def _sampled(sizes: Sequence[int], count: int, seed: int) -> set[tuple[int, ...]]:
    """Distinct combinations from a Sobol sequence, shifted by the seed: they spread over all axes alike.

    Args:
        sizes: How many values each axis has.
        count: How many combinations; fewer than there are.
        seed: Which of them.
    """
    from scipy.stats.qmc import Sobol

    # A shift by random numbers keeps the sequence's evenness (Cranley and Patterson, 1976), and is the same for a seed
    # whatever version of scipy draws the sequence.
    numbers = random.Random(seed)
    shift = [numbers.random() for _ in sizes]
    sequence = Sobol(len(sizes), scramble=False, bits=_SOBOL_BITS)
    combinations: set[tuple[int, ...]] = set()
    exponent = max(count - 1, 1).bit_length()
    while len(combinations) < count:
        if exponent > 22:  # of a grid that is nearly taken whole the last few would be drawn for ever
            rest = itertools.product(*map(range, sizes))
            missing = (combination for combination in rest if combination not in combinations)
            combinations.update(itertools.islice(missing, count - len(combinations)))
            break
        for point in sequence.random(2**exponent).tolist():
            indices = (
                int((value + offset) % 1 * size) for value, offset, size in zip(point, shift, sizes, strict=True)
            )
            combinations.add(tuple(indices))
            if len(combinations) == count:
                break
        exponent += 1
        sequence.reset()
    return combinations
