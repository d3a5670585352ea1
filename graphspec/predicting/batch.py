"""What one batch of samples gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Batch:
    """The predictions of the samples `at`, by output, first axis samples. `at` counts in the files they came from."""

    at: Array
    predicted: dict[str, Array]
