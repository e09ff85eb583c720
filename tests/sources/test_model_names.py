"""The names are those that the libraries list once they are imported."""

from __future__ import annotations

import timm
from torchvision import models

from archprof.sources.model_names import is_absent, registered
from archprof.sources.origins.timm import TimmSpec


def test_the_names_in_the_files_are_those_that_the_libraries_list() -> None:
    assert set(timm.list_models()) <= set(registered("timm.models"))
    assert set(models.list_models()) <= set(registered("torchvision.models"))
    assert registered("nowhere.models") == ()


def test_only_what_stands_nowhere_is_absent() -> None:
    known = [*timm.list_models(), *timm.list_models(pretrained=True)]
    assert not [name for name in known if TimmSpec(name=name, reference=name, target=name).missing()]
    assert is_absent("resnet5", "timm.models")
    assert is_absent("resnet5", "torchvision.models")
    assert not is_absent("resnet5", "nowhere.models")
    # A deprecated name is registered by a table, not by a decorator.
    assert not is_absent("tv_resnet50", "timm.models")
