"""Samples + built model → preprocessing layers that have learnt what they need from the training split."""

from graphspec.to_keras.adapting.adapt import adapt

__all__ = ["adapt"]
