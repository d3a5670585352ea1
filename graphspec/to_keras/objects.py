"""Object → the Keras object it stands for: its class is looked up by name and called with its arguments.

Nothing of a spec is ever handed to Keras' deserialisation, which is no sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphspec.catalog import SINGULAR
from graphspec.checks.files import missing_file
from graphspec.diagnostics import Diagnostic, Report, SpecError
from graphspec.diagnostics.rules import REFUSED_ARGUMENTS
from graphspec.files import is_file
from graphspec.language.graph import Layer, Object
from graphspec.sources import DataSource
from graphspec.to_keras.custom import make_custom
from graphspec.to_keras.installed import check_identifier, find_installed, version_help
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.weight_files import FromFile


def make(what: Object, make_layer: Callable[[Layer], Any] | None = None, **more: Any) -> Any:
    """The Keras object of `what`; a string identifier, such as `relu` or `mse`, stays the string that Keras reads.

    make_layer gives the Keras layer of a Layer among the arguments; more holds arguments that the spec leaves to us.
    Raises SpecError, with the place of the object, where Keras refuses the arguments.
    """
    if what.is_identifier:
        check_identifier(what)
        return what.name
    if isinstance(what.arguments.get("file"), DataSource):
        source: DataSource = what.arguments["file"]
        return FromFile(str(source.path), source.key)
    arguments = {name: _argument(value, make_layer) for name, value in what.arguments.items()}
    if ">" in what.name:
        return make_custom(what, arguments, more)
    _check_words(what)
    found = find_installed(what.kind, what.name, what.span)
    try:
        return found(**{**more, **arguments})
    except Exception as error:
        raise SpecError(
            Report(
                [
                    Diagnostic(
                        REFUSED_ARGUMENTS,
                        f"Keras refused the arguments of the {SINGULAR[what.kind]} `{what.name}`: {reason(error)}",
                        what.span,
                        expected=f"arguments that `keras.{what.kind}.{what.name}` takes",
                        help=version_help(),
                    )
                ]
            )
        ) from error


def _check_words(what: Object) -> None:
    """Raise SpecError unless the file of words of a lookup layer can be read: TensorFlow would wait for a pipe."""
    words = what.arguments.get("vocabulary")
    if isinstance(words, str) and not is_file(words):
        raise SpecError(Report([missing_file(Path(words), words, what.span_of("vocabulary"))]))


def _argument(value: Any, make_layer: Callable[[Layer], Any] | None) -> Any:
    if isinstance(value, Object):
        return make(value, make_layer)
    if isinstance(value, Layer):
        assert make_layer is not None, "only layers hold layers"
        return make_layer(value)
    if isinstance(value, list):
        return [_argument(item, make_layer) for item in value]
    return value
