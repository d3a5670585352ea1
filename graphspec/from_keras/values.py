"""Arguments of calls, with references in the place of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphspec.from_keras.objects import plain
from graphspec.from_keras.records import Tensor


def values_of(value: Any, reference: Callable[[Tensor], str]) -> Any:
    """Return arguments of a call with references in the place of tensors."""
    if isinstance(value, Tensor):
        return reference(value)
    if isinstance(value, list):
        return [values_of(item, reference) for item in value]
    if isinstance(value, dict) and any(isinstance(each, Tensor) for each in value.values()):
        return {key: values_of(item, reference) for key, item in value.items()}
    return plain(value)
