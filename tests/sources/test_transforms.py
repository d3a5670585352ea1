"""Transforms, shards and vocabularies: headers tell what columns give, and values are what NumPy makes by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphspec.diagnostics import SourceText, Span
from graphspec.sources import AUTO, DataError, DataSource, Split, Transforms, Window, header, in_order, load
from graphspec.sources.vocabularies import vocabularies_of, with_vocabularies

SPAN = Span(SourceText("--input", ""), 1, 1, 1, 1)


def saved(folder: Path, array: Any, name: str = "x.npy", **more: Any) -> DataSource:
    """A source of an array, which is saved for it."""
    np.save(folder / name, array)
    return DataSource(folder / name, name, SPAN, **more)


def values(source: DataSource) -> np.ndarray[Any, Any]:
    """All that a source gives; its header must have told the shape and the dtype."""
    column = load(source)
    told = header(source)
    found = in_order(column, 0, len(column))
    assert found.shape == tuple(column.shape)
    assert len(told.shape) == found.ndim - 1
    assert all(size in (None, have) for size, have in zip(told.shape, found.shape[1:], strict=True))
    assert told.samples in (None, len(found))
    assert told.dtype in (None, "string" if found.dtype.kind in "USO" else str(found.dtype))
    backwards = np.arange(len(found))[::-1]
    np.testing.assert_array_equal(column[backwards], found[::-1])
    return found


@settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(1, 60),
    size=st.integers(1, 12),
    stride=st.integers(1, 7),
    horizon=st.integers(0, 5),
    wide=st.booleans(),
)
def test_windows_are_those_cut_by_hand(
    tmp_path_factory: pytest.TempPathFactory, steps: int, size: int, stride: int, horizon: int, wide: bool
) -> None:
    """Every window that has a target is a sample, in order; the target is `horizon` steps after its last step."""
    folder = tmp_path_factory.mktemp("windows")
    series = np.arange(steps * 2).reshape(steps, 2) if wide else np.arange(steps)
    made = Transforms(window=Window(size, stride, horizon))
    starts = [start for start in range(0, steps, stride) if start + size - 1 + horizon < steps]
    source = saved(folder, series, transforms=made)
    if not starts:
        with pytest.raises(DataError, match="too few for one window"):
            header(source)
        return
    np.testing.assert_array_equal(values(source), np.stack([series[start : start + size] for start in starts]))
    targets = values(replace(source, is_target=True))
    np.testing.assert_array_equal(targets, np.stack([series[start + size - 1 + horizon] for start in starts]))


@pytest.mark.parametrize(
    ("array", "made", "expected"),
    [
        ([0, 2, 1], Transforms(one_hot=3), [[1, 0, 0], [0, 0, 1], [0, 1, 0]]),
        ([[0], [1]], Transforms(one_hot=2), [[1, 0], [0, 1]]),
        ([[0, 1], [1, 1]], Transforms(one_hot=2), [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]),
        ([[[0], [1]], [[1], [1]]], Transforms(one_hot=2), [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]),
        ([[[[1], [0]]]], Transforms(one_hot=2), [[[[0, 1], [1, 0]]]]),
        ([1, 255], Transforms(scale=0.5), [0.5, 127.5]),
        ([1.7, -2.2], Transforms(cast="int32"), [1, -2]),
        ([1, 3], Transforms(scale=0.5, cast="float64"), [0.5, 1.5]),
        ([[1, 2], [3, 4]], Transforms(pad=3), [[1, 2, 0], [3, 4, 0]]),
        ([[1, 2], [3, 4]], Transforms(pad=1), [[1], [3]]),
        ([[1, 2], [3, 4]], Transforms(pad=2), [[1, 2], [3, 4]]),
        (["b", "a"], Transforms(vocabulary=("a", "b")), [1, 0]),
        ([["b"], ["a"]], Transforms(pad=2), [["b", ""], ["a", ""]]),
        ([[30], [10]], Transforms(vocabulary=(10, 20, 30)), [[2], [0]]),
        ([3.0, 7.0], Transforms(vocabulary=("3", "7")), [0, 1]),
        (["b", "a"], Transforms(vocabulary=("a", "b"), one_hot=2), [[0, 1], [1, 0]]),
        ([5, 6], Transforms(cast="string"), ["5", "6"]),
    ],
)
def test_transforms_are_applied_in_their_order(tmp_path: Path, array: Any, made: Transforms, expected: Any) -> None:
    """What comes out is what is written, and the header has told it."""
    np.testing.assert_array_equal(values(saved(tmp_path, np.array(array), transforms=made)), np.array(expected))


@pytest.mark.parametrize("shape", [(), (1,), (4,), (4, 1), (4, 5), (4, 5, 1), (1, 1)])
def test_one_hot_is_that_of_keras(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """An index, in a list of its own or not, becomes a row as `keras.utils.to_categorical` makes it."""
    array = np.random.default_rng(0).integers(0, 3, (2, *shape))
    found = values(saved(tmp_path, array, transforms=Transforms(one_hot=3)))
    np.testing.assert_array_equal(found, keras.utils.to_categorical(array, 3))


@pytest.mark.parametrize(
    ("array", "made", "part", "words"),
    [
        ([0, 3], Transforms(one_hot=3), "one_hot", "holds 3, which is no index from 0 to 2"),
        ([0, -1], Transforms(one_hot=3), "one_hot", "holds -1"),
        ([0.5], Transforms(one_hot=3), "one_hot", "holds 0.5"),
        (["cat", "dgo"], Transforms(vocabulary=("cat", "dog")), "vocabulary", "`dgo`, which is not in the vocabulary"),
    ],
)
def test_values_that_do_not_fit_are_named(tmp_path: Path, array: Any, made: Transforms, part: str, words: str) -> None:
    """An index beyond the last, or a word that no vocabulary has, is found when it is read."""
    source = saved(tmp_path, np.array(array), transforms=made)
    with pytest.raises(DataError, match=words) as found:
        values(source)
    assert found.value.part == part
    assert "x.npy" in found.value.message
    assert found.value.help


@pytest.mark.parametrize(
    ("array", "made", "part"),
    [
        ([1, 2], Transforms(pad=3), "pad"),
        (["a"], Transforms(scale=2.0), "scale"),
        (["a"], Transforms(one_hot=2), "one_hot"),
    ],
)
def test_transforms_that_make_no_sense_are_found_by_the_header(
    tmp_path: Path, array: Any, made: Transforms, part: str
) -> None:
    """What the header alone tells is found before anything is read."""
    with pytest.raises(DataError) as found:
        header(saved(tmp_path, np.array(array), transforms=made))
    assert found.value.part == part


def test_shards_are_read_in_sorted_order_as_one(tmp_path: Path) -> None:
    """A glob stands for all files that it matches, in the order of their names, whatever their dtypes widen to."""
    parts = [np.arange(3), np.arange(3, 5), np.array([5.5, 6.5])]
    for name, part in zip(("b-10.npy", "b-2.npy", "c.npy"), parts, strict=True):
        np.save(tmp_path / name, part)
    source = DataSource(tmp_path / "*.npy", "*.npy", SPAN)
    np.testing.assert_array_equal(values(source), np.concatenate(parts))
    column = load(source)
    np.testing.assert_array_equal(column[np.array([6, 0, 4, 4])], [6.5, 0, 4, 4])
    (tmp_path / "a" / "b[1]").mkdir(parents=True)
    np.save(tmp_path / "a" / "b[1]" / "b-3.npy", np.arange(4))
    assert len(load(DataSource(tmp_path / "**" / "b-*.npy", "**/b-*.npy", SPAN))) == 9
    assert len(load(DataSource(tmp_path / "a" / "b[1]" / "*.npy", "*.npy", SPAN))) == 4


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    """`x[1].npy` is read where it is there."""
    np.testing.assert_array_equal(values(saved(tmp_path, np.arange(3), "x[1].npy")), np.arange(3))


def test_shards_that_disagree_are_both_named(tmp_path: Path) -> None:
    """Other shapes and other kinds of values under one glob are refused."""
    np.save(tmp_path / "part-1.npy", np.zeros((2, 3)))
    np.save(tmp_path / "part-2.npy", np.zeros((2, 4)))
    with pytest.raises(DataError, match=r"part-2.npy holds float64 of shape \[4\] a sample where part-1.npy holds"):
        load(DataSource(tmp_path / "part-*.npy", "part-*.npy", SPAN))
    np.save(tmp_path / "part-2.npy", np.array(["a", "b"]))
    with pytest.raises(DataError, match="string"):
        load(DataSource(tmp_path / "part-*.npy", "part-*.npy", SPAN))
    with pytest.raises(DataError, match="no file matches none-"):
        header(DataSource(tmp_path / "none-*.npy", "none-*.npy", SPAN))


def test_the_vocabulary_of_the_training_split_serves_all(tmp_path: Path) -> None:
    """`auto` takes the words in sorted order, whole numbers by their size; another split's words must be among them."""
    auto = Transforms(vocabulary=AUTO)
    words = saved(tmp_path, np.array(["dog", "cat", "dog"]), "w.npy", transforms=auto)
    codes = saved(tmp_path, np.array([30, 4, 200]), "c.npy", transforms=auto)
    train = Split("train", {"codes": codes}, {"words": words}, {}, SPAN)
    known = vocabularies_of(train)
    assert known == {"inputs.codes": ("4", "30", "200"), "outputs.words": ("cat", "dog")}
    both = with_vocabularies(train, known)
    np.testing.assert_array_equal(values(both.inputs["codes"]), [1, 0, 2])
    np.testing.assert_array_equal(values(both.outputs["words"]), [1, 0, 1])
    other = saved(tmp_path, np.array(["cow"]), "v.npy", transforms=auto)
    split = with_vocabularies(Split("validation", {}, {"words": other}, {}, SPAN), known)
    with pytest.raises(DataError, match=r"v\.npy holds `cow`"):
        values(split.outputs["words"])


def test_a_file_that_is_cut_short_while_it_is_mapped_ends_no_process(tmp_path: Path) -> None:
    """Reading a page that is gone would kill the interpreter; it is a finding that names the file."""
    column = load(saved(tmp_path, np.zeros((1000, 100)), "big.npy"))
    with open(tmp_path / "big.npy", "r+b") as file:
        file.truncate(5000)
    with pytest.raises(DataError, match=r"big\.npy was cut short while it was read: it holds 5,000 bytes"):
        column[np.array([999])]


def test_a_file_that_is_replaced_goes_on_as_it_was(tmp_path: Path) -> None:
    """Who writes a new file under the old name disturbs no reading."""
    column = load(saved(tmp_path, np.arange(1000), "x.npy"))
    np.save(tmp_path / "new.npy", np.zeros(3))
    (tmp_path / "new.npy").replace(tmp_path / "x.npy")
    np.testing.assert_array_equal(column[np.array([999])], [999])
