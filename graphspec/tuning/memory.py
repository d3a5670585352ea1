"""What a training has taken is given back before the next one begins: models after models in one process.

Keras forgets a model by `clear_session`. What it leaves is TensorFlow's: each optimizer step that is traced registers a
function for its gradients (`ReplicaContext.all_reduce` does), by a name that is never used again, and that function
holds the graph and the variables of its model for as long as the process lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from tensorflow.python.framework import ops

_REGISTERED = "CustomGradient-"


@contextmanager
def given_back() -> Iterator[None]:
    """Afterwards, nothing holds the models that were made within it; those from before are left as they are."""
    registry: dict[str, Any] = getattr(ops.gradient_registry, "_registry", {})
    before = set(registry)
    try:
        yield
    finally:
        for name in [each for each in registry if each not in before and each.startswith(_REGISTERED)]:
            del registry[name]
        keras.utils.clear_session()
