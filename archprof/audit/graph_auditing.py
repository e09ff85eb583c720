"""From a file that is a graph to its audit: other tools' figures of it, and each difference by its nodes."""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING

from archprof.counters.graph_counters import GRAPH_COUNTERS
from archprof.errors import ArchprofError, LimitError, UsageError
from archprof.pipeline.graph_formats import isolated
from archprof.pipeline.request import Request
from archprof.records.audit import AuditResult, Difference, Opinion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.builder.options import Options
    from archprof.counters.graph_counters import GraphAnswer
    from archprof.pipeline.graph_formats.onnx_nodes import NodeCost, Nodes
    from archprof.sources.spec import Spec

ELEMENTWISE = "elementwise work, which is counted as multiply-accumulates"
BIAS = "a bias, which is counted as multiply-accumulates"


def audit_graph(spec: Spec, options: Options, *, counters: Sequence[str], time_limit: float) -> AuditResult:
    """Count a file, and have other tools count it too.

    Args:
        spec: The file.
        options: The size of its inputs.
        counters: Some of the graph counters; all of them by default.
        time_limit: Seconds that each may take.

    Raises:
        UsageError: Where one counts modules, not files.
        ArchprofError: Where the file cannot be counted.
    """
    if other := [name for name in counters if name not in GRAPH_COUNTERS]:
        raise UsageError(
            f"{other[0]} counts PyTorch's modules, and {spec.reference} is a file",
            hint=f"counters of files: {', '.join(GRAPH_COUNTERS)}",
        )
    request = Request(spec, options)
    start = perf_counter()
    profile, _ = isolated.count(request)
    if isinstance(profile, ArchprofError):
        raise profile
    seconds = perf_counter() - start
    exact: Nodes = isolated.call("archprof.pipeline.graph_formats.onnx_nodes:nodes", request)
    opinions = []
    for name in counters or GRAPH_COUNTERS:
        try:
            answer = isolated.call(
                "archprof.counters.graph_counters:run", name, str(spec.path), exact.inputs, seconds=time_limit
            )
        except LimitError as error:
            opinions.append(Opinion(counter=name, version=None, unit=GRAPH_COUNTERS[name].unit, error=error.message))
            continue
        opinions.append(_opinion(name, answer, exact.nodes))
    return AuditResult(
        variant=profile.variant,
        input=profile.input,
        environment=profile.environment,
        macs=profile.totals.macs,
        seconds=seconds,
        unknown=profile.coverage.unknown,
        rows=[],
        opinions=opinions,
    )


def _opinion(name: str, answer: GraphAnswer, nodes: Sequence[NodeCost]) -> Opinion:
    total = sum(node.macs for node in nodes)
    return Opinion(
        counter=name,
        version=answer.version,
        unit=GRAPH_COUNTERS[name].unit,
        value=answer.macs,
        macs=answer.macs,
        ratio=answer.macs / total if answer.macs is not None and total else None,
        seconds=answer.seconds,
        error=answer.error,
        differences=[] if answer.macs is None else list(_differences(answer, answer.macs, nodes, total)),
    )


def _differences(answer: GraphAnswer, macs: int, nodes: Sequence[NodeCost], total: int) -> Iterator[Difference]:
    """What changes the exact count into the tool's figure: nodes one by one, elementwise ones by their operator."""
    by_name = {node.name: node for node in nodes if node.name}
    added: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    explained = 0
    for figure in answer.nodes:
        node = by_name.pop(figure.name, None)
        if node is None or figure.macs == node.macs:
            if node is None and figure.macs:
                added[figure.operator] += figure.macs
                calls[figure.operator] += 1
            continue
        if not node.macs:
            added[figure.operator] += figure.macs
            calls[figure.operator] += 1
            continue
        explained += figure.macs - node.macs
        yield _of_node(node, figure.macs)
    for operator, amount in added.most_common():
        explained += amount
        yield Difference(kind="added", operation=operator, why=ELEMENTWISE, macs=amount, calls=calls[operator])
    for node in by_name.values():
        if node.macs:
            explained -= node.macs
            yield Difference(
                kind="missed", operation=node.operator, why="not counted", macs=-node.macs, module=node.name
            )
    if rest := macs - total - explained:
        yield Difference(kind="unexplained", operation="the rest", why="the tool does not say where", macs=rest)


def _of_node(node: NodeCost, macs: int) -> Difference:
    difference = macs - node.macs
    if difference < 0:
        why = "counted too low"
    elif difference == node.elements == node.elementwise_flops:
        why = BIAS
    elif macs % node.macs == 0:
        why = f"counted {macs // node.macs} times"
    else:
        why = "counted too high"
    kind = "missed" if difference < 0 else "added"
    return Difference(kind=kind, operation=node.operator, why=why, macs=difference, module=node.name)  # type: ignore[arg-type]
