"""Samples of a spec, read and checked without TensorFlow, and their batches as `tf.data`."""
