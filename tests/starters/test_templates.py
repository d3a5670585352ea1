"""`graphspec new DIR --template NAME`: every template trains as it stands, to the figure that it states."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.spec import inspect
from graphspec.starters.templates import ABOUT, find_template


def new(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["new", *map(str, arguments)])


@pytest.mark.parametrize("name", ABOUT)
def test_templates_are_clean(name: str, tmp_path: Path) -> None:
    """A template has no findings, in its data neither, is formatted, and small; its last lines say what to do."""
    folder = tmp_path / "first"
    done = new(folder, "--template", name)
    assert done.exit_code == 0, done.output
    assert f"graphspec train {folder / 'spec.yaml'}" in done.stdout
    spec, report = inspect(folder / "spec.yaml", data=True, values=True)
    assert spec is not None, str(report.errors)
    assert len(report) == 0
    assert CliRunner().invoke(main, ["fmt", "--check", str(folder / "spec.yaml")]).exit_code == 0
    assert sum(each.stat().st_size for each in folder.iterdir()) < 100_000
    assert [each.name for each in tmp_path.iterdir()] == ["first"]


FIGURES = {
    "mlp": ("val_accuracy", 0.85),
    "image_classes": ("val_accuracy", 0.9),
    "text": ("val_accuracy", 0.85),
    "table": ("val_mae", 50.0),
    "time_series": ("val_mae", 0.5),
    "two_inputs_two_outputs": ("val_cultivar_accuracy", 0.9),
    "shared_towers": ("val_accuracy", 0.85),
    "fine_tuning": ("val_accuracy", 0.9),
}
"""The metric of each template at its end, and what it must come to."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_templates_train_to_their_figure(name: str, tmp_path: Path) -> None:
    """What the first lines of a template promise, a training with no edit keeps."""
    assert new(tmp_path / "first", "--template", name).exit_code == 0
    run = graphspec.train(tmp_path / "first" / "spec.yaml", run_dir=tmp_path / "run", progress=False)
    metric, bound = FIGURES[name]
    best = min(run.metrics, key=lambda row: row["val_loss"])[metric]
    assert best <= bound if metric.endswith("mae") else best >= bound, best


def test_the_default_is_small(tmp_path: Path) -> None:
    """Without a name, the smallest template is written."""
    assert new(tmp_path / "first").exit_code == 0
    assert sorted(each.name for each in (tmp_path / "first").iterdir()) == sorted(find_template("mlp").files)


def test_templates_are_listed() -> None:
    """`--list` names each template and what it does, and each is there and trained above."""
    done = new("--list")
    assert [re.split(r"\s{2,}", line)[0] for line in done.stdout.splitlines()] == list(ABOUT)
    assert set(FIGURES) == set(ABOUT)
    assert all("spec.yaml" in find_template(name).files for name in ABOUT)


def test_nothing_is_replaced(tmp_path: Path) -> None:
    """Where one of the files is there, none is written."""
    (tmp_path / "iris.csv").write_text("mine", encoding="utf-8")
    done = new(tmp_path)
    assert (done.exit_code, "GS904" in done.stderr) == (1, True)
    assert [each.name for each in tmp_path.iterdir()] == ["iris.csv"]
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    done = new(tmp_path / "file")
    assert (done.exit_code, "GS904" in done.stderr) == (1, True)


def test_wrong_usage_is_explained(tmp_path: Path) -> None:
    """A wrong name gets a hint, and options that do not go together are refused."""
    done = new(tmp_path / "a", "--template", "imageclasses")
    assert done.exit_code == 2
    assert "did you mean `image_classes`" in done.stderr
    for words in ((), (tmp_path / "a", "--target", "y"), (tmp_path / "a", "--template", "mlp", "--from-data", "t.csv")):
        assert new(*words).exit_code == 2
    assert list(tmp_path.iterdir()) == []
