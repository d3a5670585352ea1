"""`Spec`: a whole spec, read and checked. `load` is the way from a path to one, `inspect` the way to all findings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphspec.checks import CHECKS, DATA_CHECKS, VALUE_CHECKS, Subject
from graphspec.checks.search import check_edges, check_paths
from graphspec.diagnostics import Diagnostic, Report, SpecError
from graphspec.diagnostics.rules import BAD_EXPRESSION, BAD_SEARCH
from graphspec.language.document import STANDARD_INPUT, read
from graphspec.language.document.limits import MAX_FINDINGS
from graphspec.language.document.tree import Mapping, tree_size
from graphspec.language.document.yaml11 import find_traps
from graphspec.language.expand import DECLARING, Library, expand, label_variables
from graphspec.language.graph import Graph, Training
from graphspec.language.lower import check_library, lower, lower_training
from graphspec.language.lower.data import Served, lower_data
from graphspec.language.lower.search import lower_search
from graphspec.language.overrides import apply_override
from graphspec.language.schema import SpecModel, parse
from graphspec.language.schema.desugar import write_out
from graphspec.language.search_space import SearchSpace
from graphspec.project import spec_in
from graphspec.shapes import infer
from graphspec.sources import Data
from graphspec.sources.globs import within_bounds


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
    search: SearchSpace | None = None


def load(path: Path | str, overrides: Iterable[str] = ()) -> Spec:
    """The spec at `path` (`-` for standard input), with `key=value` overrides applied.

    Data files are not looked at; `inspect` with `data=True` does. Raises SpecError with every finding.
    """
    spec, report = inspect(path, overrides)
    if spec is None:
        raise SpecError(report)
    return spec


def inspect(
    path: Path | str, overrides: Iterable[str] = (), *, data: bool = False, values: bool = False
) -> tuple[Spec | None, Report]:
    """The spec at `path` and everything found in it; no spec where an error was found.

    data: also check the data files that the spec names, by their headers, and the spec at the edges of its search.
    values: and data files by all that they hold, for which NumPy is needed.
    """
    with spec_in(Path() if str(path) == STANDARD_INPUT else Path(path).parent):
        return _all_found(path, overrides, data, values)


def _all_found(path: Path | str, overrides: Iterable[str], data: bool, values: bool) -> tuple[Spec | None, Report]:
    report = Report(limit=MAX_FINDINGS)
    traps: list[Diagnostic] = []
    try:
        tree = read(path, report)
        traps += find_traps(tree)
        with within_bounds():
            spec = _inspect(path, tree, overrides, report, data, values)
        if data and spec is not None and spec.search is not None and not report.errors:
            size = tree_size(spec.tree) + sum(1 + len(node.steps) for node in spec.graph.nodes.values())
            report.extend(check_edges(spec.tree, spec.search, size, lambda changed: _found_in(path, changed)))
    except SpecError as error:
        report.extend(error.report.found)
        spec = None
    places = [finding.span for finding in report.found if finding.span is not None]
    report.extend(trap for trap in traps if trap.span is not None and not any(map(trap.span.overlaps, places)))
    return (spec if not report.errors else None), report


def _found_in(path: Path | str, tree: Mapping) -> Report:
    """Everything found in the document `tree`, but for its data files, as if it lay at `path`."""
    report = Report()
    try:
        _inspect(path, tree, (), report, data=False, values=False)
    except SpecError as error:
        report.extend(error.report.found)
    return report


def _inspect(
    path: Path | str, tree: Mapping, overrides: Iterable[str], report: Report, data: bool, values: bool
) -> Spec | None:
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
    try:
        if _only_declares(tree):
            check_library(library, report)
            return None
        return _look(path, tree, library, report, data, values)
    finally:
        label_variables(report, library)


def _look(path: Path | str, tree: Mapping, library: Library, report: Report, data: bool, values: bool) -> Spec | None:
    """The spec of a document whose expressions are resolved, and all findings of the stages that follow."""
    from_stdin = str(path) == STANDARD_INPUT
    folder = Path() if from_stdin else Path(path).parent
    write_out(library.tree)
    model = parse(library.tree, report)
    if model is None:
        return None
    name = model.name or ("spec" if from_stdin else re.sub(r"[^A-Za-z0-9_-]", "_", Path(path).stem))
    graph = lower(model, name, library, report)
    training = lower_training(model.training, folder, report) if model.training is not None else None
    texts = [each for each, given in model.inputs.items() if given.dtype == "string"]
    outputs = graph.outputs if graph is not None else {}
    losses = {each: output.loss.name if output.loss is not None else None for each, output in outputs.items()}
    sources = lower_data(model.data, Served(texts, losses), folder, report) if model.data is not None else None
    search = _search(model, tree, report)
    if graph is None:
        return None
    shapes = infer(graph, model.training.precision if model.training is not None else "float32")
    report.extend(shapes.findings)
    subject = Subject(graph, shapes, model.training, training, sources, search)
    for check in (*CHECKS, *(DATA_CHECKS if data else ()), *(VALUE_CHECKS if values else ())):
        report.extend(check(subject))
    return Spec(name, Path(path), tree, model, graph, training, sources, report, tuple(library.includes), search)


def _search(model: SpecModel, tree: Mapping, report: Report) -> SearchSpace | None:
    """What `model` searches for, its paths followed in the document `tree`."""
    if model.search is None:
        return None
    if model.training is None:
        report.add(
            BAD_SEARCH,
            "there is a `search`, and no `training` whose results it could compare",
            model.key_span("search"),
            expected="a spec that can be trained",
            help="add `training:`",
        )
        return None
    search = lower_search(model.search, report)
    if search is not None:
        report.extend(check_paths(tree, search))
    return search


def _only_declares(tree: Mapping) -> bool:
    """Whether a file describes no model: it declares layers, models, blocks or variables for others to include."""
    describes = any(key in tree for key in ("inputs", "graph", "outputs", "training", "data"))
    return not describes and any(key in tree for key in DECLARING)
