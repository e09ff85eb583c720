"""Counts a model exactly while counters count it in processes of their own, and explains every figure."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.audit.model_source import SpecSource
from archprof.count.ledger import count
from archprof.counters import COUNTERS, thop_2_0
from archprof.counters.exact import exact
from archprof.counters.explain import explain, other_images
from archprof.counters.process import started
from archprof.latency.processor import available_cpus
from archprof.pipeline.counting import count_spec, finish
from archprof.records.audit import AuditResult, Opinion, Row
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.builder.options import Options
    from archprof.count.counted_model import CountedModel
    from archprof.counters import CounterResult
    from archprof.counters.explain import Exact
    from archprof.counters.process import Watch
    from archprof.pipeline.progress import Progress
    from archprof.sources.spec import Spec


@dataclass(frozen=True, slots=True)
class CounterRuns:
    """What is to be counted, and how.

    Attributes:
        spec: What to build.
        options: How to build and run it.
        plugins: The user's files or modules that register its blocks.
        time_limit: Seconds that each counter may take.
    """

    spec: Spec
    options: Options
    plugins: Sequence[str]
    time_limit: float

    def count(self, names: Sequence[str], progress: Progress) -> tuple[AuditResult, dict[str, Opinion]]:
        """The exact count without opinions, and the opinion of each counter, explained.

        Args:
            names: The counters; the one that is replayed among them.
            progress: Is told which run.

        Raises:
            ArchprofError: Where the model cannot be built, or does not run on the input asked for.
        """
        run = [name for name in names if name != thop_2_0.NAME]
        source = SpecSource(self.spec, self.options, tuple(self.plugins))
        # A graphics card holds one model at a time.
        jobs = min(available_cpus(), len(run)) if self.options.device in ("auto", "cpu") else 1
        threads = max(1, available_cpus() // jobs) if jobs > 1 else None
        with started(source, run, time_limit=self.time_limit, jobs=jobs, threads=threads) as results:
            with progress.working(f"profiling {self.spec.name}"):
                counted = count_spec(self.spec, self.options)
                exact_counts = exact(counted.built, counted.ledger)
                image = _of_one_image(counted, exact_counts)
                opinions = {}
                if thop_2_0.NAME in names:
                    opinions[thop_2_0.NAME] = thop_2_0.opinion(counted, exact_counts, image)
            with _telling(progress) as watch:
                for result in results(watch):
                    opinions[result.name] = opinion(result, exact_counts, image)
        profile = finish(counted, level="budgets")
        audit = AuditResult(
            variant=profile.variant,
            input=profile.input,
            environment=profile.environment,
            macs=exact_counts.macs,
            seconds=counted.seconds,
            unknown=counted.ledger.unknown,
            rows=[Row(index=layer.index, module=layer.module, path=layer.path) for layer in profile.layers],
            opinions=[],
        )
        return audit, opinions


@contextmanager
def _telling(progress: Progress) -> Iterator[Watch]:
    """What tells which counters run, and how many are left."""
    with ExitStack() as stack:

        def watch(running: Sequence[str], left: int) -> None:
            stack.close()
            names = " and ".join(running) or "counters"
            stack.enter_context(progress.working(f"running {names}, {left} left"))

        yield watch


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
        value=None if result.value is None else float(result.value),
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
