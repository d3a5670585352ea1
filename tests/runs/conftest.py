"""A run of four epochs, with and without a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import graphspec

from .report_pages import EVIL, SPEC, WORDS, row, write_record, write_rows


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run without a model, of four epochs."""
    folder = tmp_path / "run"
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(60, 3)).astype(np.float32))
    rows = [f"{WORDS[i % 3]},{i / 7:.2f},{-i / 5:.2f},{i % 2}" for i in range(60)]
    (folder / "t.csv").write_text("\n".join(["kind,w,h,sold", *rows]), encoding="utf-8")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    write_record(folder)
    write_rows(folder, [row(epoch) for epoch in range(4)])
    lock = {"command": ["graphspec", "train", EVIL], "versions": {"keras": "3.15.1"}, "data": {}}
    (folder / "lock.json").write_text(json.dumps(lock), encoding="utf-8")
    came = {"training.optimizer": {"value": "adam", "from": "specs/shop.yaml:9:3", "written": "${" + EVIL + "}"}}
    (folder / "provenance.json").write_text(json.dumps(came), encoding="utf-8")
    return folder


@pytest.fixture
def with_model(run: Path) -> Path:
    """The same run with a model, built and never trained."""
    graphspec.build(run / "spec.yaml").save(run / "model.keras")
    return run
