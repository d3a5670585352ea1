"""URLs where Keras takes the path of a file: TensorFlow would open a connection for some of them."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import Subject
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import NETWORK
from graphspec.language.graph import Object, every_layer
from graphspec.run_paths import is_url

READ = ("vocabulary",)
"""Arguments of layers that hold the path of a file, which Keras reads when the layer is made."""


def check_network(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for every layer that Keras would make from a file on another machine."""
    for layer in every_layer(subject.graph):
        if not isinstance(layer.what, Object):
            continue
        for argument in READ:
            text = layer.what.arguments.get(argument)
            if isinstance(text, str) and is_url(text):
                yield Diagnostic(
                    NETWORK,
                    f"`{argument}` of `{layer.type_name}` is a URL, but a spec may not open a network connection",
                    layer.what.span_of(argument),
                    "a list of words, or the path of a local file",
                    "download the file, and write its path",
                )
