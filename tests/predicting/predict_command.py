"""`graphspec predict` in this process, and what it takes and writes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import keras
from click.testing import CliRunner, Result

from graphspec.cli import main


def call(*arguments: object) -> Result:
    """Run `graphspec` in this process."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


def wrote(*arguments: object) -> None:
    """Run `graphspec predict`, which must succeed."""
    result = call("predict", *arguments)
    assert result.exit_code == 0, result.output


def refused(*arguments: object, code: int = 1) -> str:
    """What `graphspec predict` says; it must fail with that status, and without a traceback."""
    result = call("predict", *arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def saved(path: Path, inputs: Any, outputs: Any) -> Path:
    """A functional model of plain Keras in a file."""
    keras.Model(inputs, outputs).save(path)
    return path


def read_csv(path: Path) -> dict[str, list[str]]:
    """The columns of a table as text."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert len(set(header)) == len(header)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
