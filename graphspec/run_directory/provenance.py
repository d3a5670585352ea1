"""`provenance.json` of a run: for each value that the training went by, what it was and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Mapping, Sequence
from graphspec.language.schema.part import Part
from graphspec.run_directory.files import write_json
from graphspec.run_paths import PROVENANCE
from graphspec.spec import Spec

_DEFAULT = "default"


def write_provenance(run: Path, spec: Spec) -> None:
    """Write where each value of `spec` came from: `file:line:column`, the override that set it, or `default`."""
    found: dict[str, Any] = {}
    _add(spec.model.tree, spec.model.tree.span, "", found)
    if spec.model.training is not None:
        _add_defaults(spec.model.training, "training", found)
    write_json(run / PROVENANCE, found)


def _add(value: Any, span: Span, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, Mapping) and value:
        for key, item in value.entries():
            _add(item.value, item.span, f"{path}.{key.value}".lstrip("."), found)
    elif isinstance(value, Sequence) and value:
        for number, item in enumerate(value.entries()):
            _add(item.value, item.span, f"{path}[{number}]", found)
    else:
        found[path] = {"value": value, "from": _origin(span)}
        if "${" in span.text:
            found[path]["written"] = span.text


def _origin(span: Span) -> str:
    """The place of a value; of an override its whole text, which has no lines."""
    return f"{span.source.name} {span.source.text}" if span.source.name == "--set" else span.place


def _add_defaults(part: Part, path: str, found: dict[str, Any]) -> None:
    """The keys of `part` that the spec leaves out, with what stands for them."""
    for key in type(part).model_fields:
        value = getattr(part, key)
        if isinstance(value, Part):
            _add_defaults(value, f"{path}.{key}", found)
        elif not part.states(key):
            found[f"{path}.{key}"] = {"value": value, "from": _DEFAULT}
