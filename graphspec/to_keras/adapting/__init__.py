"""Adapting of preprocessing layers to the training split."""

from graphspec.to_keras.adapting.adapt import adapt

__all__ = ["adapt"]
