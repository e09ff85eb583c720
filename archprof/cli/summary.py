"""``archprof summary``."""

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.option_groups import Counting, Model, Written
from archprof.errors import UsageError


@command
def summary(
    reference: o.Reference,
    *,
    model: Model,
    device: o.Device = "auto",
    backward: o.Backward = False,
    latency: la.Latency = False,
    threads: o.Threads = None,
    counting: Counting,
    convention: o.Convention = o.ConventionChoice.flops,
    detail: o.Detail = None,
    depth: o.Depth = 3,
    sort: o.Sort = None,
    top: o.Top = None,
    written: Written,
) -> None:
    """Say what a model costs, and which of its rows cost it."""
    from archprof.pipeline import Task
    from archprof.render import View
    from archprof.render.profile import check, render, render_several

    destinations = written.plan()
    options = model.options(device=device, backward=backward, convention=convention.value)
    specs = model.find(reference)
    if latency and (model.several or backward):
        raise UsageError(
            "--latency is of one scale's inference", hint="leave out --scale all and --backward; bench takes several"
        )
    view = View(detail=selection.choose_detail(specs, detail and detail.value), depth=depth, sort=sort, top=top)
    check(view, several=model.several)
    means = counting.means()
    measured = la.plan(options, means.plugins, la.Sampling(threads=threads)) if latency else None
    tasks = [Task(spec, options) for spec in specs]
    profiles = selection.profile_all(tasks, means, every_scale=True)
    benched = None
    if measured:
        profiles, benched = la.measure(tasks, profiles, *measured)
    profiles = selection.predict_all(profiles, la.device_of(options, measured), threads)

    def write(format: str, view: View) -> str:  # noqa: A002
        return render_several(format, profiles, view) if model.several else render(format, profiles[0], view)

    output.deliver(destinations, write, view)
    if benched:
        la.conclude(benched)
