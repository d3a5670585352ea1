"""Path → `Spec`, a spec that was read and checked: `load` raises its errors, `inspect` returns all findings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphspec.checks import CHECKS, DATA_CHECKS, VALUE_CHECKS, CheckContext
from graphspec.checks.search import check_edges, check_paths
from graphspec.diagnostics import Diagnostic, Report, SourceText, SpecError
from graphspec.diagnostics.rules import BAD_EXPRESSION, BAD_SEARCH
from graphspec.language.document import STANDARD_INPUT, read, read_text
from graphspec.language.document.limits import MAX_FINDINGS
from graphspec.language.document.tree import Mapping, tree_size
from graphspec.language.document.yaml11 import check_yaml11
from graphspec.language.expand import DECLARATION_KEYS, Library, expand, label_variables
from graphspec.language.graph import Graph
from graphspec.language.lower import check_library, lower, lower_training
from graphspec.language.lower.data import DataRequirements, lower_data
from graphspec.language.lower.search import lower_search
from graphspec.language.overrides import apply_override
from graphspec.language.schema import SpecModel, parse
from graphspec.language.schema.desugar import desugar
from graphspec.language.search_space import SearchSpace
from graphspec.language.source_nodes import SourceNodes
from graphspec.language.training import Training
from graphspec.project import spec_in
from graphspec.shapes import Shapes, infer
from graphspec.shapes.batch_size import automatic_batch_size
from graphspec.sources import Data
from graphspec.sources.globs import within_bounds


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A spec without errors.

    Attributes:
        tree: The document with overrides applied.
        model: The keys of the spec with expressions resolved.
        warnings: The findings that are not errors.
        library: The file of the spec, before and after its expressions are resolved.
        source_nodes: The nodes of each body as the spec writes them.
        shapes: The inferred tensors of the graph.
    """

    name: str
    path: Path
    tree: Mapping
    model: SpecModel
    graph: Graph
    shapes: Shapes
    training: Training | None
    data: Data | None
    warnings: Report
    library: Library
    source_nodes: SourceNodes
    search: SearchSpace | None = None

    @property
    def includes(self) -> tuple[Library, ...]:
        return tuple(self.library.includes)


def load(path: Path | str, overrides: Iterable[str] = ()) -> Spec:
    """Load a spec without reading its data files.

    Args:
        path: The file, or `-` for standard input.
        overrides: `key=value` texts, as for `--set`.

    Raises:
        SpecError: The spec has errors; it holds every finding.
    """
    spec, report = inspect(path, overrides)
    if spec is None:
        raise SpecError(report)
    return spec


def inspect(
    path: Path | str,
    overrides: Iterable[str] = (),
    *,
    data: bool = False,
    values: bool = False,
    keep_faulty: bool = False,
) -> tuple[Spec | None, Report]:
    """Load a spec, and return it (None if it has errors) with all findings.

    Args:
        path: The file, or `-` for standard input.
        overrides: `key=value` texts, as for `--set`.
        data: Check the headers of data files, and the spec at the bounds of its search, too.
        values: Read whole data files, which needs NumPy.
        keep_faulty: Return a spec with errors, too, where enough of it can be read; its faulty parts are marked.
    """
    with spec_in(Path() if str(path) == STANDARD_INPUT else Path(path).parent):
        spec, report = _inspect(path, overrides, data, values)
    return (spec if keep_faulty or not report.errors else None), report


def _inspect(path: Path | str, overrides: Iterable[str], data: bool, values: bool) -> tuple[Spec | None, Report]:
    report = Report(limit=MAX_FINDINGS)
    yaml11: list[Diagnostic] = []
    try:
        tree = read(path, report)
        yaml11 += check_yaml11(tree)
        with within_bounds():
            spec = _read(path, tree, overrides, report, data=data, values=values)
        if data and spec is not None and spec.search is not None and not report.errors:
            size = tree_size(spec.tree) + sum(1 + len(node.steps) for node in spec.graph.nodes.values())
            report.extend(check_edges(spec.tree, spec.search, size, lambda changed: _findings_of(path, changed)))
    except SpecError as error:
        report.extend(error.report.found)
        spec = None
    places = [finding.span for finding in report.found if finding.span is not None]
    report.extend(each for each in yaml11 if each.span is not None and not any(map(each.span.overlaps, places)))
    return spec, report


def inspect_text(text: str, path: Path) -> tuple[Spec | None, Report]:
    """Return the spec of a text (None if it has errors) with all findings, without data files.

    Args:
        text: The spec.
        path: The file that it is to be written to; paths in it start there.
    """
    report = Report(limit=MAX_FINDINGS)
    with spec_in(path.parent):
        try:
            spec = _read(path, read_text(SourceText(str(path), text), report), (), report, data=False, values=False)
        except SpecError as error:
            report.extend(error.report.found)
            spec = None
    return (spec if not report.errors else None), report


def _findings_of(path: Path | str, tree: Mapping) -> Report:
    """Check the document `tree`, without its data files, as if it were the file at `path`."""
    report = Report()
    try:
        _read(path, tree, (), report, data=False, values=False)
    except SpecError as error:
        report.extend(error.report.found)
    return report


def _read(
    path: Path | str, tree: Mapping, overrides: Iterable[str], report: Report, *, data: bool, values: bool
) -> Spec | None:
    """Apply the overrides to `tree`, resolve its expressions, and return its spec; None if it has none."""
    desugar(tree)
    for override in overrides:
        apply_override(tree, override, report)
    desugar(tree)
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
        return _checked(path, tree, library, report, data=data, values=values)
    finally:
        label_variables(report, library)


def _checked(
    path: Path | str, tree: Mapping, library: Library, report: Report, *, data: bool, values: bool
) -> Spec | None:
    """Return the spec of a document whose expressions are resolved, after all further stages and checks."""
    from_stdin = str(path) == STANDARD_INPUT
    folder = Path() if from_stdin else Path(path).parent
    desugar(library.tree)
    model = parse(library.tree, report)
    if model is None:
        return None
    name = model.name or ("spec" if from_stdin else re.sub(r"[^A-Za-z0-9_-]", "_", Path(path).stem))
    source_nodes = SourceNodes()
    graph = lower(model, name, library, report, source_nodes=source_nodes)
    training = lower_training(model.training, folder, report) if model.training is not None else None
    texts = [each for each, input in model.inputs.items() if input.dtype == "string"]
    outputs = graph.outputs if graph is not None else {}
    losses = {each: output.loss.name if output.loss is not None else None for each, output in outputs.items()}
    sources = (
        lower_data(model.data, DataRequirements(texts, losses), folder, report) if model.data is not None else None
    )
    search = _search(model, tree, report)
    if graph is None:
        return None
    shapes = infer(graph, model.precision)
    if model.training is not None and model.training.has_automatic_batch_size:
        model = model.with_batch_size(automatic_batch_size(graph, shapes))
    report.extend(shapes.findings)
    context = CheckContext(
        graph=graph, shapes=shapes, settings=model.training, training=training, data=sources, search=search
    )
    for check in (*CHECKS, *(DATA_CHECKS if data else ()), *(VALUE_CHECKS if values else ())):
        report.extend(check(context))
    return Spec(
        name=name,
        path=Path(path),
        tree=tree,
        model=model,
        graph=graph,
        shapes=shapes,
        training=training,
        data=sources,
        warnings=report,
        library=library,
        source_nodes=source_nodes,
        search=search,
    )


def _search(model: SpecModel, tree: Mapping, report: Report) -> SearchSpace | None:
    """Return the search space of `model`, its paths checked against the document `tree`."""
    if model.search is None:
        return None
    if model.training is None:
        report.add(
            BAD_SEARCH,
            "the spec has a `search`, but no `training` whose results it could compare",
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
    """Return whether a file describes no model, but declares layers, models, blocks or variables to include."""
    describes = any(key in tree for key in ("inputs", "graph", "outputs", "training", "data"))
    return not describes and any(key in tree for key in DECLARATION_KEYS)
