"""A model and data → what it says of the data: predictions in a stream, written to a file, and metrics.

The model is a run's or that of a saved file; the data a split of a spec, or files given by name. Predictions never
stand whole in memory: each batch is handed on before the next is computed.
"""
