"""Saved models in the place of specs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.differences import diff

from .specs import lines

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("inception", "residual", "same_digit", "wine", "zoo/dcn_v2", "zoo/transformer_encoder", "zoo/two_tower")
"""Specs with models, blocks, operations, attention and several outputs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of these specs, as Keras saves them."""
    folder = tmp_path_factory.mktemp("models")
    for name in NAMES:
        model = graphspec.build(ROOT / "specs" / f"{name}.yaml")
        model.save(folder / f"{Path(name).stem}.keras")
        (folder / f"{Path(name).stem}.json").write_text(model.to_json(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_and_its_own_model_are_the_same(name: str, folder: Path) -> None:
    """Whatever Keras has written out, in an archive or as a configuration, in both directions."""
    spec = ROOT / "specs" / f"{name}.yaml"
    for model in (folder / f"{Path(name).stem}.keras", folder / f"{Path(name).stem}.json"):
        assert diff(spec, model).is_empty
        found = diff(model, spec)
        assert found.is_empty
        assert not found.reshaped
        assert found.weights.carried
        assert not [*found.weights.reshaped, *found.weights.fresh, *found.weights.lost]


def test_a_model_and_an_edited_spec(folder: Path, tmp_path: Path) -> None:
    """A wider layer and another loss are found, data and training are not asked for."""
    text = (ROOT / "specs" / "wine.yaml").read_text(encoding="utf-8")
    spec = tmp_path / "wine.yaml"
    spec.write_text(text.replace("units: 32", "units: 48").replace("loss: mse", "loss: mae"), encoding="utf-8")
    (node,) = diff(folder / "wine.keras", spec).nodes
    assert lines(node.changes) == [("argument", "apply[0].Dense.units", 32, 48)]
    model = keras.saving.load_model(folder / "wine.keras")
    losses = {"cultivar": "sparse_categorical_crossentropy", "alcohol": "mse"}
    model.compile("sgd", loss=losses)
    model.save(tmp_path / "compiled.keras")
    paths = {each.path for each in diff(tmp_path / "compiled.keras", spec).settings}
    assert {"outputs.alcohol.loss", "training.optimizer"} <= paths
    assert not [path for path in paths if path.startswith(("data", "search", "training.epochs"))]


def test_a_saved_model_is_compared_without_numpy(folder: Path) -> None:
    """Nothing but the configuration is read."""
    script = (
        "import sys; sys.modules['numpy'] = sys.modules['keras'] = sys.modules['h5py'] = None\n"
        "from graphspec.differences import diff; print(diff(sys.argv[1], sys.argv[2]).is_empty)"
    )
    words = [sys.executable, "-c", script, folder / "wine.keras", ROOT / "specs" / "wine.yaml"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_no_model_is_a_finding(tmp_path: Path) -> None:
    """An archive of something else, and a configuration that holds no model."""
    (tmp_path / "bad.keras").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "bad.json").write_text('{"class_name": "Functional", "config": {}}', encoding="utf-8")
    for name in ("bad.keras", "bad.json", "missing.keras"):
        result = CliRunner().invoke(main, ["diff", str(tmp_path / name), str(ROOT / "specs" / "wine.yaml")])
        assert result.exit_code == 1
        assert "error[GS" in result.stderr
        assert "Traceback" not in result.stderr
