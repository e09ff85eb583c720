"""Looks at the machine that archprof runs on, and says what is wrong with it and what to type to mend it."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from archprof import cache
from archprof.builder.options import COUNTER_SECONDS
from archprof.records.profile import Tool

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from archprof.counters import CounterResult

PURPOSES: Mapping[str, str] = {
    "audit": "`archprof audit` runs fewer counters without it",
    "onnx": "`archprof bench --backend onnxruntime` needs it",
    "openvino": "`archprof bench --backend openvino` needs it",
    "cuda": "a GPU's clocks are not read without it",
}
"""What each extra of the package is for."""

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+).*?(?:extra\s*==\s*[\"'](?P<extra>[^\"']+)[\"'])?\s*")
_MISSING = re.compile(r"No module named '(?P<module>[^'.]+)")
_LIBRARY = re.compile(r"(?P<library>lib[\w.+-]+\.so[\w.]*): cannot open shared object file")

SYSTEM_PACKAGES: Mapping[str, str] = {
    "libGL.so.1": "libgl1 libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libxcb.so.1": "libxcb1",
    "libSM.so.6": "libsm6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
}
"""Debian's and Ubuntu's packages of libraries that a bare container lacks, and packages that archprof needs load."""

IMPORTED = ("torchvision", "timm", "onnx", "onnxruntime")
"""Packages with compiled code that are needed beside torch, and that no counter alone tells to be broken."""

_IMPORTS = """
import importlib, json, sys
errors = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        errors[name] = f"{type(error).__name__}: {error}".splitlines()[0]
print(json.dumps(errors))
"""

State = Literal["ok", "note", "broken"]
"""As it should be; something that is missing and not needed; something that makes figures wrong or impossible."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found. ``command`` is what to type, where something can be repaired."""

    check: str
    state: State
    message: str
    command: str | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found. ``packages`` has None for what is not installed."""

    tool: Tool = msgspec.field(default_factory=Tool)
    python: str
    platform: str
    packages: dict[str, str | None]
    findings: list[Finding]

    @property
    def broken(self) -> list[Finding]:
        """What has to be mended."""
        return [finding for finding in self.findings if finding.state == "broken"]


def diagnose(*, time_limit: float = COUNTER_SECONDS) -> Diagnosis:
    """Run every check.

    Args:
        time_limit: Seconds that each counter may take over the probe model.
    """
    before = _settings()
    needed = requirements()
    names = dict.fromkeys(name for names in needed.values() for name in names)
    packages = {name: _version(name) for name in names}
    findings = missing_packages(packages, needed)
    if packages.get("torch") is None:
        findings.append(Finding(check="devices", state="broken", message="not looked for without torch"))
    else:
        with ThreadPoolExecutor(1) as pool:  # both take seconds
            broken = pool.submit(broken_imports, [name for name in IMPORTED if packages.get(name) is not None])
            findings += _with_torch(time_limit, needed, packages)
        findings += [import_finding(name, message) for name, message in broken.result().items()]
    return Diagnosis(
        python=platform.python_version(),
        platform=platform.platform(),
        packages=packages,
        findings=[*findings, _cache(), _untouched(before)],
    )


def _with_torch(
    time_limit: float, needed: Mapping[str, Sequence[str]], packages: Mapping[str, str | None]
) -> list[Finding]:
    try:
        devices = _devices()
    except ImportError as error:
        return [import_finding("torch", f"{type(error).__name__}: {error}")]
    return [devices, thop_owner(), *_counters(time_limit, needed, packages)]


def requirements(lines: Sequence[str] | None = None) -> dict[str, list[str]]:
    """The distributions that archprof needs, under ``""``, and those of each of its extras, under the extra's name.

    Args:
        lines: Requirements as packages state them (PEP 508); by default archprof's own.
    """
    if lines is None:
        lines = metadata.requires("archprof") or []
    names: dict[str, list[str]] = {"": []}
    for line in lines:
        if match := _REQUIREMENT.fullmatch(line):
            names.setdefault(match["extra"] or "", []).append(match["name"])
    return names


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def missing_packages(packages: Mapping[str, str | None], needed: Mapping[str, Sequence[str]]) -> list[Finding]:
    """What is not installed: what archprof needs, and what its extras do, an extra's packages in one finding."""
    findings = [
        Finding(
            check=name, state="broken", message=f"the package {name} is not installed", command=f"pip install {name}"
        )
        for name in needed[""]
        if packages[name] is None
    ]
    for extra, purpose in PURPOSES.items():
        absent = [name for name in needed.get(extra, []) if packages[name] is None]
        if absent and (extra != "cuda" or _has_gpu()):
            message = f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed: {purpose}"
            findings.append(
                Finding(check=extra, state="note", message=message, command=f"pip install 'archprof[{extra}]'")
            )
    return findings


def broken_imports(names: Sequence[str]) -> dict[str, str]:
    """Of packages that are installed those that cannot be imported, each with the error; a process of its own tries."""
    run = subprocess.run([sys.executable, "-P", "-c", _IMPORTS, *names], capture_output=True, text=True)
    lines = run.stdout.splitlines()
    if lines:
        return dict(json.loads(lines[-1]))
    return {" or ".join(names): f"the process that imported them ended with {run.returncode}"}


def import_finding(name: str, error: str) -> Finding:
    """A needed package that is installed and cannot be imported."""
    return Finding(
        check=name,
        state="broken",
        message=f"cannot be imported: {error}",
        command=repair(error) or f"pip install --force-reinstall {name}",
    )


def repair(error: str) -> str | None:
    """What to type where an import fails for want of a system library or of a package; None for any other reason."""
    if missing := _LIBRARY.search(error):
        package = SYSTEM_PACKAGES.get(missing["library"])
        return f"apt-get install {package}" if package else None
    if module := _MISSING.search(error):
        return f"pip install {module['module']}"
    return None


def _has_gpu() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def _devices() -> Finding:
    import torch

    cpu = f"cpu with {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    if not torch.cuda.is_available():
        why = "torch is built without it" if torch.version.cuda is None else "no GPU was found"
        return Finding(check="devices", state="ok", message=f"{cpu}; no cuda: {why}")
    named = [
        f"cuda:{index} {torch.cuda.get_device_name(index)}, {torch.cuda.mem_get_info(index)[1] / 2**30:.0f} GiB"
        for index in range(torch.cuda.device_count())
    ]
    return Finding(check="devices", state="ok", message="; ".join([cpu, *named]))


def thop_owner(path: list[str] | None = None) -> Finding:
    """Whether the import name ``thop`` is ultralytics-thop's alone.

    Args:
        path: Where to look; by default where Python imports from.
    """
    from archprof.counters.owner import claimants

    owners = claimants("thop", path)
    names = " and ".join(f"{owner.name} {owner.version}" for owner in owners)
    intact = [owner.name for owner in owners if owner.intact]
    anew = "pip uninstall -y thop ultralytics-thop && pip install ultralytics-thop"
    if not owners:
        return Finding(
            check="import thop",
            state="broken",
            message="the package ultralytics-thop is not installed",
            command="pip install ultralytics-thop",
        )
    if len(owners) > 1:
        whose = f"it is {intact[0]}'s" if intact else "it is a mixture of them"
        return Finding(
            check="import thop", state="broken", message=f"{names} both install it, and {whose}", command=anew
        )
    if owners[0].name != "ultralytics-thop":
        message = f"it is {names}'s; Ultralytics prints no GFLOPs with it"
        return Finding(check="import thop", state="broken", message=message, command=anew)
    if not intact:
        return Finding(check="import thop", state="broken", message=f"its files are not from {names}", command=anew)
    return Finding(check="import thop", state="ok", message=f"the import name is {names}'s alone")


def _counters(
    time_limit: float, needed: Mapping[str, Sequence[str]], packages: Mapping[str, str | None]
) -> list[Finding]:
    """What each counter gives; one whose package is missing was told with the packages."""
    from archprof.counters import COUNTERS
    from archprof.counters.probe import probe_case
    from archprof.counters.process import run_isolated

    told = {name for name, version in packages.items() if version is None}
    names = [name for name in COUNTERS if COUNTERS[name].distribution not in told]
    results = run_isolated(probe_case, names, time_limit=time_limit)
    return [counter_finding(result, frozenset(needed[""])) for result in results]


def counter_finding(result: CounterResult, required: Collection[str] = ()) -> Finding:
    """Whether a counter gives for the probe model what it costs.

    Args:
        result: What it gave.
        required: The distributions without which archprof is broken.
    """
    from archprof.counters import COUNTERS
    from archprof.counters.probe import EXPECTED

    counter = COUNTERS[result.name]
    state: State = "broken" if counter.distribution in required else "note"
    if counter.absent():
        message = f"the package {counter.distribution} is not installed"
        return Finding(check=result.name, state=state, message=message, command=f"pip install {counter.distribution}")
    command = f"pip install --upgrade {counter.distribution}"
    if result.error and (missing := _MISSING.search(result.error)):
        message = f"{result.version} needs the package {missing['module']}, which is not installed"
        command = f"pip install {missing['module']}"
    elif result.error:
        message = f"{result.version} fails on three layers: {result.error}"
        command = repair(result.error) or command
    elif result.macs != EXPECTED:
        message = f"{result.version} gives {result.macs:,} MACs for three layers that have {EXPECTED:,}"
    else:
        return Finding(
            check=result.name, state="ok", message=f"{result.version} gives {EXPECTED:,} MACs for three layers"
        )
    return Finding(check=result.name, state=state, message=message, command=command)


def _cache() -> Finding:
    folder = cache.folder()
    parent_there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if parent_there.is_dir() and os.access(parent_there, os.W_OK | os.X_OK):
        return Finding(check="cache", state="ok", message=f"{folder} can be written to")
    return Finding(
        check="cache",
        state="note",
        message=f"{folder} cannot be written to; a temporary folder is used each time",
        command="export ARCHPROF_CACHE_DIR=FOLDER, one that you may write to",
    )


def _settings_file() -> Path:
    """Where Ultralytics keeps the user's settings when it is not archprof that imports it."""
    from platformdirs import user_config_path

    named = os.environ.get("YOLO_CONFIG_DIR")
    folder = Path(named).expanduser() / "Ultralytics" if named else user_config_path("Ultralytics", False, roaming=True)
    return folder / "settings.json"


def _settings() -> tuple[int, int] | None:
    try:
        status = _settings_file().stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _untouched(before: tuple[int, int] | None) -> Finding:
    file = _settings_file()
    if _settings() == before:
        message = f"{file} is as it was" if before else f"{file} is not there, and was not made"
        return Finding(check="settings", state="ok", message=message)
    return Finding(
        check="settings",
        state="broken",
        message=f"{file} was changed while Ultralytics' counter ran",
        command="say so at the project's issues: archprof should not touch it",
    )
