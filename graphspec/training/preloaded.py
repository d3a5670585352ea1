"""Imported by a server that processes are forked from: all that a training imports, without what TensorFlow says."""

from graphspec.extras import require_tensorflow

require_tensorflow()

import graphspec.training.trainer  # noqa: E402, F401
