"""The files that a spec names beside its data: each is there, before TensorFlow is loaded to read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graphspec.checks.context import Subject
from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.rules import MISSING_FILE
from graphspec.diagnostics.suggest import closest
from graphspec.files import check_file, is_file, names_in, reason_of
from graphspec.language.graph import External, Object, every_layer
from graphspec.run_paths import is_url

_VOCABULARY = "vocabulary"


def check_files(subject: Subject) -> Iterator[Diagnostic]:
    """Find every file of weights, of a model, or of the words of a lookup layer, that is not there."""
    graph, training = subject.graph, subject.training
    weights = [training.initial_weights] if training is not None else []
    for layer in every_layer(graph):
        weights.append(layer.weights)
        what = layer.what
        if isinstance(what, External) and what.path is not None and not is_file(what.path):
            yield missing_file(what.path, what.name, what.span)
        words = what.arguments.get(_VOCABULARY) if isinstance(what, Object) and ">" not in what.name else None
        if isinstance(what, Object) and isinstance(words, str) and not is_url(words) and not is_file(words):
            yield missing_file(Path(words), words, what.span_of(_VOCABULARY))
    for each in weights:
        if each is not None and not is_file(each.path):
            yield missing_file(each.path, each.text, each.span)


def missing_file(path: Path, text: str, span: Span) -> Diagnostic:
    """That there is no file `path`, which the spec writes as `text`, with the one that may be meant."""
    near, why = None, f"there is no file {text}"
    try:
        check_file(path)
    except FileNotFoundError:
        near = closest(path.name, names_in(path.parent))
    except IsADirectoryError:
        why = f"{text} is not a file"
    except OSError as error:
        why = f"{text} cannot be read: {reason_of(error)}"
    return Diagnostic(
        MISSING_FILE,
        why,
        span,
        expected="the path of a file, relative to the file that names it",
        help=f"did you mean `{near}`?" if near is not None else "check the path",
    )
