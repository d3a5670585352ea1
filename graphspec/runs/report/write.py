"""`write_report`: a run → its HTML page, which itself reports what is missing or damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from graphspec import run_directory
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.render import render_one
from graphspec.drawing.markup import Markup, note
from graphspec.files import cannot_write, is_folder, open_file, read_text
from graphspec.run_directory.folders import status_of
from graphspec.run_directory.records import read_learning_rates
from graphspec.run_paths import REPORT
from graphspec.runs.report.graph_section import graph_section
from graphspec.runs.report.metrics_sections import curves_section, learning_rates_section, speed_section
from graphspec.runs.report.origin_sections import data_section, lock_section, provenance_section, spec_section
from graphspec.runs.report.overview import best_epoch, overview
from graphspec.runs.report.page import Section, is_page, page
from graphspec.runs.report.series import Row
from graphspec.runs.run import Run
from graphspec.spec import Spec

OnStage = Callable[[str], object]
"""A function that is called with a description of each stage of the work."""

Result = TypeVar("Result")


def _ignore(stage: str) -> None:
    """Ignore a stage."""


def write_report(
    run: Run | Path | str, path: Path | str | None = None, *, force: bool = False, on_stage: OnStage = _ignore
) -> Path:
    """Write the HTML page of a run; it needs no network.

    Args:
        run: A run, its directory, or a folder of runs (the newest is taken).
        path: File to write, by default `report.html` in the run.
        force: Replace a file that is no report of graphspec.
        on_stage: Is called with a description of each stage of the work.

    Returns:
        The path of the page.

    Raises:
        SpecError: There is no run, or the page cannot be written.
    """
    run = run if isinstance(run, Run) else Run.at(run)
    target = Path(path) if path is not None else run.path / REPORT
    _check(target, force=force)
    text = report_page(run, on_stage)
    run_directory.write(target, lambda part: part.write_text(text, encoding="utf-8"), parents=True)
    return target


def report_page(run: Run, on_stage: OnStage = _ignore) -> str:
    """Return the page of `run` as HTML."""
    record, spec = _readable(run, run_directory.RECORD), _read(lambda: run.spec)
    rows = _read(lambda: run_directory.read_rows(run.path))
    known = record if isinstance(record, dict) else {}
    name = str(known.get("name") or run.path.name)
    metrics = rows if isinstance(rows, list) else []
    head = overview(name, status_of(run.path, known), known, metrics, folder=str(run.path.resolve()))
    checked = _read(lambda: run.record)
    faults = (
        [("Record", _fault("The record of the run is damaged.", checked))] if isinstance(checked, SpecError) else []
    )
    return page(name, head, [*faults, *_sections(run, known, rows, spec, on_stage=on_stage)])


def _sections(
    run: Run, record: dict[str, Any], rows: list[Row] | SpecError, spec: Spec | SpecError, *, on_stage: OnStage
) -> Iterator[Section]:
    outputs = list(spec.graph.outputs) if isinstance(spec, Spec) else []
    if isinstance(rows, SpecError):
        yield "Curves", _fault("The metrics cannot be read.", rows)
    else:
        missing = _read(lambda: run.metrics)
        lost = _fault("Some of the metrics are missing.", missing) if isinstance(missing, SpecError) else ""
        yield "Curves", Markup(lost + curves_section(rows, outputs, best_epoch(record)))
        if (speed := speed_section(rows, outputs, best_epoch(record))) is not None:
            yield "Training", speed
    tested = _read(lambda: read_learning_rates(run.path))
    if tested is not None:
        fault = "The test of learning rates cannot be read."
        yield "Learning rates", learning_rates_section(tested) if isinstance(tested, dict) else _fault(fault, tested)
    if isinstance(spec, Spec):
        yield "Predictions", _predictions(run, on_stage)
        yield "Graph", graph_section(spec)
        on_stage("reading the data")
        yield "Data", _data(run, spec)
    yield "Spec", _spec(run, spec)
    lock = _readable(run, run_directory.LOCK)
    no_lock = "The lock.json of the run cannot be read."
    yield "Versions", lock_section(lock) if isinstance(lock, dict) else _fault(no_lock, lock)
    provenance = _readable(run, run_directory.PROVENANCE)
    origins = (
        provenance_section(provenance) if isinstance(provenance, dict) else _fault("It cannot be read.", provenance)
    )
    yield "Origin of each value", origins


def _spec(run: Run, spec: Spec | SpecError) -> Markup:
    """Return the text of the spec, after its faults and changes."""
    parts = [_fault("The spec of the run cannot be read.", spec)] if isinstance(spec, SpecError) else []
    changes = _read(run.spec_changes) if isinstance(spec, Spec) else None
    if isinstance(changes, list) and changes:
        parts.append(note("\n".join(["The spec has changed since the run began:", *map(str, changes)]), kind="warning"))
    with suppress(OSError):
        parts.append(spec_section(read_text(run.path / run_directory.SPEC, errors="replace")))
    return Markup("".join(parts))


def _data(run: Run, spec: Spec) -> Markup:
    try:
        return data_section(spec, run.vocabularies)
    except SpecError as error:
        return _fault("The data cannot be read.", error)
    except ImportError as error:
        return note(f"Reading the data needs {error.name}, which is not installed.", kind="warning")


def _predictions(run: Run, on_stage: OnStage) -> Markup:
    """Return the section of predictions, or a note why there are none."""
    if not (run.path / run_directory.MODEL).is_file():
        return note("The run holds no model yet, so there is nothing to predict with.", kind="warning")
    try:
        from graphspec.runs.report.prediction_section import prediction_section
        from graphspec.runs.report.predictions import failure_text, predictions_of
    except ImportError as error:
        return note(f"Predicting needs {error.name}, which is not installed.", kind="warning")
    on_stage("predicting")
    try:
        return prediction_section(predictions_of(run))
    except Exception as error:  # layers of a model may raise anything
        return note(f"The model cannot be applied to its data.\n{failure_text(error)}", kind="warning")


def _fault(title: str, error: SpecError) -> Markup:
    return note("\n".join([title, *(render_one(each) for each in error.report)]), kind="warning")


def _readable(run: Run, name: str) -> dict[str, Any] | SpecError:
    """Read the JSON object in a file of `run`, unchecked: a page shows what it can."""
    return _read(lambda: run_directory.read_json(run.path / name))


def _read(read: Callable[[], Result]) -> Result | SpecError:
    """Return the result of `read`, or the SpecError that it raised."""
    try:
        return read()
    except SpecError as error:
        return error


def _check(path: Path, *, force: bool) -> None:
    """Raise SpecError unless the page can be written to `path`."""
    if is_folder(path):
        raise cannot_write(path, "it is a folder", f"write to {path / REPORT}")
    run_directory.check_destination(path)
    if path.exists() and not force and not _is_ours(path):
        help = "choose another path with --output, or pass --force to replace it"
        raise cannot_write(path, "it is not a report of graphspec", help)


def _is_ours(path: Path) -> bool:
    """Return whether the file at `path` is a page of graphspec."""
    with suppress(OSError), open_file(path) as file:
        return is_page(file.read(2_000))
    return False
