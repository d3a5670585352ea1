"""The model of a run that another training starts from."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graphspec.language.objects import Weights
from graphspec.sources.fingerprint import sha256
from graphspec.spec import Spec

KEY = "started_from"
"""The key of the run that a training started from, in its record and in its lock."""


@dataclass(frozen=True, slots=True)
class StartingModel:
    """A model of a run. origins, whole: see `Weights`."""

    run: Path
    checkpoint: str
    file: Path
    origins: dict[str, str | None]
    whole: frozenset[str]

    def start_of(self, spec: Spec) -> Spec:
        """Return `spec` with the model as its initial weights; its document stays as it is."""
        assert spec.training is not None
        span = spec.model.key_span("training")
        weights = Weights(self.file, str(self.file), span, partial=True, origins=self.origins, whole=self.whole)
        return replace(spec, training=replace(spec.training, initial_weights=weights))

    def as_json(self, run: Path) -> dict[str, Any]:
        """Return the entry of the record of `run`: the other run, its path from here, and the SHA-256 of the model."""
        path = os.path.relpath(self.run.resolve(), run.resolve())
        return {"run": Path(path).as_posix(), "checkpoint": self.checkpoint, "sha256": sha256(self.file)}
