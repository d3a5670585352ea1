"""`graphspec evaluate`."""

from __future__ import annotations

import click


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    help="Which split of the run's data.  [default: test, or validation where there is no test split]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as one JSON object.")
def evaluate(run: str, split: str | None, as_json: bool) -> None:
    """Measure a run's model on one split of its data.

    RUN is a run directory, or a folder of runs, which stands for the newest in it.

    \b
    graphspec evaluate runs/same_digit
    graphspec evaluate runs/wine --split validation --json
    """
    import json

    from graphspec.cli.results import show
    from graphspec.run import Run

    found = Run.at(run)
    spec = found.spec
    if split is None:
        split = "test" if spec.data is None or spec.data.test is not None else "validation"
    for name in found.changed_data(split):
        click.echo(f"warning: {name} has changed since the run was trained", err=True)
    metrics = found.evaluate(split)
    if as_json:
        click.echo(json.dumps(metrics))
    else:
        show(metrics, list(spec.graph.outputs), f"{found.path} on {split}")
