"""The imports of a training, without TensorFlow's messages, for a server that forks processes."""

from graphspec.extras import require_tensorflow

require_tensorflow()

import graphspec.training.trainer  # noqa: E402, F401
