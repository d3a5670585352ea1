"""Spec + samples → a trained model: `compile`, `fit`, and what is written and shown meanwhile."""
