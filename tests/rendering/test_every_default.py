"""Every default of Keras that a rendered spec writes out is a value that specs take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.refused import CODE_CARRYING, CONNECTING, NOT_APPLIED
from graphspec.diagnostics import Report, SourceText, Span
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Located
from graphspec.language.document.write_yaml import write_value
from graphspec.language.lower.objects import read_object
from graphspec.language.objects import Object
from graphspec.rendering.objects import ObjectRenderer
from graphspec.rendering.origins import Origins
from graphspec.rendering.tree import values
from graphspec.spec import load

from ..known_uses import ARGUMENTS, CASES

KINDS: tuple[Kind, ...] = ("layers", "losses", "metrics", "optimizers", "schedules", "callbacks", "initializers")


def read(kind: Kind, text: str) -> Object | None:
    """The object that a text denotes; None where it is refused."""
    report, source = Report(), SourceText("spec", text)
    written: Any = read_yaml(source, report)
    found = read_object(kind, Located(written, Span(source, 1, 1, 1, len(text) + 1)), report)
    return found if not report.errors else None


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> ObjectRenderer:
    """Renders objects of a spec."""
    path = tmp_path_factory.mktemp("spec") / "spec.yaml"
    path.write_text("graphspec: 1\ninputs: {x: [1]}\noutputs: {y: x}\n", encoding="utf-8")
    return ObjectRenderer(Origins(load(path)), Path(), lambda layer: layer.name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_can_be_written(kind: Kind, renderer: ObjectRenderer) -> None:
    """Objects of Keras are rendered with all arguments, and are read back as the same."""
    tried = 0
    for name in catalog.names(kind):
        if name in CODE_CARRYING or name in NOT_APPLIED or name in CONNECTING:
            continue
        written = (
            CASES[name].written if kind == "layers" and name in CASES else yaml.safe_load(ARGUMENTS.get(name, "null"))
        )
        before = read(kind, write_value({name: written}) if written is not None else name)
        if before is None:  # it takes a declared layer
            continue
        rendered = values(renderer.object(before, name="a" if kind == "layers" else None))
        after = read(kind, write_value(rendered))
        assert after is not None, (name, rendered)
        assert set(after.arguments) >= set(before.arguments)
        assert values(renderer.object(after, name="a" if kind == "layers" else None)) == rendered
        tried += 1
    assert tried > 4
