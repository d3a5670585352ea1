"""How much a spec can ask for: beyond it TensorFlow cannot count, or a small file would be made enormous."""

from __future__ import annotations

MAX_PIXELS = 16_777_216
"""Of the `size` that images are brought to; as they are, they may be larger."""

MAX_NUMBERS = 4_194_304
"""Of what `pad`, `one_hot` and `window` each make of one sample."""

MAX_COUNT = 2_147_483_647
"""Of a setting: TensorFlow counts steps in 32 bits."""

MAX_SIZE = 9_223_372_036_854_775_807
"""Of an axis of a tensor."""

MAX_TRIED = 9_007_199_254_740_992
"""Of the whole numbers that are searched among: optuna takes them for floats."""
