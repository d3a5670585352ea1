"""The targets that the losses of Keras take.

A test compares these tables with the catalogue, and each range with Keras.
"""

from __future__ import annotations

from dataclasses import dataclass

OF_CLASS_INDICES = (
    "SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", "CategoricalGeneralizedCrossEntropy",
)  # fmt: skip
"""Losses whose targets are class indices."""

OF_NUMBERS = (
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "LogCosh",
    "Huber", "CosineSimilarity", "Poisson", "KLDivergence", "mean_squared_error", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "log_cosh", "huber", "cosine_similarity",
    "poisson", "kl_divergence", "mse", "mae", "mape", "msle", "MSE", "MAE", "MAPE", "MSLE", "KLD", "kld",
)  # fmt: skip
"""Losses that compare numbers, so that any value between two targets is a target too."""

OF_SEQUENCES = ("CTC", "ctc")
"""Losses that align a sequence of logits with a shorter list of labels."""

BINARY = (
    "BinaryCrossentropy", "binary_crossentropy", "bce", "BCE", "BinaryFocalCrossentropy", "binary_focal_crossentropy",
)  # fmt: skip
"""Losses whose outputs are probabilities of one class against another."""

CATEGORICAL = (
    "CategoricalCrossentropy", "categorical_crossentropy", "CategoricalFocalCrossentropy",
    "categorical_focal_crossentropy", "SparseCategoricalCrossentropy", "sparse_categorical_crossentropy",
)  # fmt: skip
"""Losses whose outputs are one probability per class."""


@dataclass(frozen=True, slots=True)
class TargetRange:
    """The targets that a loss takes: numbers from `low` to `high`, or all from one group of `values`."""

    low: float | None = None
    high: float | None = None
    values: tuple[tuple[float, ...], ...] = ()


_SHARES = TargetRange(0, 1)
_FROM_ZERO = TargetRange(0)
_SIGNS = TargetRange(-1, 1, values=((0, 1), (-1, 1)))

TARGET_RANGES: dict[str, TargetRange] = {
    **dict.fromkeys(BINARY, _SHARES),
    **dict.fromkeys(("KLDivergence", "kl_divergence", "kld", "KLD", "Dice", "dice", "Tversky", "tversky"), _SHARES),
    **dict.fromkeys((each for each in CATEGORICAL if each not in OF_CLASS_INDICES), _FROM_ZERO),
    **dict.fromkeys(("Poisson", "poisson"), _FROM_ZERO),
    **dict.fromkeys(("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", "msle", "MSLE"), _FROM_ZERO),
    **dict.fromkeys(("CategoricalHinge", "categorical_hinge"), TargetRange(-1, 1)),
    **dict.fromkeys(("Hinge", "hinge", "SquaredHinge", "squared_hinge"), _SIGNS),
}
"""The losses that are meaningless for targets outside of a range, on which Keras trains without a warning.

Outside of it, a loss is lower than for any right answer, clips the target, or does not depend on the output.
"""
