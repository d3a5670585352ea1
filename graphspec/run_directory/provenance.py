"""`provenance.json` of a run: the origin of each value of its spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Mapping, Sequence
from graphspec.language.schema import TrainingModel
from graphspec.language.schema.part import Part
from graphspec.run_directory.files import write_json
from graphspec.run_paths import PROVENANCE
from graphspec.spec import Spec

_DEFAULT = "default"


def write_provenance(run: Path, spec: Spec) -> None:
    """Write the origin of each value: `file:line:column`, an override, or `default`."""
    origins: dict[str, Any] = {}
    _add(spec.model.tree, spec.model.tree.span, "", origins)
    if spec.model.training is not None:
        _add_defaults(spec.model.training, "training", origins)
    write_json(run / PROVENANCE, origins)


def _add(value: Any, span: Span, path: str, origins: dict[str, Any]) -> None:
    if isinstance(value, Mapping) and value:
        for key, item in value.entries():
            _add(item.value, item.span, f"{path}.{key.value}".lstrip("."), origins)
    elif isinstance(value, Sequence) and value:
        for number, item in enumerate(value.entries()):
            _add(item.value, item.span, f"{path}[{number}]", origins)
    else:
        origins[path] = {"value": value, "from": _origin(span)}
        if "${" in span.text:
            origins[path]["written"] = span.text


def _origin(span: Span) -> str:
    """Return the place of a value, or the text of the override that set it."""
    return f"{span.source.name} {span.source.text}" if span.source.name == "--set" else span.place


def _add_defaults(part: Part, path: str, origins: dict[str, Any]) -> None:
    """Add the keys of `part` that the spec leaves out, with their defaults."""
    for key in type(part).model_fields:
        value = getattr(part, key)
        if isinstance(value, Part):
            _add_defaults(value, f"{path}.{key}", origins)
        elif not part.states(key) and not (isinstance(part, TrainingModel) and part.stages and key == "epochs"):
            origins[f"{path}.{key}"] = {"value": value, "from": _DEFAULT}
