"""Tune a spec with a `search`: a study trains a run for each trial, and writes the best values into a spec.

optuna chooses the values and prunes bad trials; runs are those of `graphspec.train`, and a study resumes as they do.
Nothing here imports TensorFlow or optuna before it is called: both are extras.
"""

from __future__ import annotations

from graphspec.tuning.study import Study
from graphspec.tuning.trial import Trial
from graphspec.tuning.tuning import tune

__all__ = ["Study", "Trial", "tune"]
