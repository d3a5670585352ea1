"""Training by several workers: the strategy of TensorFlow, the cluster of a worker, and how jobs are started."""
