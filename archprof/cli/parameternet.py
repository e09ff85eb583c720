"""``archprof parameternet``."""

from archprof.cli import options as o
from archprof.cli import output, subject
from archprof.cli.command import command
from archprof.errors import UsageError
from archprof.options import Options


@command
def parameternet(
    reference: o.Reference,
    scale: o.Scale = None,
    imgsz: o.ImageSize = None,
    batch: o.Batch = 1,
    channels: o.Channels = None,
    nc: o.Classes = None,
    settings: o.Settings = None,
    static: o.Static = False,
    device: o.Device = "auto",
    dtype: o.Dtype = "float32",
    plugins: o.Plugins = None,
    format: o.Format = None,  # noqa: A002
    outputs: o.Outputs = None,
    force: o.Force = False,
) -> None:
    """Set what ParameterNet promises of dynamic convolutions beside what runs, layer by layer."""
    from archprof.render import View
    from archprof.render.parameternet import FORMATS

    destinations = output.plan(outputs or [], format and format.value, force=force)
    if scale == subject.ALL:
        raise UsageError("this analysis is of one scale", hint="name one with --scale")
    size = subject.parse_size(imgsz)
    specs = subject.find_specs(reference, scale=scale, nc=nc, settings=settings or [])
    options = Options(size=size, batch=batch, channels=channels, static=static, device=device, dtype=dtype)
    (profile,) = subject.profile_all(specs, options, plugins=plugins or [])
    output.deliver(destinations, lambda chosen, view: FORMATS[chosen](profile, view), View())
