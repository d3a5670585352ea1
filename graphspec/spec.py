"""`Spec`: a whole spec, read and checked. `load` is the way from a path to one, `inspect` the way to all findings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphspec.checks import GRAPH_CHECKS, TRAINING_CHECKS
from graphspec.checks.data import check_data
from graphspec.checks.files import check_files
from graphspec.checks.freeze import check_freeze
from graphspec.checks.plugins import check_plugins
from graphspec.diagnostics import Report, SpecError
from graphspec.document import STANDARD_INPUT, read
from graphspec.document.tree import Mapping
from graphspec.expand import DECLARING, Library, expand
from graphspec.graph import Graph, Training
from graphspec.lower import check_library, lower, lower_training
from graphspec.lower.data import lower_data
from graphspec.overrides import apply_override
from graphspec.rules import BAD_EXPRESSION
from graphspec.schema import SpecModel, parse
from graphspec.schema.shorthand import write_out
from graphspec.shapes import infer
from graphspec.sources import Data


@dataclass(frozen=True)
class Spec:
    """A spec without errors: its graph, its training and its data, and the warnings that were found.

    model holds the spec's keys with their expressions resolved; tree is the document that they were read from, with
    overrides applied; includes are the files that it includes.
    """

    name: str
    path: Path
    tree: Mapping
    model: SpecModel
    graph: Graph
    training: Training | None
    data: Data | None
    warnings: Report
    includes: tuple[Library, ...] = ()


def load(path: Path | str, overrides: Iterable[str] = ()) -> Spec:
    """The spec at `path` (`-` for standard input), with `key=value` overrides applied.

    Data files are not looked at; `inspect` with `data=True` does. Raises SpecError with every finding.
    """
    spec, report = inspect(path, overrides)
    if spec is None:
        raise SpecError(report)
    return spec


def inspect(path: Path | str, overrides: Iterable[str] = (), *, data: bool = False) -> tuple[Spec | None, Report]:
    """The spec at `path` and everything found in it; no spec where an error was found.

    data: also check the data files that the spec names, by their headers.
    """
    report = Report()
    try:
        spec = _inspect(path, overrides, report, data)
    except SpecError as error:
        report.extend(error.report.found)
        spec = None
    return (spec if not report.errors else None), report


def _inspect(path: Path | str, overrides: Iterable[str], report: Report, data: bool) -> Spec | None:
    tree = read(path, report)
    write_out(tree)
    for override in overrides:
        apply_override(tree, override, report)
    write_out(tree)
    report.raise_if_errors()
    from_stdin = str(path) == STANDARD_INPUT
    folder = Path() if from_stdin else Path(path).parent
    library = expand(tree, folder / "-" if from_stdin else Path(path), report)
    if any(error.rule is not BAD_EXPRESSION for error in report.errors):
        raise SpecError(report)
    if _only_declares(tree):
        check_library(library, report)
        return None
    write_out(library.tree)
    model = parse(library.tree, report)
    if model is None:
        return None
    name = model.name or ("spec" if from_stdin else re.sub(r"[^A-Za-z0-9_-]", "_", Path(path).stem))
    graph = lower(model, name, library, report)
    training = lower_training(model.training, folder, report) if model.training is not None else None
    sources = lower_data(model.data, folder, report) if model.data is not None else None
    if graph is None:
        return None
    report.extend(infer(graph, model.training.precision if model.training is not None else "float32").findings)
    for check in GRAPH_CHECKS + (TRAINING_CHECKS if model.training is not None else ()):
        report.extend(check(graph))
    report.extend(check_plugins(graph, training))
    if training is not None:
        report.extend(check_freeze(graph, training))
    if sources is not None and data:
        report.extend(check_data(graph, sources))
    if data:
        report.extend(check_files(graph, training))
    return Spec(name, Path(path), tree, model, graph, training, sources, report, tuple(library.includes))


def _only_declares(tree: Mapping) -> bool:
    """Whether a file describes no model: it declares layers, models, blocks or variables for others to include."""
    describes = any(key in tree for key in ("inputs", "graph", "outputs", "training", "data"))
    return not describes and any(key in tree for key in DECLARING)
