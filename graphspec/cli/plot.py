"""`graphspec plot`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.candidates import specs_and_runs
from graphspec.cli.options import keras_option, set_option
from graphspec.console.echo import echo, echo_bytes
from graphspec.extras import require
from graphspec.files import cannot_write, is_folder, open_file
from graphspec.language.document import STANDARD_INPUT

if TYPE_CHECKING:
    from graphspec.spec import Spec

FORMATS = ("svg", "png", "mmd", "html")
_ENDINGS = {".svg": "svg", ".png": "png", ".mmd": "mmd", ".mermaid": "mmd", ".html": "html", ".htm": "html"}


@click.command()
@click.argument("spec", metavar="SPEC|RUN", shell_complete=specs_and_runs)
@set_option
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(),
    help="Write to FILE: .svg, .png, .mmd (Mermaid) or .html (interactive).  [default: Mermaid to standard output]",
)
@click.option("--format", type=click.Choice(FORMATS), help="The format, where the name of FILE does not say it.")
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    metavar="N",
    help="Unfold N levels of blocks and nested models; 0 folds all.  [default: as many as stay readable]",
)
@click.option("--width", type=click.IntRange(min=50, max=20_000), metavar="PX", help="The width of a PNG in pixels.")
@click.option("--force", is_flag=True, help="Replace FILE even if graphspec did not write it.")
@click.option("--watch", is_flag=True, help="Serve the interactive page on this machine, and draw again on each save.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, metavar="PORT", help="With --watch.  [default: free]"
)
@keras_option("spec")
def plot(
    spec: str,
    overrides: tuple[str, ...],
    output: str | None,
    format: str | None,
    depth: int | None,
    width: int | None,
    force: bool,
    watch: bool,
    port: int,
) -> None:
    """Draw the graph of a spec, without TensorFlow.

    Boxes are the nodes of the spec, with the layers, shapes and numbers of parameters; uses of blocks and nested models
    are groups. The HTML page is one file that needs no network: fold and unfold groups, click a box for its arguments
    and its lines of the spec, search by name. RUN is a run directory, or a folder of runs (its newest run is used).

    \b
    graphspec plot specs/zoo/unet.yaml -o unet.html
    graphspec plot specs/zoo/resnet50.yaml -o resnet50.png --depth 1
    graphspec plot runs/wine -o wine.svg
    graphspec plot specs/wine.yaml >> README.md
    graphspec plot specs/wine.yaml --watch
    """
    if watch and (output is not None or format is not None):
        raise click.UsageError("--watch serves a page and writes no file: leave out --output and --format")
    if watch and spec == STANDARD_INPUT:
        raise click.UsageError("--watch needs a file: standard input does not change")
    if port and not watch:
        raise click.UsageError("--port needs --watch")
    path = _spec_of(spec)
    if watch:
        from graphspec.cli._plot_watch import watch as keep_watching

        sys.exit(keep_watching(path, overrides, depth, port))
    chosen = format or _format_of(output)
    if width is not None and chosen != "png":
        raise click.UsageError("--width is for PNG files: other formats have no pixels")
    if chosen == "png":
        require("PIL", "Pillow", "a PNG is drawn by Pillow")
        if output in (None, STANDARD_INPUT) and sys.stdout.isatty():
            raise click.UsageError("a PNG is no text for a terminal: write it to a file with --output")
    target = Path(output) if output not in (None, STANDARD_INPUT) else None
    if target is not None:
        _check(target, force=force)
    from graphspec.spec import load

    data = _drawn(load(path, overrides), chosen, depth, width)
    if target is None:
        echo_bytes(data)
        return
    from graphspec.run_directory import write

    write(target, lambda part: part.write_bytes(data), parents=True)
    echo(f"Wrote {target}", err=True)


def _spec_of(argument: str) -> str:
    """Return the path of the spec that an argument names: a file, standard input, or that of a run."""
    if argument == STANDARD_INPUT or not is_folder(argument):
        return argument
    from graphspec.run_directory import SPEC, newest

    return str(newest(Path(argument)) / SPEC)


def _format_of(output: str | None) -> str:
    if output in (None, STANDARD_INPUT):
        return "mmd"
    found = _ENDINGS.get(Path(str(output)).suffix.lower())
    if found is None:
        raise click.UsageError(f"the name of {output} does not say the format: end it in .svg, .png, .mmd or .html, "
                               "or add --format")  # fmt: skip
    return found


def _drawn(spec: Spec, format: str, depth: int | None, width: int | None) -> bytes:
    """Return the drawing of a spec in a format."""
    from graphspec.drawing import Drawings, svg_file

    drawings = Drawings.of(spec.graph, spec.model.precision)
    if format == "mmd":
        from graphspec.drawing.mermaid import mermaid_text

        return mermaid_text(drawings, depth).encode()
    if format == "html":
        from graphspec.drawing.page import plot_page

        return plot_page(drawings, spec.warnings, depth).encode()
    drawing = drawings.draw(0, drawings.unfolded(0, depth))
    if format == "svg":
        return svg_file(drawing).encode()
    from graphspec.drawing.png import png_bytes

    return png_bytes(drawing, width)


def _check(path: Path, *, force: bool) -> None:
    """Raise SpecError unless a drawing can be written to `path`."""
    from graphspec.run_directory import check_destination

    if is_folder(path):
        raise cannot_write(path, "it is a folder", f"write to {path / 'graph.svg'}")
    check_destination(path)
    if path.exists() and not force and not _is_ours(path):
        help = "choose another path with --output, or pass --force to replace it"
        raise cannot_write(path, "it is not a drawing of graphspec", help)


def _is_ours(path: Path) -> bool:
    """Return whether the file at `path` is a drawing of graphspec."""
    from graphspec.drawing.mermaid import is_mermaid_file
    from graphspec.drawing.page import is_plot_page
    from graphspec.drawing.png import is_png_of_plot
    from graphspec.drawing.svg import is_svg_of_plot

    tests: tuple[Callable[[bytes], bool], ...] = (is_svg_of_plot, is_png_of_plot, is_mermaid_file, is_plot_page)
    with suppress(OSError), open_file(path) as file:
        first = file.read(2_000)
        return any(test(first) for test in tests)
    return False
