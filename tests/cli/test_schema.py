from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest

from archprof.cli.schema import SchemaChoice
from archprof.records.profile import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.mark.parametrize("record", SchemaChoice)
def test_the_published_schema_is_what_the_command_prints(
    archprof: Callable[[str], Result], checkout: Path, record: str
) -> None:
    """Mend it with ``archprof schema WHICH > docs/reference/WHICH.schema.json``."""
    figures = archprof(f"schema {record}").stdout
    assert figures == (checkout / f"docs/reference/{record}.schema.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(figures))


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
    assert msgspec.json.decode(result.stdout)["version"] == 2
