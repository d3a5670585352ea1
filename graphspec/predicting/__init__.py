"""Predict and evaluate: a model and data → a stream of predictions, a file of them, or metrics.

The model comes from a run or a saved file; the data from a split of a spec or from named files. Predictions are never
held whole in memory: each batch is passed on before the next is computed.
"""
