"""Limits on the values of a spec, because of memory and TensorFlow's integers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MAX_PIXELS = 16_777_216
"""Pixels of the `size` that images are resized to. Original images may be larger."""

MAX_NUMBERS = 4_194_304
"""Numbers of one sample after each of `pad`, `one_hot` and `window`."""

MAX_COUNT = 2_147_483_647
"""The largest integer of a setting, because TensorFlow counts steps in 32 bits."""

Positive = Annotated[int, Field(gt=0, le=MAX_COUNT)]
"""A count in a setting."""

MAX_SIZE = 9_223_372_036_854_775_807
"""The size of an axis of a tensor."""

MAX_TRIED = 9_007_199_254_740_992
"""The largest integer of a search range, because optuna converts it to a float."""
