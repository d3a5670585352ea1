"""KerasHub, imported where a preset or a saved model needs it."""

from __future__ import annotations

import importlib
from typing import Any

import keras

from graphspec.diagnostics import Diagnostic, Report, Span, SpecError
from graphspec.extras import require

HUB_OBJECTS = "keras_hub>"
"""The beginning of the registered names of KerasHub's objects."""

_PACKAGES = (HUB_OBJECTS, "keras_nlp>")
_registered: dict[str, Any] = {}
"""The classes that KerasHub registers with Keras at its import, under its present and its former name."""


def import_hub(why: str, span: Span | None) -> Any:
    """Import KerasHub, which registers its layers with Keras, and return it.

    Args:
        why: What needs it, for messages.
        span: Where the spec asks for it.

    Raises:
        SpecError: It is not installed; with the command to run.
    """
    try:
        require("keras_hub", "KerasHub", why)
    except SpecError as error:
        (found,) = error.report.found
        raise SpecError(Report([Diagnostic(found.rule, found.message, span, help=found.help)])) from None
    hub = importlib.import_module("keras_hub")
    known = keras.saving.get_custom_objects()
    if not _registered:
        _registered.update({name: each for name, each in known.items() if name.startswith(_PACKAGES)})
    known.update(_registered)  # which a deep validation forgets
    return hub
