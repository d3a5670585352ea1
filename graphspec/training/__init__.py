"""Training a model of a spec: `compile`, `fit`, checkpoints, metrics and progress."""
