"""Spec + data → a trained model: samples read and checked, batches, `compile`, `fit`.

`data` reads arrays without TensorFlow; everything else here imports it.
"""
