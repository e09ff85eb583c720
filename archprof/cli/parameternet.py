"""``archprof parameternet``."""

from typing import TYPE_CHECKING, Annotated

from archprof.cli import options as o
from archprof.cli import output, subject
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.errors import UsageError
from archprof.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.variant.spec import Spec


Experts = Annotated[
    str | None,
    o.option("--experts", metavar="M,M,...", help="Rebuild it with each number of experts, one line each."),
]


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
    experts: Experts = None,
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
    numbers = parse_experts(experts)
    size = subject.parse_size(imgsz)
    specs = subject.find_specs(reference, scale=scale, nc=nc, settings=settings or [])
    options = Options(size=size, batch=batch, channels=channels, static=static, device=device, dtype=dtype)
    if numbers is not None:
        subject.load_plugins(plugins or [])
        rebuild(specs, options, numbers, destinations)
        return
    (profile,) = subject.profile_all(specs, options, subject.find_means(plugins))
    output.deliver(destinations, lambda chosen, view: FORMATS[chosen](profile, view), View())


def parse_experts(text: str | None) -> list[int] | None:
    """``--experts 1,2,4`` -> the numbers, each once; None stays None.

    Raises:
        UsageError: Where something else stands there.
    """
    if text is None:
        return None
    pieces = [piece.strip() for piece in text.split(",")]
    for piece in pieces:
        if not piece.isdecimal() or int(piece) < 1:
            raise UsageError(
                f"--experts {text!r}: {piece!r} is no number of experts", hint="whole numbers from 1 up, as 1,2,4,8"
            )
    return list(dict.fromkeys(map(int, pieces)))


def rebuild(
    specs: "Sequence[Spec]", options: Options, experts: list[int], destinations: "list[output.Destination]"
) -> None:
    """Profile a model with each number of experts."""
    with console.working("loading torch"):
        from archprof.parameternet.curve import curve
    from archprof.render import View
    from archprof.render.curve import FORMATS

    profile, found = curve(specs[0], options, experts, console.working)
    subject.remark(specs, [profile.environment])
    output.deliver(destinations, lambda chosen, view: FORMATS[chosen](profile, found, view), View())
