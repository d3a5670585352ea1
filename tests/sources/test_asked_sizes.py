"""Sizes that a spec asks for make nothing enormous of a small file: they are bounded, and cheap to look through."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from graphspec.cli import main
from graphspec.diagnostics import Report, SourceText, Span
from graphspec.language.schema.limits import MAX_NUMBERS
from graphspec.sources import DataError, DataSource, Transforms, Window, load
from graphspec.sources.scan import scan
from graphspec.validation import validate

SPEC = """
graphspec: 1
inputs: {{x: {shape}}}
outputs: {{y: {{from: x, apply: [Flatten, {{Dense: 1}}], loss: mse}}}}
training: {{optimizer: adam}}
data: {{train: {{inputs: {{x: {{{source}}}}}, outputs: {{y: {{file: y.npy{target}}}}}}}}}
"""
MORE = MAX_NUMBERS + 1
SAMPLES = 3_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small files: an image of 4 x 4 pixels, lists of two numbers, and single ones."""
    Image.new("RGB", (4, 4)).save(tmp_path / "i.png")
    np.save(tmp_path / "lists.npy", np.ones((SAMPLES, 2), np.float32))
    np.save(tmp_path / "x.npy", np.arange(SAMPLES, dtype=np.int32) % 2)
    np.save(tmp_path / "wide.npy", np.zeros((3, 1000), np.int32))
    np.save(tmp_path / "deep.npy", np.zeros((3, 2, 1000), np.float32))
    np.save(tmp_path / "y.npy", np.ones((SAMPLES, 1), np.float32))
    return tmp_path


def checked(folder: Path, shape: str, source: str, target: str = "", *, values: bool = False) -> Report:
    """Everything found in a spec with such a source."""
    (folder / "spec.yaml").write_text(SPEC.format(shape=shape, source=source, target=target))
    return validate(folder / "spec.yaml", values=values)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        *((f"file: i.png, decode: image, size: {size}", "size")
          for size in ("[90000, 90000]", "[1000000000, 1]", "[1, 1000000000]", "[4097, 4096]", f"[{10**30}, 1]")),
        (f"file: lists.npy, pad: {MORE}", "pad"),
        (f"file: x.npy, one_hot: {MORE}", "one_hot"),
        (f"file: x.npy, window: {{size: {MORE}}}", "size"),
        (f"file: x.npy, window: {{size: 1, horizon: {2**31}}}", "horizon"),
        (f"file: x.npy, window: {{size: 1, stride: {2**31}}}", "stride"),
    ],
)  # fmt: skip
def test_greater_sizes_are_findings(folder: Path, source: str, key: str) -> None:
    """Plain `validate` refuses them where they stand, whatever the file holds."""
    (found,) = checked(folder, "[1]", source).errors
    assert found.rule.code == "GS104"
    assert found.span is not None
    line = (folder / "spec.yaml").read_text().splitlines()[found.span.line - 1]
    assert f"{key}: " in line[: found.span.column]


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("file: wide.npy, one_hot: 100000", "one_hot"),
        ("file: deep.npy, pad: 100000", "pad"),
        ("file: lists.npy, pad: 10000, one_hot: 10000", "one_hot"),
    ],
)
def test_sizes_that_multiply_are_findings(folder: Path, source: str, key: str) -> None:
    """What several of them make of a sample together is bounded, by the header of the file."""
    (found,) = (each for each in checked(folder, "[null, null, null]", source).errors if "would hold" in each.message)
    assert (found.rule.code, f"`{key}`" in found.help) == ("GS602", True)


def test_the_greatest_sizes_cost_little(folder: Path) -> None:
    """`validate --data` neither fills memory nor takes long for thousands of samples of the greatest size."""
    np.save(folder / "series.npy", np.zeros(MAX_NUMBERS + SAMPLES, np.uint8))
    cases = (
        ("[4096, 4096, 3]", "file: i.png, decode: image, size: [4096, 4096]", ""),
        (f"[{MAX_NUMBERS}]", f"file: lists.npy, pad: {MAX_NUMBERS}", ""),
        (f"[{MAX_NUMBERS}]", f"file: x.npy, one_hot: {MAX_NUMBERS}", ""),
        (f"[{MAX_NUMBERS}]", f"file: series.npy, window: {{size: {MAX_NUMBERS}}}", ""),
    )
    for shape, source, target in cases:
        tracemalloc.start()
        began = time.process_time()
        codes = {each.rule.code for each in checked(folder, shape, source, target, values=True).errors}
        taken, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert codes <= {"GS604"}, (source, codes)  # the numbers of samples differ
        assert most < 400 * 2**20, (source, most)
        assert taken < 2, (source, taken)


def test_profile_of_large_samples_is_short(folder: Path) -> None:
    """`graphspec data` shows the first of the values of a sample, and not millions."""
    source = f"file: lists.npy, pad: {MAX_NUMBERS}"
    (folder / "spec.yaml").write_text(SPEC.format(shape=f"[{MAX_NUMBERS}]", source=source, target=""))
    tracemalloc.start()
    done = CliRunner().invoke(main, ["data", str(folder / "spec.yaml")], catch_exceptions=False)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "first: [1, 1, 0, 0, 0, 0, ...]" in done.output
    assert most < 400 * 2**20


NAN = float("nan")


@pytest.mark.parametrize(
    ("made", "array", "is_sound"),
    [
        (Transforms(pad=3), [[1.0, NAN], [1.0, 2.0]], False),
        (Transforms(pad=1), [[1.0, NAN], [1.0, 2.0]], True),
        (Transforms(one_hot=3), [0, 2], True),
        (Transforms(one_hot=1), [0, 0], True),
        (Transforms(window=Window(2)), [1.0, 2.0, NAN, 1.0], False),
        (Transforms(window=Window(2, horizon=2)), [1.0, 2.0, 1.0, NAN], True),
        (Transforms(window=Window(1, stride=2)), [1.0, NAN, 1.0, 1.0], True),
        (Transforms(window=Window(2, stride=3)), [1.0, 1.0, NAN, 1.0, 1.0, 1.0], True),
        (Transforms(window=Window(2), scale=1e30), [1.0, 2.0, 1e30, 1.0], False),
    ],
)
def test_every_value_that_is_used_is_looked_through(
    tmp_path: Path, made: Transforms, array: Any, is_sound: bool
) -> None:
    """Though each is read once, what is no number is found, and what no sample holds is not."""
    np.save(tmp_path / "case.npy", np.array(array, np.float32))
    source = DataSource(tmp_path / "case.npy", "case.npy", Span(SourceText("--input", ""), 1, 1, 1, 1), transforms=made)
    with np.errstate(over="ignore"):
        assert scan(load(source)).is_finite == is_sound


@pytest.mark.parametrize("made", [Transforms(one_hot=3), Transforms(one_hot=3, pad=4), Transforms(one_hot=3, pad=1)])
def test_every_index_is_looked_through(tmp_path: Path, made: Transforms) -> None:
    """An index that is none is found though no row is made of it."""
    np.save(tmp_path / "case.npy", np.array([[2, 0], [3, 0]]))
    source = DataSource(tmp_path / "case.npy", "case.npy", Span(SourceText("--input", ""), 1, 1, 1, 1), transforms=made)
    with pytest.raises(DataError, match="3, which is no index from 0 to 2"):
        scan(load(source))
