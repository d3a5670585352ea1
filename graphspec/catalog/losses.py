"""What the losses of Keras take, as far as it bears on how targets are read and checked."""

from __future__ import annotations

OF_CLASS_INDICES = ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy")
"""Those that take the index of a class."""

OF_NUMBERS = (
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "LogCosh",
    "Huber", "CosineSimilarity", "Poisson", "KLDivergence", "mean_squared_error", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "log_cosh", "huber", "cosine_similarity",
    "poisson", "kl_divergence", "mse", "mae", "mape", "msle", "MSE", "MAE", "MAPE", "MSLE", "KLD", "kld",
)  # fmt: skip
"""Those that measure how far apart numbers are, so that a value between two targets is a target as well."""
