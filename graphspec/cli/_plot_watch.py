"""`graphspec plot --watch`: draw again whenever a file changes that the drawing depends on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import click

from graphspec.cli._plot_server import ADDRESS, PlotServer
from graphspec.cli._stamps import INTERVAL, stamps_of
from graphspec.console.echo import echo
from graphspec.diagnostics import Report, SourceText, SpecError
from graphspec.diagnostics.render import render
from graphspec.diagnostics.rules import CANNOT_WRITE
from graphspec.drawing import Drawings
from graphspec.drawing.details import finding_facts
from graphspec.drawing.page import as_json, plot_facts, plot_page
from graphspec.files import is_file, reason_of
from graphspec.language.document.overlay import key, overlay
from graphspec.language.graph import Graph
from graphspec.signals import forget
from graphspec.spec import Spec, inspect, load


@dataclass(frozen=True)
class _Reading:
    """A spec as far as it can be read, all findings, and the files that it depends on."""

    spec: Spec | None
    report: Report
    files: frozenset[str]


def watch(path: str, overrides: Sequence[str], depth: int | None, port: int) -> int:
    """Serve the page of a spec until Ctrl-C, and draw it again after each change. Return the exit status.

    Raises:
        SpecError: There is no such file, or the port cannot be used.
    """
    if not is_file(path):
        load(path, overrides)
    try:
        server = PlotServer(port)
    except OSError as error:
        raise SpecError.of(
            CANNOT_WRITE,
            f"cannot serve at {ADDRESS}:{port}: {reason_of(error)}",
            help="choose another --port, or leave it out for a free one",
        ) from None
    reading = None
    try:
        with server.running():
            last: Drawings | None = None
            while True:
                reading = _read(path, overrides)
                before = stamps_of(reading.files)
                last = _publish(server, reading, last, depth)
                if server.version == 1:
                    echo(f"The page is at {server.url} ; press Ctrl-C to stop.", err=True)
                _show(reading.report)
                while stamps_of(reading.files) == before:
                    time.sleep(INTERVAL)
    except KeyboardInterrupt:
        if reading is None:
            raise
        forget()
        return 1 if reading.report.errors else 0


def _read(path: str, overrides: Sequence[str]) -> _Reading:
    with overlay() as read:
        spec, report = inspect(path, overrides, data=True, keep_faulty=True)
    return _Reading(spec, report, frozenset({*read.asked, key(path)}))


def _publish(server: PlotServer, reading: _Reading, last: Drawings | None, depth: int | None) -> Drawings | None:
    """Publish the page of a reading, and return its drawings; those before it where the spec cannot be drawn."""
    found = list(reading.report)
    spec = reading.spec
    drawings = Drawings.of(spec.graph, spec.model.precision) if spec is not None else None
    if drawings is not None:
        facts = plot_facts(drawings, found, depth, watch=True)
        server.publish(plot_page(drawings, found, depth, watch=True), as_json(facts))
    else:
        news = {"findings": list(map(finding_facts, found))}
        page = plot_page(last or Drawings.of(_nothing()), found, depth, watch=True, is_stale=True)
        server.publish(page, as_json(news))
    return drawings or last


def _nothing() -> Graph:
    """Return a graph without nodes, which is drawn until a spec can be read."""
    return Graph("no graph yet", {}, {}, {}, span=SourceText("", "").first_line)


def _show(report: Report) -> None:
    stamp = time.strftime("%H:%M:%S")
    click.echo(f"{stamp}  drawn, " + ("no findings" if not len(report) else f"{len(report)} findings:"), err=True)
    if len(report):
        click.echo(render(report), err=True)
