"""What is installed: the package itself, its type information, the zoo, and nothing that slows its import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from fnmatch import fnmatch
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

import archprof


def built(kind: str, checkout: Path, folder: Path) -> Path:
    build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    (path,) = folder.glob("archprof-*")
    return path


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    return ZipFile(built("wheel", checkout, tmp_path_factory.mktemp("wheel")))


def test_the_tests_run_against_what_is_installed(checkout: Path) -> None:
    text = distribution("archprof").read_text("direct_url.json")
    editable = bool(text) and json.loads(text).get("dir_info", {}).get("editable", False)

    assert Path(archprof.__file__).is_relative_to(checkout / "archprof") == editable


def test_every_folder_of_tests_is_looked_into(checkout: Path, pytestconfig: pytest.Config) -> None:
    patterns = pytestconfig.getini("norecursedirs")
    folders = {path.parent.name for path in (checkout / "tests").rglob("test_*.py")}

    assert {"builder", "pipeline"} <= folders
    assert not [name for name in folders for pattern in patterns if fnmatch(name, pattern)]


def test_the_wheel_holds_every_file_of_both_packages(checkout: Path, wheel: ZipFile) -> None:
    paths = [path for package in ("archprof", "model_zoo") for path in (checkout / package).rglob("*.*")]
    files = {path.relative_to(checkout).as_posix() for path in paths if path.suffix != ".pyc"}

    assert files - set(wheel.namelist()) == set()
    assert "archprof/py.typed" in files
    assert any(re.fullmatch(r"model_zoo/\w+/[\w.-]+\.yaml", name) for name in files)


def test_the_wheel_holds_nothing_else(wheel: ZipFile) -> None:
    folders = {name.partition("/")[0] for name in wheel.namelist()}

    assert folders == {"archprof", "model_zoo", f"archprof-{archprof.__version__}.dist-info"}


def test_the_source_distribution_holds_what_the_checks_read(checkout: Path, tmp_path: Path) -> None:
    with tarfile.open(built("sdist", checkout, tmp_path)) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("archprof", "benchmarks", "docs", "findings", "model_zoo", "tests", "tools", ".github")
    paths = [path for folder in folders for path in (checkout / folder).rglob("*.*") if path.is_file()]
    expected = {path.relative_to(checkout).as_posix() for path in paths if path.suffix != ".pyc"}

    assert expected - files == set()
    assert {"CONTRIBUTING.md", "LICENSE", "README.md", "noxfile.py", ".ci/run", ".pre-commit-config.yaml"} <= files


def test_the_wheel_holds_the_licence(checkout: Path, wheel: ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/licenses/LICENSE"))

    assert wheel.read(name) == (checkout / "LICENSE").read_bytes()


@pytest.mark.parametrize(
    "module", ["archprof", "archprof.records.profile", "archprof.errors", "archprof.cli", "archprof.latency.statistics"]
)
def test_importing_it_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert {"torch", "torchvision", "timm", "ultralytics"} & set(run.stdout.split()) == set()


def test_every_public_name_is_there() -> None:
    for name in archprof.__all__:
        assert getattr(archprof, name) is not None

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = archprof.nonsense  # type: ignore[attr-defined]


def test_the_changelog_begins_with_this_version(checkout: Path) -> None:
    headings = re.findall(r"^## (.+)$", (checkout / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert archprof.__version__ in headings[0]
    assert distribution("archprof").version == archprof.__version__
