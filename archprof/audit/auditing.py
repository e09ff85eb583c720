"""The whole way from a spec to its audit: count it, have counters count it too, explain every figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.audit.graph_auditing import audit_graph
from archprof.audit.model_source import ProgramSource, SpecSource
from archprof.builder.options import COUNTER_SECONDS
from archprof.count.ledger import count
from archprof.counters import COUNTERS, thop_2_0
from archprof.counters.exact import exact
from archprof.counters.explain import explain, other_images
from archprof.counters.graph_counters import GRAPH_COUNTERS
from archprof.counters.process import run_isolated
from archprof.errors import UsageError, did_you_mean
from archprof.pipeline.counting import count_spec, finish
from archprof.pipeline.request import Request
from archprof.records.audit import AuditResult, Opinion, Row
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archprof.builder.options import Options
    from archprof.count.counted_model import CountedModel
    from archprof.counters import CounterResult
    from archprof.counters.explain import Exact
    from archprof.sources.spec import Spec


OPERATION_COUNTERS = ("torch", "fvcore", "torchprofile")
"""The counters that look at operations."""


def names() -> list[str]:
    """What can be asked for: the figure that is replayed, and the counters that are run."""
    return [thop_2_0.NAME, *COUNTERS]


def check_names(counters: Iterable[str]) -> None:
    """Refuse what is none of :func:`names`.

    Raises:
        UsageError: With the nearest of them.
    """
    known = [*names(), *GRAPH_COUNTERS]
    for name in counters:
        if name not in known:
            hint = did_you_mean(name, known) or f"there is {', '.join(known)}"
            raise UsageError(f"no counter {name!r}", hint=hint)


def audit_spec(
    spec: Spec,
    options: Options,
    *,
    counters: Sequence[str] = (),
    plugins: Sequence[str] = (),
    time_limit: float = COUNTER_SECONDS,
) -> AuditResult:
    """Count a spec, and have counters count it too.

    Args:
        spec: What to build.
        options: How to build and run it; counters get it on the CPU unless a device is named.
        counters: Some of :func:`names`; all of them by default.
        plugins: The user's files or modules that register its blocks.
        time_limit: Seconds that each counter may take.

    Raises:
        ArchprofError: Where the spec cannot be built, or does not run on the input asked for.
    """
    if error := spec.no_operations():
        raise error
    if spec.graph_format == "pt2":
        return _audit_program(Request(spec, options), counters, time_limit)
    if spec.graph_format:
        return audit_graph(spec, options, counters=counters, time_limit=time_limit)
    if other := [name for name in counters if name in GRAPH_COUNTERS]:
        raise UsageError(
            f"{other[0]} counts ONNX files, and {spec.reference} is none", hint=f"counters: {', '.join(names())}"
        )
    counted = count_spec(spec, options)
    exact_counts = exact(counted.built, counted.ledger)
    image = _of_one_image(counted, exact_counts)
    selected = counters or names()
    opinions = [thop_2_0.opinion(counted, exact_counts, image)] if thop_2_0.NAME in selected else []
    run = [name for name in selected if name != thop_2_0.NAME]
    for result in run_isolated(SpecSource(spec, options, tuple(plugins)), run, time_limit=time_limit):
        opinions.append(opinion(result, exact_counts, image))
    profile = finish(counted)
    return AuditResult(
        variant=profile.variant,
        input=profile.input,
        environment=profile.environment,
        macs=exact_counts.macs,
        seconds=counted.seconds,
        unknown=counted.ledger.unknown,
        rows=[Row(index=layer.index, module=layer.module, path=layer.path) for layer in profile.layers],
        opinions=opinions,
    )


def _audit_program(request: Request, counters: Sequence[str], time_limit: float) -> AuditResult:
    """Count an exported program, and have counters count it that look at operations, whatever module they are in.

    Those that look at modules give nothing: it has none of torch's.
    """
    from archprof.pipeline.graph_formats.pt2 import count_program
    from archprof.pipeline.graph_formats.pt2 import finish as finish_program

    if other := [name for name in counters if name not in COUNTERS]:
        raise UsageError(f"{other[0]} does not count exported programs", hint=f"counters: {', '.join(COUNTERS)}")
    program = count_program(request)
    exact_counts = exact(program.counted.built, program.counted.ledger)
    source = ProgramSource(request.spec, request.build)
    results = run_isolated(source, list(counters) or list(OPERATION_COUNTERS), time_limit=time_limit)
    opinions = [opinion(result, exact_counts, exact_counts) for result in results]
    profile = finish_program(program, request)
    return AuditResult(
        variant=profile.variant,
        input=profile.input,
        environment=profile.environment,
        macs=exact_counts.macs,
        seconds=program.counted.seconds,
        unknown=program.counted.ledger.unknown,
        rows=[],
        opinions=opinions,
    )


def opinion(result: CounterResult, batch: Exact, image: Exact) -> Opinion:
    """What a counter said, and how it comes about.

    Args:
        result: What came of running it.
        batch: The exact count.
        image: That of one image of the batch, which is all that some counters look at.
    """
    counted = image if result.per_image else batch
    return Opinion(
        counter=result.name,
        version=result.version,
        unit=result.unit,
        value=result.value,
        macs=result.macs,
        ratio=result.macs / batch.macs if result.macs is not None and batch.macs else None,
        seconds=result.seconds,
        error=result.error,
        warnings=list(result.warnings),
        differences=[]
        if result.macs is None
        else [
            *other_images(batch, counted),
            *explain(counted, result.items, result.macs, COUNTERS[result.name].rest),
        ],
    )


def _of_one_image(counted: CountedModel, batch: Exact) -> Exact:
    batched = [tensor.ndim > 0 for tensor in counted.inputs]
    if not any(batched) or counted.inputs[batched.index(True)].shape[0] == 1:
        return batch
    inputs = tuple(tensor[:1] if tensor.ndim else tensor for tensor in counted.inputs)
    return exact(counted.built, count(trace(counted.built.module, inputs)))
