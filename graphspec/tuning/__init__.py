"""A spec with a `search` → a study: values are tried, one run each, and the best are written into a spec.

optuna chooses the values and ends bad trials early; runs are those of `graphspec.train`, and what has been begun goes
on as they do. Nothing here is imported before it is called: TensorFlow and optuna are extras.
"""

from __future__ import annotations

from graphspec.tuning.study import Study
from graphspec.tuning.trial import Trial
from graphspec.tuning.tuning import tune

__all__ = ["Study", "Trial", "tune"]
