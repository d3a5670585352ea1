"""Classes and operations of the installed Keras, and diagnostics for missing ones."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import keras

from graphspec import catalog
from graphspec.catalog import SINGULAR, Kind
from graphspec.catalog.generated import minor_of
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import REFUSED_ARGUMENTS, UNKNOWN_OBJECT
from graphspec.language.objects import Object
from graphspec.to_keras.keras_internals import unexported
from graphspec.to_keras.keras_messages import reason

_MODULES: dict[Kind, Any] = {
    "layers": keras.layers,
    "initializers": keras.initializers,
    "regularizers": keras.regularizers,
    "constraints": keras.constraints,
    "activations": keras.activations,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "optimizers": keras.optimizers,
    "schedules": keras.optimizers.schedules,
    "callbacks": keras.callbacks,
    "ops": keras.ops,
}
_STATELESS: tuple[Kind, ...] = ("activations", "losses", "metrics")
"""Kinds whose string identifiers Keras resolves without drawing random numbers."""


def find_installed(kind: Kind, name: str, span: Span | None) -> Any:
    """Return a class or operation of the installed Keras. Raises SpecError if missing."""
    entry = catalog.find(kind, name)
    try:
        if entry is not None and entry.module:
            return unexported(entry.module, entry.name)
        return attrgetter(name.removeprefix("ops."))(_MODULES[kind])
    except (AttributeError, ImportError):
        raise missing_in_keras(SINGULAR[kind], name, span) from None


def check_identifier(spec_object: Object) -> None:
    """Raise SpecError if the installed Keras has no object of the identifier `spec_object.name`."""
    if not version_help():
        return
    entry = catalog.find(spec_object.kind, spec_object.name)
    if entry is not None:
        find_installed(spec_object.kind, entry.name, spec_object.span)
    elif spec_object.kind in _STATELESS:
        try:
            _MODULES[spec_object.kind].get(spec_object.name)
        except ValueError:
            raise missing_in_keras(SINGULAR[spec_object.kind], spec_object.name, spec_object.span) from None


def missing_in_keras(noun: str, name: str, span: Span | None) -> SpecError:
    """Return the error for an object that the installed Keras does not have.

    Args:
        noun: its kind, such as `layer`.
        name: its name.
        span: where the spec names it.
    """
    return SpecError.of(
        UNKNOWN_OBJECT,
        f"Keras {keras.__version__}, which is installed, has no {noun} `{name}`",
        span,
        expected=f"{noun} of Keras {keras.__version__}",
        help=f"upgrade Keras: `pip install 'keras>={catalog.keras_version()}'` brings it",
    )


def refused_arguments(noun: str, name: str, place: str, span: Span, *, error: Exception) -> SpecError:
    """Return the error for arguments that Keras refuses.

    Args:
        noun: its kind, such as `layer`.
        name: its name.
        place: the module of `keras` that holds it, such as `layers`.
        span: where the spec names it.
        error: what Keras raised.
    """
    return SpecError.of(
        REFUSED_ARGUMENTS,
        f"Keras refused the arguments of the {noun} `{name}`: {reason(error)}",
        span,
        expected=f"arguments that `keras.{place}.{name}` takes",
        help=version_help(),
    )


def version_help() -> str:
    """Return a help line if the installed Keras differs from the catalogue's, else ""."""
    known = catalog.keras_version()
    if minor_of(keras.__version__) == minor_of(known):
        return ""
    return f"the spec was checked for Keras {known}, and Keras {keras.__version__} is installed"
