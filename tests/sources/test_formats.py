"""Formats: found by their ending, also in other packages; each module is imported when a source needs it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec.sources import FORMATS, DataSource, Format, Header, format_of
from graphspec.sources import format as formats

Write = Callable[..., Path]


def header(source: DataSource) -> Header:
    """One number a line."""
    return Header(len(source.path.read_text(encoding="utf-8").splitlines()), (), "float64")


def blocks(source: DataSource) -> Iterator[np.ndarray[Any, Any]]:
    """The numbers, in one block."""
    yield np.array([float(line) for line in source.path.read_text(encoding="utf-8").splitlines()])


LINES = Format(".lines", (), header, blocks=blocks)


class Entry:
    """An entry point as an installed package would bring it."""

    name = "lines"

    def load(self) -> Format:
        return LINES


def test_a_package_brings_a_format(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of the group is found by the ending, checked by validation and trained on."""
    format_of.cache_clear()
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Entry()] if group == formats.GROUP else [])
    (tmp_path / "x.lines").write_text("1\n2\n3\n4\n", encoding="utf-8")
    np.save(tmp_path / "y.npy", np.zeros(4))
    text = """
        graphspec: 1
        inputs: {x: [1]}
        outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
        training: {optimizer: sgd}
        data: {train: {inputs: {x: x.lines}, outputs: {y: y.npy}}}
        """
    path = write(text)
    assert len(graphspec.validate(path)) == 0
    assert graphspec.train(path, run_dir=tmp_path / "run").record["samples"]["train"] == 4
    np.save(tmp_path / "y.npy", np.zeros(5))
    assert [each.rule.code for each in graphspec.validate(path)] == ["GS604"]
    format_of.cache_clear()
    monkeypatch.undo()
    assert [each.rule.code for each in graphspec.validate(write(text))] == ["GS608"]
    format_of.cache_clear()


@pytest.mark.smoke
@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_is_there(ending: str) -> None:
    """Each ending has a module whose `FORMAT` can be had without its library."""
    found = format_of(ending)
    assert found is not None
    assert found.name
