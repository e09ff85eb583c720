"""What is installed: the package itself, its type information, the zoo, and nothing that slows its import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

import archprof


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    (path,) = folder.glob("archprof-*.whl")
    return ZipFile(path)


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
