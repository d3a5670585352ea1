"""Runs as kills would have left them."""

from __future__ import annotations

import shutil
from pathlib import Path

import graphspec
from graphspec.run_directory import read_json, write_json
from graphspec.training.checkpoints import checkpoint_steps


def killed_at(whole: graphspec.Run, step: int, folder: Path) -> Path:
    """A copy of a run as if it had been killed when its newest checkpoint was that of `step`."""
    shutil.copytree(whole.path, folder)
    for later in checkpoint_steps(folder / "checkpoints"):
        if later > step:
            (folder / "checkpoints" / f"step_{later:09}.npz").unlink()
    for name in ("model.keras", "best.keras"):
        (folder / name).unlink(missing_ok=True)
    write_json(folder / "run.json", {**read_json(folder / "run.json"), "status": "running"})
    return folder
