"""Lower presets of KerasHub: their backbones, and the layers that prepare text and images for them.

Nothing is read here. A folder is looked at by the checks, a handle when the model is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import ARGUMENT_VALUE, BAD_VALUE, UNKNOWN_ARGUMENT, UNKNOWN_KEY
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping, plain
from graphspec.language.graph import PresetModel, PresetPreprocessor
from graphspec.language.lower.files import read_path
from graphspec.language.lower.scope import Scope
from graphspec.language.schema.model import ORIGINS, ExternalModelSpec

PRESET_SCHEMES = ("kaggle", "hf")
"""The beginnings of the handles of presets. A name alone is that of a preset of KerasHub itself."""

MAX_SEQUENCE_LENGTH = 2**20
_LENGTH = "sequence_length"
_OF_PRESET = (
    *("tokenizer", "image_converter", "audio_converter", "video_converter", "vocabulary", "merges", "proto"),
    *("config_file", "name", "dtype", "weights", "trainable", "taps"),
)
"""Arguments that the preset states, or that nothing is to be stated for: these layers have no weights."""


def read_preset(written: Located, scope: Scope, report: Report) -> PresetModel | None:
    """Return the preset at a folder or handle, None after a diagnostic."""
    found = _source(written, scope, report)
    if found is None:
        return None
    return PresetModel(span=written.span, source=written.value, source_span=written.span, path=found[0])


def read_preset_part(model: ExternalModelSpec, part: str, scope: Scope, report: Report) -> PresetPreprocessor | None:
    """Return the tokenizer, preprocessor or image converter of a preset, None after a diagnostic."""
    written, watch = model.located(part), report.watch()
    found = _source(written, scope, report)
    arguments: dict[str, Any] = {}
    for key, value in model.tree.entries():
        if key.value == part:
            continue
        if key.value in ORIGINS:
            report.add(
                UNKNOWN_KEY, f"a model has one origin, but this one has both `{part}` and `{key.value}`", key.span,
                expected="one of them", help="declare two models, and apply one after the other",
            )  # fmt: skip
        elif key.value in _OF_PRESET or key.value.startswith("_"):
            report.add(
                UNKNOWN_ARGUMENT, f"there is no `{key.value}` to state for the {part} of a preset", key.span,
                expected="an argument of its class in KerasHub, such as `sequence_length` or `image_size`",
                help="remove it: the preset says what it is",
            )  # fmt: skip
        elif _is_argument(key.value, value, report):
            arguments[key.value] = plain(value.value)
    if found is None or not watch.is_clean:
        return None
    return PresetPreprocessor(
        span=written.span,
        source=written.value,
        source_span=written.span,
        path=found[0],
        part=part,
        arguments=arguments,
        argument_spans={key.value: key.span for key, _ in model.tree.entries() if key.value in arguments},
    )


def _is_argument(name: str, value: Located, report: Report) -> bool:
    """Return whether an argument can be handed to KerasHub, which would make objects of mappings."""
    if name == _LENGTH:
        is_length = isinstance(value.value, int) and not isinstance(value.value, bool)
        if not is_length or not 1 <= value.value <= MAX_SEQUENCE_LENGTH:
            report.add(
                ARGUMENT_VALUE, f"`{_LENGTH}` is {value.value if is_length else kind_of(value.value)}", value.span,
                expected=f"a whole number from 1 to {MAX_SEQUENCE_LENGTH:,}: the tokens of each sequence",
            )  # fmt: skip
            return False
        return True
    items = value.value if isinstance(value.value, list) else [value.value]
    if any(isinstance(each, Mapping | list) for each in items):
        report.add(
            ARGUMENT_VALUE, f"`{name}` is {kind_of(value.value)}", value.span,
            expected="a number, text, true, false or null, or a list of these",
        )  # fmt: skip
        return False
    return True


def _source(written: Located, scope: Scope, report: Report) -> tuple[Path | None] | None:
    """Return the folder of a preset, None in it for a handle; None after a diagnostic."""
    path = read_path(written, "the folder of a preset, or a handle of KerasHub", scope.files[-1].parent, report)
    if path is None:
        return None
    scheme, separator, _ = written.value.partition("://")
    if separator and scheme not in PRESET_SCHEMES:
        report.add(
            BAD_VALUE, f"`{written.value}` is no handle of KerasHub", written.span,
            expected=f"a handle that begins with {one_of([f'{each}://' for each in PRESET_SCHEMES])}",
            help=did_you_mean(scheme, PRESET_SCHEMES, "for a folder, write its path, such as `./bert_tiny`"),
        )  # fmt: skip
        return None
    return (None if is_handle(written.value) else path,)


def is_handle(source: str) -> bool:
    """Return whether a preset is named by a handle, or by the name that KerasHub has for it, and not by a path."""
    return "://" in source or ("/" not in source.replace("\\", "/") and source not in (".", ".."))
