from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest

from archprof.profiles import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def test_the_published_schema_is_what_the_command_prints(archprof: Callable[[str], Result], checkout: Path) -> None:
    """Mend it with ``archprof schema > docs/reference/profile.schema.json``."""
    published = (checkout / "docs/reference/profile.schema.json").read_text(encoding="utf-8")
    assert archprof("schema").stdout == published


@pytest.mark.parametrize("reference", ["tiny.yaml", "yolov13-pose-PST.yaml --set kpt_shape=[21,3]", "timm:resnet18"])
def test_profiles_are_valid_by_the_schema(archprof: Callable[[str], Result], reference: str) -> None:
    result = archprof(f"summary {reference} --format json")
    assert result.exit_code == 0, result.stderr
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(result.stdout))
    broken = {**json.loads(result.stdout), "totals": {"modules": "many"}}
    assert not validator.is_valid(broken)
    assert msgspec.json.decode(result.stdout)["version"] == 1
