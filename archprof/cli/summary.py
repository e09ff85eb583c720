"""``archprof summary``."""

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, subject
from archprof.cli.command import command
from archprof.errors import UsageError


@command
def summary(
    reference: o.Reference,
    scale: o.Scale = None,
    imgsz: o.ImageSize = None,
    batch: o.Batch = 1,
    channels: o.Channels = None,
    nc: o.Classes = None,
    settings: o.Settings = None,
    fuse: o.Fuse = False,
    static: o.Static = False,
    device: o.Device = "auto",
    dtype: o.Dtype = "float32",
    backward: o.Backward = False,
    latency: la.Latency = False,
    threads: la.Threads = None,
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    jobs: o.Jobs = 1,
    limit_time: o.LimitTime = None,
    limit_memory: o.LimitMemory = None,
    convention: o.Convention = o.ConventionChoice.flops,
    detail: o.Detail = None,
    depth: o.Depth = 3,
    sort: o.Sort = None,
    top: o.Top = None,
    format: o.Format = None,  # noqa: A002
    outputs: o.Outputs = None,
    force: o.Force = False,
) -> None:
    """Say what a model costs, and which of its rows cost it."""
    from archprof.batch import Task
    from archprof.options import Options
    from archprof.render import View, check, render, render_several

    destinations = output.plan(outputs or [], format and format.value, force=force)
    size = subject.parse_size(imgsz)
    specs = subject.find_specs(reference, scale=scale, nc=nc, settings=settings or [])
    several = scale == subject.ALL
    if latency and (several or backward):
        raise UsageError(
            "--latency is of one scale's inference", hint="leave out --scale all and --backward; bench takes several"
        )
    view = View(detail=subject.choose_detail(specs, detail and detail.value), depth=depth, sort=sort, top=top)
    check(view, several=several)
    options = Options(
        size=size,
        batch=batch,
        channels=channels,
        fuse=fuse,
        static=static,
        device=device,
        dtype=dtype,
        backward=backward,
        convention=convention.value,
    )
    means = subject.find_means(
        plugins, no_plugins=no_plugins, jobs=jobs, limit_time=limit_time, limit_memory=limit_memory
    )
    measured = la.plan_alone(options, threads, plugins or []) if latency else None
    tasks = [Task(spec, options) for spec in specs]
    profiles = subject.profile_all(tasks, means)
    benched = None
    if measured:
        profiles, benched = la.measure(tasks, profiles, *measured)
    profiles = subject.predict_all(profiles, threads)

    def write(format: str, view: View) -> str:  # noqa: A002
        return render_several(format, profiles, view) if several else render(format, profiles[0], view)

    output.deliver(destinations, write, view)
    if benched:
        la.conclude(benched)
