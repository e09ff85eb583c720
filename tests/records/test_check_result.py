from __future__ import annotations

import pytest

from archprof.records.check_result import CheckResult


@pytest.mark.parametrize(
    ("folder", "path", "result"),
    [
        (".", "models/a.yaml", "models/a.yaml"),
        (".", "./a.yaml", "a.yaml"),
        ("below", "a.yaml", "below/a.yaml"),
        ("below", "../a.yaml", "a.yaml"),
        ("below/more", "../a\\b.yaml", "below/a/b.yaml"),
        (".", "/srv/repo/models/a.yaml", "models/a.yaml"),
        # Outside of the repository nothing goes by its root.
        (".", "/srv/other/a.yaml", "/srv/other/a.yaml"),
        (".", "/srv/repository/a.yaml", "/srv/repository/a.yaml"),
        ("below", "../../other/a.yaml", "/srv/other/a.yaml"),
        # The check ran outside of it.
        ("../elsewhere", "../repo/a.yaml", "a.yaml"),
    ],
)
def test_paths_go_by_the_root_of_the_repository(folder: str, path: str, result: str) -> None:
    check = CheckResult(config="archprof.toml", root="/srv/repo", folder=folder, exit_code=0, cases=[])
    assert check.from_root(path) == result
