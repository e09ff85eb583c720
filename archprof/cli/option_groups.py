"""Options that go together: a command that takes a group takes each of its options."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.errors import UsageError

if TYPE_CHECKING:
    from archprof.builder.options import Options
    from archprof.pipeline import ExecutionConfig
    from archprof.sources.selection import Selection
    from archprof.sources.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Model:
    """Which variant of what is referred to, and how it is built and run."""

    scale: o.Scale = None
    imgsz: o.ImageSize = None
    batch: o.Batch = 1
    inputs: o.Inputs = None
    channels: o.Channels = None
    nc: o.Classes = None
    settings: o.Settings = None
    fuse: o.Fuse = False
    static: o.Static = False
    dtype: o.Dtype = "float32"

    @property
    def several(self) -> bool:
        """Whether every scale is meant."""
        from archprof.sources.selection import ALL

        return self.scale == ALL

    def refuse_several(self, subject: str) -> None:
        """Refuse every scale at once, for what is of one.

        Raises:
            UsageError: Where every scale is asked for.
        """
        if self.several:
            raise UsageError(f"{subject} takes one scale", hint="name one with --scale")

    def find(self, reference: str) -> "list[Spec]":
        """What a reference means: one spec, or one for each scale.

        Raises:
            ArchprofError: Where there is no such model, or no such scale, or nothing to set so.
        """
        return self.selection().find(reference)

    def selection(self) -> "Selection":
        """Which variant is asked for, without the command line."""
        from archprof.sources.selection import Selection
        from archprof.sources.settings import parse

        return Selection(scale=self.scale, nc=self.nc, settings=parse(self.settings or []))

    def options(self, *, device: str, backward: bool = False) -> "Options":
        """The same without the command line.

        Raises:
            UsageError: Where the size is none.
        """
        from archprof.builder.input_spec import parse_inputs
        from archprof.builder.options import Options, device_name, dtype_name

        return Options(
            size=selection.parse_size(self.imgsz),
            batch=self.batch,
            channels=self.channels,
            fuse=self.fuse,
            static=self.static,
            device=device_name(device),
            dtype=dtype_name(self.dtype),
            backward=backward,
            inputs=tuple(spec for text in self.inputs or () for spec in parse_inputs(text)),
        )


@dataclass(frozen=True, kw_only=True)
class ModelAtOneScale(Model):
    """The same for a command that is about one scale."""

    scale: o.OneScale = None


@dataclass(frozen=True, kw_only=True)
class Counting:
    """What runs while models are counted, how many at once, and what one may take."""

    plugins: o.Plugins = None
    no_plugins: o.NoPlugins = False
    jobs: o.Jobs = 1
    time_limit: o.TimeLimit = None
    memory_limit: o.MemoryLimit = None

    def config(self) -> "ExecutionConfig":
        """The same without the command line.

        Raises:
            UsageError: Where the amount of memory is invalid.
        """
        return selection.execution_config(
            self.plugins,
            no_plugins=self.no_plugins,
            jobs=self.jobs,
            time_limit=self.time_limit,
            memory_limit=self.memory_limit,
        )


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where the result goes, and in which format."""

    findings: ClassVar[bool] = False
    """Whether the command has findings, and so the formats of CI."""

    format: o.Format = None
    outputs: o.Outputs = None
    html: o.Html = None
    force: o.Force = False

    def plan(self) -> list[output.Destination]:
        """The destinations, checked before there is anything to write.

        Raises:
            UsageError: Where a file's extension says no format, or a file is named twice.
            OutputError: Where a file exists already, or cannot be written.
        """
        outputs = self.outputs or []
        if self.html == output.STDOUT:
            raise UsageError("--html takes a file", hint="--format html writes the page to stdout")
        if self.html:
            outputs = [*(outputs or [output.STDOUT]), f"html:{self.html}"]
        return output.plan(outputs, self.format, force=self.force, findings=self.findings)
