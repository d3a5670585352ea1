"""A word of the command line → the spec that it names: a file, a run, a saved model, or a file of a git revision."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from graphspec.diagnostics import Diagnostic, Report, Span, SpecError
from graphspec.diagnostics.rules import EMPTY_DOCUMENT
from graphspec.differences.revisions import Revision, is_revision, open_revision
from graphspec.files import is_folder, is_there, read_bytes
from graphspec.language.document.limits import MAX_BYTES
from graphspec.language.document.overlay import STANDARD_INPUT, overlay
from graphspec.run_directory import newest
from graphspec.run_paths import SPEC
from graphspec.spec import Spec, inspect
from graphspec.validation.spec_files import holds_spec

_MODELS = (".keras", ".h5", ".hdf5")


@dataclass(frozen=True, slots=True)
class Side:
    """One of two specs that are compared. kind: `spec`, `run`, `model` or `revision`."""

    source: str
    kind: str
    spec: Spec


def side_of(source: str) -> Side:
    """Load the spec that `source` names.

    Args:
        source: A spec file, `-`, a run or a folder of runs, a model file of Keras, or `REVISION:path`.

    Raises:
        SpecError: It names none, or the spec has errors.
    """
    path = Path(source)
    if source != STANDARD_INPUT and not is_there(path) and is_revision(source):
        revision, place = open_revision(source)
        side = load_side(place, source, revision)
    elif source != STANDARD_INPUT and is_folder(path):
        run = newest(path)
        side = load_side(run / SPEC, str(run), kind="run")
    elif source != STANDARD_INPUT and _is_model(path):
        side = Side(source, "model", _spec_of_model(path))
    else:
        side = load_side(source, source)
    if side is None:
        raise SpecError.of(
            EMPTY_DOCUMENT,
            f"{source} declares layers, models or blocks, but no model",
            help="compare specs that include it",
        )
    return side


def load_side(path: Path | str, source: str, revision: Revision | None = None, *, kind: str = "spec") -> Side | None:
    """Load the spec at `path`, in the working tree or in a revision.

    Args:
        path: The file.
        source: How the user named it.
        revision: Read the file, and what it includes, from this revision.
        kind: The kind of the side in the working tree.

    Returns:
        The side; None for a file that only declares parts for others.

    Raises:
        SpecError: The spec has errors.
    """
    with ExitStack() as stack:
        if revision is not None:
            stack.enter_context(overlay(revision))
        spec, report = inspect(path)
    if spec is not None:
        return Side(source, kind if revision is None else "revision", spec)
    if revision is not None:
        report = Report([_in_revision(each, revision) for each in report.found])
    report.raise_if_errors()
    return None


def _is_model(path: Path) -> bool:
    """Return whether a file is a model that Keras saved, or its configuration."""
    if path.suffix in _MODELS:
        return True
    if path.suffix != ".json":
        return False
    try:
        data = read_bytes(path, MAX_BYTES)
    except OSError:
        return False
    return b'"class_name"' in data and not holds_spec(data)


def _spec_of_model(path: Path) -> Spec:
    """Return the spec of a saved model, decompiled from its configuration. Raises SpecError."""
    from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file

    return decompile_file(read_model_file(path), DecompileOptions()).spec


def _in_revision(finding: Diagnostic, revision: Revision) -> Diagnostic:
    """Return a finding with the revision in the names of its files."""
    if finding.span is None:
        return finding
    labels = tuple(replace(label, span=_of(label.span, revision)) for label in finding.labels)
    return replace(finding, span=_of(finding.span, revision), labels=labels)


def _of(span: Span, revision: Revision) -> Span:
    if os.path.realpath(span.source.name) not in revision:
        return span
    via = _of(span.via, revision) if span.via is not None else None
    return replace(span, source=replace(span.source, name=f"{revision.name}:{span.source.name}"), via=via)
