"""`graphspec summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from graphspec.cli.options import set_option
from graphspec.diagnostics.shape_text import shape_text

if TYPE_CHECKING:
    from rich.table import Table

    from graphspec.to_keras.summary import Section, Summary


@click.command()
@click.argument("spec", metavar="SPEC")
@set_option
def summary(spec: str, overrides: tuple[str, ...]) -> None:
    """Show the model of a spec node by node, without allocating its weights.

    Each row is one call of a layer, under the name of its node in the spec: its inputs, output shape and parameters,
    and, if the layer is called several times, the number of the call and the nodes that share it.

    \b
    graphspec summary specs/video_qa.yaml
    graphspec summary specs/mlp.yaml --set training.optimizer=adam
    """
    from graphspec.api import summarize
    from graphspec.diagnostics.render import render
    from graphspec.spec import load

    model = summarize(load(spec, overrides))
    _print(model)
    if len(model.warnings):
        click.echo("\n" + render(model.warnings), err=True)


def _print(model: Summary) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    _print_section(console, model.root, 0)
    size = f"{_bytes(4 * model.parameters)} in float32"
    trained = f", {_trained(model.trainable, model.parameters)}" if not model.stages else ""
    console.print(f"[bold]{model.parameters:,}[/] parameters{trained}; {size}", highlight=False)
    for name, trainable in model.stages:
        console.print(f"    {name}: {_trained(trainable, model.parameters)}", highlight=False)


def _trained(trainable: int, parameters: int) -> str:
    frozen = parameters - trainable
    return "all trainable" if not frozen else f"{trainable:,} trainable and {frozen:,} frozen"


def _print_section(console: object, section: Section, depth: int) -> None:
    from rich.console import Console
    from rich.padding import Padding

    from graphspec.console.cells import cell

    assert isinstance(console, Console)
    title = cell(section.name if depth == 0 else f"└ model {section.name}", "bold")
    if depth:
        title.append(f"  {section.parameters:,} parameters", "dim")
    console.print(Padding(title, (0, 0, 0, 4 * max(0, depth - 1)), expand=False))
    console.print(Padding(_table(section), (0, 0, 1, 4 * depth), expand=False))
    for model in section.models:
        _print_section(console, model, depth + 1)


def _table(section: Section) -> Table:
    from rich import box
    from rich.table import Table

    from graphspec.console.cells import cell

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("node", "layer", "takes", "shape"):
        table.add_column(heading, overflow="fold")
    table.add_column("parameters", justify="right")
    table.add_column("shared", overflow="fold")
    last = ""
    for row in section.rows:
        mark = cell(row.node if row.node != last else "", "bold" if row.is_output else "")
        shape = _shape(row.shape) + ("" if row.dtype == "float32" else f" {row.dtype}")
        parameters = "" if row.parameters in (None, 0) else f"{row.parameters:,}"
        table.add_row(mark, *map(cell, (row.layer, ", ".join(row.takes), shape, parameters, _sharing(row))))
        last = row.node
    return table


def _sharing(row: object) -> str:
    from graphspec.to_keras.summary import Row

    assert isinstance(row, Row)
    if row.calls == 1:
        return ""
    others = f" with {', '.join(row.shared_with)}" if row.shared_with else ""
    return f"call {row.call} of {row.calls}{others}"


def _shape(shape: object) -> str:
    if isinstance(shape, dict):
        return ", ".join(f"{name} {_shape(each)}" for name, each in shape.items())
    if isinstance(shape, list):
        return ", ".join(map(_shape, shape))
    return shape_text(shape)


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return ""
