"""The predictions on the page of a run, and a picture of each kind of output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec import Run
from graphspec.runs.report import report_page
from graphspec.runs.report.pictures import (
    Confusion,
    ErrorHistogram,
    LabelCounts,
    MultiLabel,
    NoPicture,
    OutputPictures,
    Scatter,
    output_pictures,
)
from graphspec.runs.report.prediction_section import prediction_section
from graphspec.runs.report.predictions import Predictions

from .report_pages import Reader


def cells(page: Reader, text: str, row_: str) -> list[int]:
    """The counts in a row of the confusion matrix whose head is `row_`."""
    found = re.search(rf'<th scope="row" title="{re.escape(row_)}">.*?</tr>', text)
    assert found is not None
    return [int(each) for each in re.findall(r'<td class="s\d[^>]*>(\d+)<', found[0])]


def test_predictions_are_those_of_the_model(with_model: Path) -> None:
    """The confusion matrices and the points are those that the run's own predictions give."""
    from sklearn.metrics import confusion_matrix

    from graphspec.datasets.samples import read_training_data

    run = Run(with_model)
    held = read_training_data(run.spec).validation
    assert held is not None
    predicted = run.predict("validation")
    everything = np.arange(held.count)
    kind = held.batch(held.outputs["kind"], everything)
    wanted = confusion_matrix(kind, predicted["kind"].argmax(-1), labels=[0, 1, 2])
    text = report_page(run)
    page = Reader(text)
    assert [cells(page, text, word) for word in ("hat", "&lt;b&gt;shoe&lt;/b&gt;", "coat")] == wanted.tolist()
    sold = held.batch(held.outputs["sold"], everything).reshape(-1)
    wanted = confusion_matrix(sold, predicted["sold"].reshape(-1) > 0.5, labels=[0, 1])
    assert [cells(page, text, word) for word in ("0", "1")] == wanted.tolist()
    error = predicted["size"][:, 0] - held.batch(held.outputs["size"], everything)[:, 0]
    assert f"RMSE {np.sqrt(np.mean(error**2)):.4g}" in page.text
    assert "The model on the validation split: 30 samples" in page.text
    assert len([found for found in page.all("circle") if found.get("r") == "2.4"]) == 60


def outcome(loss: str, target: Any, predicted: Any, **more: Any) -> Any:
    """The only picture of an output with this loss."""
    text = f"graphspec: 1\ninputs: {{x: [2]}}\noutputs: {{y: {{from: x, apply: {{Dense: 3}}, loss: {loss}}}}}\n"
    spec = Path(more.pop("folder")) / "one.yaml"
    spec.write_text(text, encoding="utf-8")
    output = graphspec.load(spec).graph.outputs["y"]
    found = output_pictures(output, np.asarray(target), np.asarray(predicted), **more)
    assert len(found.pictures) == 1
    return found.pictures[0]


def test_each_kind_of_output_has_its_picture(tmp_path: Path) -> None:
    """One-hot and sparse classes, logits, several yes-or-no values, numbers, arrays: each by what its loss takes."""
    one_hot = outcome("categorical_crossentropy", np.eye(3)[[0, 1, 1]], np.eye(3)[[0, 1, 2]], folder=tmp_path)
    assert isinstance(one_hot, Confusion)
    assert (one_hot.counts, one_hot.right) == (((1, 0, 0), (0, 1, 1), (0, 0, 0)), 2)
    steps = outcome("sparse_categorical_crossentropy", [[0, 1], [2, 2]], np.eye(3)[[[0, 1], [2, 0]]], folder=tmp_path)
    assert (steps.values, steps.right) == (4, 3)
    logits = "{BinaryCrossentropy: {from_logits: true}}"
    binary = outcome(logits, [0, 1, 1], [[-0.1], [0.2], [-3.0]], folder=tmp_path)
    assert binary.counts == ((1, 0), (1, 1))
    labels = outcome("binary_crossentropy", [[1, 0], [1, 1]], [[0.9, 0.6], [0.2, 0.7]], folder=tmp_path)
    assert isinstance(labels, MultiLabel)
    assert [(each.true, each.predicted, each.both) for each in labels.labels] == [(2, 1, 1), (1, 2, 1)]
    scatter = outcome("mse", [1.0, 2.0, 3.0], [[1.0], [2.0], [4.0]], folder=tmp_path)
    assert isinstance(scatter, Scatter)
    assert scatter.mean_error == pytest.approx(1 / 3)
    assert scatter.r2 == pytest.approx(0.5)
    wide = outcome("mae", np.zeros((5, 4, 4)), np.ones((5, 4, 4)), folder=tmp_path)
    assert isinstance(wide, ErrorHistogram)
    assert sum(wide.counts) == 80
    assert isinstance(outcome("mse", np.zeros((5, 2)), np.zeros((5, 3)), folder=tmp_path), NoPicture)
    assert isinstance(outcome("mse", np.zeros((5, 2)), np.full((5, 2), np.nan), folder=tmp_path), NoPicture)


def test_every_picture_has_its_place_on_the_page() -> None:
    """Counts of yes-or-no values, histograms, points and what has no picture are written, with what is to be known."""
    labels = MultiLabel((LabelCounts("big", 4, 3, 2),), 5, folded=7)
    scatter = Scatter(
        name="size", target=(1.0, 2.0), predicted=(1.5, 2.5), mean_error=0.5, root_mean_square=0.5, r2=None
    )
    outputs = (
        OutputPictures("tags", (labels,), not_finite=2),
        OutputPictures(
            "image", (ErrorHistogram(counts=(1, 3), edges=(-1.0, 0.0, 1.0), mean_error=0.25, root_mean_square=0.5),)
        ),
        OutputPictures("size", (scatter,)),
        OutputPictures("free", (NoPicture("the data has no targets for it"),)),
    )
    predictions = Predictions(split="test", samples=5, of=9, outputs=outputs, changed=("t.csv",))
    page = Reader(prediction_section(predictions))
    for said in (
        *("on the test split", "5 evenly chosen of 9", "t.csv has changed", "2 predictions are not finite"),
        *("66.7 %", "50.0 %", "7 more are not shown", "-1 to 0: 1", "RMSE 0.5", "the data has no targets for it"),
    ):
        assert said in page.text, said
    assert len(page.all("rect", "bar")) == 2
    assert "R²" not in page.text


def test_many_classes_are_folded(tmp_path: Path) -> None:
    """Of a thousand classes the most frequent are shown, the others are one, and every value is counted."""
    rng = np.random.default_rng(0)
    target = np.concatenate([np.repeat(np.arange(19), 50), rng.integers(19, 1000, 500)])
    predicted = np.eye(1000)[rng.permutation(target)]
    found = outcome("sparse_categorical_crossentropy", target, predicted, folder=tmp_path)
    assert found.classes == (*map(str, range(19)), "others")
    assert sum(map(sum, found.counts)) == len(target)
    assert found.folded == 981
