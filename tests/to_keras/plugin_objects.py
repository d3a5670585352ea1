"""What tests of plugins share: Keras made to forget what they register, and the finding of a build."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import graphspec
from graphspec.diagnostics import SpecError


def forget(package: str = "my>") -> None:
    """Make Keras forget what the module registers."""
    objects = keras.saving.get_custom_objects()
    for name in [each for each in objects if each.startswith(package)]:
        del objects[name]


def refusal(path: Path) -> tuple[str, str]:
    """The code and the text of the one finding that building `path` gives, which has a place and a mend."""
    with pytest.raises(SpecError) as refused:
        graphspec.build(path)
    (found,) = refused.value.report
    assert found.span is not None
    assert found.help or found.expected
    return found.rule.code, str(refused.value)
