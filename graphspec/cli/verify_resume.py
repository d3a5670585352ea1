"""`graphspec verify-resume`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.candidates import spec_files
from graphspec.cli.options import set_option
from graphspec.console.echo import echo

if TYPE_CHECKING:
    from graphspec.cli._verify_resume import KilledTraining

MAX_DIFFERENCES = 8


@click.command("verify-resume")
@click.argument("spec", metavar="SPEC", shell_complete=spec_files)
@set_option
@click.option(
    "--kills", type=click.IntRange(min=1), default=3, show_default=True, help="The number of trainings to kill."
)
@click.option(
    "--epochs", type=click.IntRange(min=1), default=3, show_default=True, help="The maximum number of epochs."
)
@click.option(
    "--steps", type=click.IntRange(min=1), default=20, show_default=True, help="The maximum number of steps per epoch."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The seed of the moments to kill at."
)
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the runs in this new or empty folder."
)
def verify_resume(
    spec: str, overrides: tuple[str, ...], kills: int, epochs: int, steps: int, seed: int, keep: Path | None
) -> None:
    """Verify on your own spec that a killed and resumed training gives the same result as an uninterrupted one.

    A shortened training runs once without interruption. Then processes with the same training are killed at random
    moments, their runs are resumed, and the results are compared bit by bit: weights, optimizer, callbacks, metrics. On
    a GPU, and for some operations on a CPU, this needs `deterministic: true` in the spec. Existing runs of the spec are
    not touched.

    \b
    graphspec verify-resume specs/wine.yaml
    graphspec verify-resume specs/same_digit.yaml --kills 10 --epochs 2
    """
    from graphspec.cli._verify_resume import shortened, verify
    from graphspec.run_directory import check_destination, empty_folder

    if keep is not None:
        check_destination(keep)
        if keep.is_dir() and any(keep.iterdir()):
            raise click.BadParameter(f"{keep} is not empty", param_hint="--keep")
    shorter = shortened(spec, overrides, epochs=epochs, steps=steps)
    if keep is not None:
        empty_folder(keep, "comparison", "choose another folder for --keep")
    with tempfile.TemporaryDirectory() as name:
        trials = []
        for trial in verify(Path(spec), shorter, keep or Path(name), kills=kills, seed=seed, on_stage=echo):
            echo(_in_words(trial))
            trials.append(trial)
    same = sum(trial.is_same for trial in trials)
    echo(f"{same} of {len(trials)} gave the same result as without the interruption")
    if same < len(trials):
        click.echo(
            "help: set `training: deterministic: true`; state inside of a plugin is not in the checkpoint", err=True
        )
        sys.exit(1)


def _in_words(trial: KilledTraining) -> str:
    writing = ", while a file was being written" if trial.while_writing else ""
    result = "identical to the bit"
    if not trial.is_same:
        more = f", and {len(trial.differing) - MAX_DIFFERENCES} more" if len(trial.differing) > MAX_DIFFERENCES else ""
        result = f"differs in {', '.join(trial.differing[:MAX_DIFFERENCES])}{more}"
    return f"killed after {trial.seconds:.2f} s{writing}, resumed from step {trial.step}: {result}"
