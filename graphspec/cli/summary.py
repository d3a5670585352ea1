"""`graphspec summary`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from graphspec.cli.candidates import spec_files
from graphspec.cli.options import set_option
from graphspec.diagnostics.shape_text import shape_text

if TYPE_CHECKING:
    from rich.table import Table

    from graphspec.distribution.cost import StepCost
    from graphspec.spec import Spec
    from graphspec.to_keras.summary import Section, Summary


@click.command()
@click.argument("spec", metavar="SPEC", shell_complete=spec_files)
@set_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Also show the bytes that N workers would move in a step of the training.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def summary(spec: str, overrides: tuple[str, ...], workers: int | None, as_json: bool) -> None:
    """Show the model of a spec node by node, without allocating its weights.

    Each row is one call of a layer, under the name of its node in the spec: its inputs, output shape and parameters,
    and, if the layer is called several times, the number of the call and the nodes that share it.

    --workers N adds what a step costs when N workers share each batch: the bytes of gradients that each sends and
    receives in the all-reduce, and the bytes of inputs that each reads. Both are computed, not measured.

    \b
    graphspec summary specs/video_qa.yaml
    graphspec summary specs/video_qa.yaml --workers 8
    graphspec summary specs/mlp.yaml --set training.optimizer=adam
    """
    from graphspec.api import summarize
    from graphspec.diagnostics.escapes import json_text
    from graphspec.diagnostics.render import render
    from graphspec.distribution.cost import step_cost
    from graphspec.spec import load

    loaded = load(spec, overrides)
    if workers is not None:
        _check_step(loaded, workers)
    model = summarize(loaded)
    cost = step_cost(loaded, trained=model.trainable) if workers is not None else None
    if as_json:
        click.echo(json_text(_as_json(model, cost, workers or 1)))
    else:
        _print(model)
        if cost is not None and workers is not None:
            _print_cost(cost, workers)
    if len(model.warnings):
        click.echo("\n" + render(model.warnings), err=True)


def _check_step(spec: Spec, workers: int) -> None:
    """Raise SpecError unless `spec` is trained in batches that the workers can share."""
    from graphspec.diagnostics import SpecError
    from graphspec.diagnostics.rules import NOTHING_TO_TRAIN
    from graphspec.distribution.launch import check_workers

    if spec.model.training is None:
        raise SpecError.of(
            NOTHING_TO_TRAIN,
            f"{spec.path} has no `training`, so it has no batch that workers could share",
            help="add `training: {optimizer: ..., batch_size: ...}` to it",
        )
    check_workers(spec, workers)


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


def _print_cost(cost: StepCost, workers: int) -> None:
    count = "1 worker" if workers == 1 else f"{workers:,} workers"
    sent, gradients = cost.sent(workers), cost.gradients
    assert sent is not None
    assert gradients is not None
    click.echo(f"A step of {count} on a batch of {cost.rows:,} rows, computed:")
    click.echo(f"  gradients  {_bytes(gradients)}; each worker sends and receives {_bytes(sent)} in the all-reduce")
    click.echo(f"  inputs     {_bytes(cost.inputs)}; each worker reads {_bytes(cost.read(workers))}")


def _as_json(model: Summary, cost: StepCost | None, workers: int) -> dict[str, Any]:
    """Return the summary, and the cost of a step, as JSON."""
    whole = {"parameters": model.parameters, "trainable": model.trainable}
    step = None
    if cost is not None:
        step = {
            "workers": workers,
            "batch_size": cost.rows,
            "gradient_bytes": cost.gradients,
            "allreduce_bytes": cost.sent(workers),
            "input_bytes": cost.inputs,
            "read_bytes": cost.read(workers),
        }
    return {**_section_as_json(model.root), **whole, **({"step": step} if step is not None else {})}


def _section_as_json(section: Section) -> dict[str, Any]:
    models = [_section_as_json(each) for each in section.models]
    rows = [asdict(each) for each in section.rows]
    return {"name": section.name, "parameters": section.parameters, "rows": rows, "models": models}


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
