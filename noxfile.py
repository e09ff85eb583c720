"""The project's checks: `nox -l` lists them, and continuous integration runs the same ones.

Environments are kept between runs, because torch brings several gigabytes; `nox -R` is faster still and
`nox --no-reuse-existing-virtualenvs` starts afresh.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

PYPROJECT = nox.project.load_toml("pyproject.toml")

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "docs", "tests"]


def group(*names: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, *names))


def install_browser(session: nox.Session) -> None:
    """Install Debian's Chromium where it is missing and may be installed; without it the tests of pages are skipped."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        session.warn("tests of pages are skipped without a browser: apt-get install chromium chromium-driver")
        return
    session.run("apt-get", "-qq", "update", external=True)
    packages = ("chromium", "chromium-driver", "fonts-liberation")
    apt = ("apt-get", "-qq", "-y", "install", "--no-install-recommends")
    session.run(*apt, *packages, external=True, silent=True, env={"DEBIAN_FRONTEND": "noninteractive"})


def run_tests(session: nox.Session, *arguments: str) -> None:
    """Run pytest on the installed package, with the old thop, and with ONNX files of strangers."""
    install_browser(session)
    session.install(".", *group("test"))
    # The import name is taken by the current version, so the old one lies in a folder of its own; the tests
    # put it on the path of a process of its own.
    thop = Path(session.virtualenv.location, "thop-2.0")
    if not thop.exists():
        session.install("--no-deps", f"--target={thop}", *group("thop-2-0"))
    onnx_models = Path(session.virtualenv.location, "onnx-models")
    if not onnx_models.exists():
        session.install("--no-deps", f"--target={onnx_models}", *group("onnx-models"))
    # A process each for the cores there are, up to four: each brings its own torch, about a gigabyte.
    workers = ("--numprocesses=auto", "--maxprocesses=4")
    folders = {"ARCHPROF_THOP_2_0": str(thop), "ARCHPROF_ONNX_MODELS": str(onnx_models)}
    session.run("pytest", *workers, *arguments, *session.posargs, env=folders)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("pre-commit", "validate-config")
    session.run("pre-commit", "validate-manifest")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install(*group("types"))
    session.install("--no-deps", "torch")  # its types, without 4 GB of libraries that mypy does not read
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on the Python that runs nox (another one: `nox -s tests -P 3.12`)."""
    run_tests(session)


@nox.session(python=nox.project.python_versions(PYPROJECT), default=False)
def versions(session: nox.Session) -> None:
    """Run the tests on every supported Python."""
    run_tests(session)


@nox.session(default=False)
def full(session: nox.Session) -> None:
    """Run the tests with the slow matrices that CI runs a part of."""
    run_tests(session, "-m", "full or not full")


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Profile 10,000 YAMLs that nobody meant, or as many as are named; the tests take 200."""
    session.install(".", *group("test"))
    cases = session.posargs[0] if session.posargs else "10000"
    generated = ("tests/fuzz", "tests/builder/test_dialect.py", "tests/sources/test_scale_in_name.py")
    session.run("pytest", *generated, "-n0", env={"ARCHPROF_FUZZ": cases})


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Count every model of timm and torchvision, or those named, and list what has no formula."""
    session.install(".")
    session.run("python", "tools/coverage_of_models.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a broken link is an error."""
    session.install(*group("docs"))
    arguments = session.posargs or ["build", "--strict", f"--site-dir={session.create_tmp()}"]
    session.run("mkdocs", *arguments, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Run the benchmarks, or those named: `nox -s bench -- startup`."""
    session.install(".", "selenium")
    wanted = session.posargs or sorted(path.stem for path in Path("benchmarks").glob("*.py"))
    for name in wanted:
        session.run("python", f"benchmarks/{name}.py")


@nox.session(default=False, venv_backend="none")
def findings(session: nox.Session) -> None:
    """Reproduce what surprises in other libraries, all of it or what is named: `nox -s findings -- vega-log-zero`."""
    scripts = [f"findings/{name}.sh" for name in session.posargs] or sorted(map(str, Path("findings").glob("*.sh")))
    changed = []
    for script in scripts:
        try:
            session.run("bash", script, external=True)
        except nox.command.CommandFailed:
            changed.append(script)
    if changed:
        session.error(f"not as described: {', '.join(changed)}")
