"""Sources → samples → batches: read and checked without TensorFlow, and put before Keras as `tf.data`."""
