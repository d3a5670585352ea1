"""Checks of the files that a spec names beside its data: each exists locally."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from graphspec.checks.context import CheckContext
from graphspec.checks.data import read_header
from graphspec.diagnostics import Diagnostic, Report, Span, SpecError
from graphspec.diagnostics.rules import MISSING_FILE, NETWORK
from graphspec.diagnostics.suggest import closest
from graphspec.files import check_file, is_file, is_folder, names_in, reason_of
from graphspec.language.graph import ExternalModel, KerasLayer, Layer, PresetModel
from graphspec.language.lower.files import folder_of
from graphspec.language.objects import Object
from graphspec.run_paths import is_url
from graphspec.sources import DataSource

LOOKUPS = ("StringLookup", "IntegerLookup", "TextVectorization")
"""The layers that have a vocabulary."""

PRESET_CONFIG = "config.json"
"""The file in the folder of a preset that describes its backbone."""

VOCABULARY = "vocabulary"
"""The argument of lookup layers that may be the path of a file, which Keras reads when it makes the layer."""


def check_files(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every missing file of weights, of an array, of a model, or of a vocabulary."""
    graph, training = context.graph, context.training
    weights = [graph.weights, training.initial_weights if training is not None else None]
    for layer in context.layers:
        weights.append(layer.weights)
        if isinstance(layer, PresetModel):
            yield from _missing_preset(layer)
        elif isinstance(layer, ExternalModel) and layer.path is not None and not is_file(layer.path):
            yield missing_file(layer.path, layer.source, layer.source_span)
    yield from check_arrays(context.layers)
    for layer, text in _vocabulary_files(context.layers):
        path = vocabulary_path(layer.object)
        if ">" not in layer.class_name and path is not None and not is_file(path):
            yield missing_file(path, text, layer.object.span_of(VOCABULARY))
    for each in weights:
        if each is not None and not is_file(each.path):
            yield missing_file(each.path, each.text, each.span)


def _missing_preset(preset: PresetModel) -> Iterator[Diagnostic]:
    """Report a folder that holds no preset. A handle is looked up when the model is built."""
    if preset.path is None or is_file(preset.path / PRESET_CONFIG):
        return
    yield missing_preset(preset, preset.path)


def missing_preset(preset: PresetModel, folder: Path) -> Diagnostic:
    """Return the diagnostic for a preset whose folder is not there, or holds none."""
    is_there = is_folder(folder)
    return Diagnostic(
        MISSING_FILE,
        f"{preset.source} holds no `{PRESET_CONFIG}`" if is_there else f"there is no folder {preset.source}",
        preset.source_span,
        expected="the folder of a KerasHub preset, relative to the file that names it",
        help="write it with KerasHub: `backbone.save_to_preset(...)`" if is_there else "check the path",
    )


def check_arrays(layers: Iterable[Layer]) -> Iterator[Diagnostic]:
    """Report every array that fills a weight of a layer, and whose file is missing or does not hold it."""
    for layer in layers:
        for source in _arrays(layer.arguments):
            head = read_header(source, "the spec file")
            if isinstance(head, Diagnostic):
                yield head


def _arrays(value: Any) -> Iterator[DataSource]:
    """Yield the arrays in an argument of a layer, at any depth."""
    if isinstance(value, DataSource):
        yield value
    elif isinstance(value, Object):
        yield from _arrays(value.arguments)
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _arrays(each)


def check_network(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every vocabulary at a URL: TensorFlow would open a connection for some of them."""
    for layer, path in _vocabulary_files(context.layers):
        if is_url(path):
            yield Diagnostic(
                NETWORK,
                f"`{VOCABULARY}` of `{layer.type_name}` is a URL, but a spec may not open a network connection",
                layer.object.span_of(VOCABULARY),
                expected="a list of words, or the path of a local file",
                help="download the file, and write its path",
            )


def _vocabulary_files(layers: Iterable[Layer]) -> Iterator[tuple[KerasLayer, str]]:
    for layer in layers:
        if isinstance(layer, KerasLayer):
            path = layer.arguments.get(VOCABULARY)
            if isinstance(path, str):
                yield layer, path


def vocabulary_path(written: Object) -> Path | None:
    """Return the path of the vocabulary file of a lookup layer, which starts at the spec; None if it names none."""
    text = written.arguments.get(VOCABULARY)
    if not isinstance(text, str) or is_url(text):
        return None
    return folder_of(written.span_of(VOCABULARY), Path()) / text


def require_file(path: Path, text: str, span: Span) -> None:
    """Raise SpecError if there is no file at `path`; see `missing_file` for the arguments."""
    if not is_file(path):
        raise SpecError(Report([missing_file(path, text, span)]))


def missing_file(path: Path, text: str, span: Span) -> Diagnostic:
    """Return the diagnostic for a missing file, with a suggestion from its folder.

    Args:
        path: where the file should be.
        text: the path as the spec writes it.
        span: where the spec writes it.
    """
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
