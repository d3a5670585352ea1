"""Check of what a preset in a folder prepares text and images by: it holds it, with arguments of those names."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.checks.files import PRESET_CONFIG
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import MISSING_FILE, UNKNOWN_ARGUMENT
from graphspec.diagnostics.suggest import closest, one_of
from graphspec.files import is_file
from graphspec.language.graph import PresetPreprocessor
from graphspec.shapes.presets import PART_FILES, PREPROCESSOR, read_part


def check_preset_parts(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each tokenizer, preprocessor and image converter that its preset does not hold, and misspelt arguments."""
    for layer in context.layers:
        if not isinstance(layer, PresetPreprocessor) or layer.path is None or not is_file(layer.path / PRESET_CONFIG):
            continue
        able = PART_FILES if layer.part == PREPROCESSOR else (layer.part,)
        if not any(is_file(layer.path / PART_FILES[each]) for each in able):
            yield _missing(layer, [PART_FILES[each] for each in able])
        known = read_part(layer.path, layer.part) or {}
        for name in layer.arguments:
            near = closest(name, list(known))
            if name not in known and near is not None:  # an older KerasHub wrote fewer arguments
                yield Diagnostic(
                    UNKNOWN_ARGUMENT,
                    f"the {layer.part.replace('_', ' ')} of {layer.source} has no argument `{name}`",
                    layer.span_of(name),
                    expected=f"one of {one_of(known)}",
                    help=f"did you mean `{near}`?",
                )


def _missing(layer: PresetPreprocessor, files: list[str]) -> Diagnostic:
    part = layer.part.replace("_", " ")
    return Diagnostic(
        MISSING_FILE,
        f"{layer.source} has no {part}: it holds no {one_of(files)}",
        layer.source_span,
        expected=f"the folder of a preset with its {part}",
        help=f"write it with KerasHub: `{layer.part}.save_to_preset(...)` into the same folder",
    )
