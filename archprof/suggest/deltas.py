"""What it adds to each metric to make each convolution of a model dynamic: measured, a pass for each number of experts.

A convolution's difference is what its module's calls ran as a dynamic one, less what they ran as a plain one. The sum
over all convolutions must be the difference of the whole models; where it is not, each convolution is built alone, and
those that change what runs elsewhere are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archprof.builder.dynamic_convolutions import make_dynamic
from archprof.builder.fuse import fuse
from archprof.count.ledger import by_call
from archprof.count.memory import measure
from archprof.count.weights import elements, nbytes, weights
from archprof.errors import UsageError
from archprof.parameternet.convolutions import convolutions
from archprof.pipeline.counting import count_spec, finish
from archprof.records.metrics import TRAFFIC
from archprof.records.suggestion import Exclusion
from archprof.suggest.candidates import causes_of_exclusion, choose, merging, paths_after_fusing
from archprof.suggest.clock import CALLING, RUNNING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from archprof.builder.built import Built
    from archprof.builder.options import Options
    from archprof.count.counted_model import CountedModel
    from archprof.parameternet.convolutions import Convolution
    from archprof.sources.spec import Spec
    from archprof.suggest.clock import Clock

Amounts = dict[str, int]
"""An amount of each metric that adds up."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A convolution that can be made dynamic.

    Attributes:
        path: Its module.
        plain: What it is today, and its runs.
        changes: By number of experts, what that adds to each metric.
    """

    path: str
    plain: Convolution
    changes: Mapping[int, Amounts]


@dataclass(frozen=True, slots=True)
class DeltaTable:
    """The candidates of a model.

    Attributes:
        base: The model as it is, counted.
        totals: Its amounts.
        candidates: What can be made dynamic.
        excluded: What cannot, and why.
        clock: What predicts times, where they are limited; then amounts have its sums, too.
        latency: The model's predicted time.
        fresh_memory: What of it no sum has.
    """

    base: CountedModel
    totals: Amounts
    candidates: tuple[Candidate, ...]
    excluded: tuple[Exclusion, ...]
    clock: Clock | None = None
    latency: int = 0
    fresh_memory: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Makes convolutions of a model dynamic, and then folds it if that is asked for.

    Attributes:
        experts: The number of experts by path.
        fused: Whether to fold it as for deployment.
    """

    experts: Mapping[str, int]
    fused: bool = False

    def __call__(self, built: Built, inputs: tuple[Tensor, ...]) -> Built:
        """The model, changed in place."""
        make_dynamic(built.module, self.experts)
        return fuse(built) if self.fused else built


def count_with(spec: Spec, options: Options, experts: Mapping[str, int]) -> CountedModel:
    """A model with dynamic convolutions, counted.

    Raises:
        ArchprofError: Where it cannot be built or run.
    """
    return count_spec(spec, replace(options, fuse=False), Placement(experts, options.fuse))


def measure_deltas(
    spec: Spec,
    options: Options,
    experts: Sequence[int],
    only: Sequence[str] = (),
    never: Sequence[str] = (),
    clock: Clock | None = None,
) -> DeltaTable:
    """Measure what each convolution adds with each number of experts.

    Args:
        spec: The model.
        options: How to build and run it.
        experts: The numbers of experts.
        only: Patterns of the convolutions that may be made dynamic; all where there are none.
        never: Patterns of those that may not.
        clock: What predicts times, where they are asked for.

    Raises:
        UsageError: Where no convolution is left.
        ArchprofError: Where the model cannot be built or run, as it is or with dynamic convolutions.
    """
    plain = count_spec(spec, replace(options, fuse=False))
    base = count_with(spec, options, {}) if options.fuse else plain
    every = convolutions(plain.ledger)
    chosen = choose(every, plain.built, only, never)
    deployed = paths_after_fusing(spec, options)
    causes = causes_of_exclusion(chosen, plain, base, deployed)
    remaining = {path: convolution for path, convolution in chosen.items() if path not in causes}
    causes |= merging(remaining, spec, options, plain.built.module)
    meter = _Meter(spec, options, base, deployed if options.fuse else {path: path for path in chosen}, clock)
    rest = [path for path in chosen if path not in causes]
    changes: dict[str, dict[int, Amounts]] = {}
    while rest:
        changes, outside = meter.changes(rest, experts)
        if not outside:
            break
        deltas = meter.alone(rest, experts)
        if meter.adds_up(deltas, experts):  # what each changes elsewhere is its own doing, and is put to its account
            changes = deltas
            break
        number = experts[0]
        strays = [path for path in rest if deltas[path][number] != changes[path][number]]
        interacting = dict.fromkeys(strays, "changes what runs outside of it")
        if not interacting:
            raise UsageError(
                f"the costs of dynamic convolutions do not add up in this model ({', '.join(outside)}), "
                "and no single convolution is the reason",
                hint="--only limits them to a part of the model",
            )
        causes |= interacting
        rest = [path for path in rest if path not in interacting]
    if not rest:
        path, cause = next(iter(causes.items()))
        raise UsageError(
            "no convolution is left that could be made dynamic", hint=f"{len(causes)} are left out: {path} {cause}"
        )
    latency, fresh_memory = clock.predicted(finish(base)) if clock else (0, 0)
    return DeltaTable(
        base=base,
        totals=meter.total,
        candidates=tuple(Candidate(path, every[path], changes[path]) for path in rest),
        excluded=tuple(Exclusion(module=path, cause=cause) for path, cause in causes.items()),
        clock=clock,
        latency=latency,
        fresh_memory=fresh_memory,
    )


def amounts(counted: CountedModel, clock: Clock | None = None) -> Amounts:
    """The totals of a counted model, with the sums of a clock."""
    memory, ledger = measure(counted.ledger.trace), counted.ledger
    costs = (ledger.macs, ledger.elementwise_flops, memory.bytes_read, memory.bytes_written, memory.activation_bytes)
    times = clock.by_call(ledger, memory)[0] if clock else {}
    return {**_amounts(counted.built.module, *costs), **times}


def difference(after: Amounts, before: Amounts) -> Amounts:
    """How much more of each metric."""
    return {name: amount - before[name] for name, amount in after.items()}


def _amounts(module: nn.Module, macs: int, elementwise: int, read: int, written: int, made: int) -> Amounts:
    """The metrics of a module: what it holds, and what ran in it."""
    parameters = weights(module)
    return {
        "parameters": elements(parameters),
        "trainable_parameters": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "weight_bytes": nbytes(parameters),
        "macs": macs,
        "flops": 2 * macs,
        "elementwise_flops": elementwise,
        "activation_bytes": made,
        "bytes_read": read,
        "bytes_written": written,
        TRAFFIC.name: read + written,
    }


class _Meter:
    """Measures convolutions of one model as dynamic ones.

    Args:
        spec: The model.
        options: How to build and run it.
        base: The model as it is, counted.
        paths: Where each convolution is in the model as it is counted, by its path in the model as it is built.
        clock: What predicts times, where they are asked for.
    """

    def __init__(
        self,
        spec: Spec,
        options: Options,
        base: CountedModel,
        paths: Mapping[str, str],
        clock: Clock | None = None,
    ) -> None:
        self._spec, self._options, self._base, self._paths, self._clock = spec, options, base, paths, clock
        self.total = self._amounts(base)

    def changes(self, paths: Sequence[str], experts: Sequence[int]) -> tuple[dict[str, dict[int, Amounts]], list[str]]:
        """What each convolution adds with each number of experts; and the metrics that change outside of them too."""
        before = self._by_module(self._base, paths)
        changes: dict[str, dict[int, Amounts]] = {path: {} for path in paths}
        outside: dict[str, None] = {}
        for number in experts:
            counted = count_with(self._spec, self._options, dict.fromkeys(paths, number))
            after = self._by_module(counted, paths)
            for path in paths:
                changes[path][number] = difference(after[path], before[path])
            for name, amount in difference(self._amounts(counted), self.total).items():
                if amount != sum([changes[path][number][name] for path in paths]):
                    outside[name] = None
        return changes, list(outside)

    def alone(self, paths: Sequence[str], experts: Sequence[int]) -> dict[str, dict[int, Amounts]]:
        """What the whole model grows by when one convolution alone is made dynamic."""
        return {
            path: {
                number: difference(self._amounts(count_with(self._spec, self._options, {path: number})), self.total)
                for number in experts
            }
            for path in paths
        }

    def adds_up(self, changes: Mapping[str, Mapping[int, Amounts]], experts: Sequence[int]) -> bool:
        """Whether the model with all convolutions dynamic has what it had, and all changes."""
        for number in experts:
            counted = count_with(self._spec, self._options, dict.fromkeys(changes, number))
            for name, amount in difference(self._amounts(counted), self.total).items():
                if amount != sum([change[number][name] for change in changes.values()]):
                    return False
        return True

    def _amounts(self, counted: CountedModel) -> Amounts:
        return amounts(counted, self._clock)

    def _by_module(self, counted: CountedModel, paths: Sequence[str]) -> dict[str, Amounts]:
        """What some modules hold, and what all of their calls ran."""
        trace, ledger = counted.ledger.trace, counted.ledger
        memory = measure(trace)
        _, moved = by_call(trace, memory.traffic)
        _, made = by_call(trace, [(size, 0) for size in memory.made_bytes])
        modules = {path: counted.built.module.get_submodule(self._paths[path]) for path in paths}
        costs = {id(module): [0, 0, 0, 0, 0] for module in modules.values()}
        for index, call in enumerate(trace.calls):
            if sums := costs.get(id(call.module)):
                for position, cost in enumerate((*ledger.inclusive[index], *moved[index], made[index][0])):
                    sums[position] += cost
        result = {path: _amounts(module, *costs[id(module)]) for path, module in modules.items()}
        if self._clock:
            for entry in result.values():
                entry |= dict.fromkeys((CALLING, RUNNING), 0)
            owners = {id(module): path for path, module in modules.items()}
            for call, times in zip(trace.calls, self._clock.by_call(ledger, memory), strict=True):
                if path := owners.get(id(call.module)):
                    for name, time in times.items():
                        result[path][name] += time
        return result
