"""Declare the layers of a body or a block."""

from __future__ import annotations

from functools import partial

from graphspec import catalog
from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import NAME_CLASH
from graphspec.language.document.tree import Located
from graphspec.language.graph import KerasLayer, Layer
from graphspec.language.lower.objects import read_object
from graphspec.language.lower.scope import Scope
from graphspec.language.schema.model import BlockBody


def declared_layer(written: Located, report: Report, name: str, scope: Scope) -> Layer | None:
    """Return the layer of a declaration, None after a diagnostic. name: its name in Keras, or ""."""
    layer = read_object("layers", written, report, scope)
    return KerasLayer(object=layer, span=layer.span, name=name, declared=True) if layer is not None else None


def is_layer_of_keras(key: Located, report: Report) -> bool:
    """Return whether a declared name is also a layer of Keras, which is reported."""
    if catalog.find("layers", key.value) is None:
        return False
    report.add(
        NAME_CLASH,
        f"`{key.value}` is also a layer of Keras, so a step `{key.value}` is ambiguous",
        key.span,
        expected="a name that Keras does not use",
        help=f"rename it, for example to `{key.value.lower()}`",
    )
    return True


def declare_layers(body: BlockBody, scope: Scope, report: Report, *, prefix: str) -> None:
    """Declare the layers of one use of a block in `scope`, with names that begin with `prefix`."""
    written = body.located("layers").value
    for key in body.layers:
        span, value = written.key_spans[key], written.located(key)
        if not is_layer_of_keras(Located(key, span), report):
            scope.declare(key, span, partial(declared_layer, value, report, prefix + key))
