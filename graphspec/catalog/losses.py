"""What the losses of Keras take, as far as it bears on how targets are read and checked.

A test holds these tables against the catalogue, and each range against Keras.
"""

from __future__ import annotations

from dataclasses import dataclass

OF_CLASS_INDICES = (
    "SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", "CategoricalGeneralizedCrossEntropy",
)  # fmt: skip
"""Those that take the index of a class."""

OF_NUMBERS = (
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "LogCosh",
    "Huber", "CosineSimilarity", "Poisson", "KLDivergence", "mean_squared_error", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "log_cosh", "huber", "cosine_similarity",
    "poisson", "kl_divergence", "mse", "mae", "mape", "msle", "MSE", "MAE", "MAPE", "MSLE", "KLD", "kld",
)  # fmt: skip
"""Those that measure how far apart numbers are, so that a value between two targets is a target as well."""

BINARY = (
    "BinaryCrossentropy", "binary_crossentropy", "bce", "BCE", "BinaryFocalCrossentropy", "binary_focal_crossentropy",
)  # fmt: skip
"""Those that take the probability of yes against no."""

CATEGORICAL = (
    "CategoricalCrossentropy", "categorical_crossentropy", "CategoricalFocalCrossentropy",
    "categorical_focal_crossentropy", "SparseCategoricalCrossentropy", "sparse_categorical_crossentropy",
)  # fmt: skip
"""Those that take one probability a class."""


@dataclass(frozen=True, slots=True)
class TargetRange:
    """The targets that a loss takes: numbers from `low` to `high`, or the `values` alone, all of one group."""

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
"""The losses that make nothing of other targets: Keras computes a number of them, and trains on it without a word.

Beyond its range, a loss falls below that of any right answer, cuts the target off, or takes no notice of the output.
"""
