"""`graphspec verify-resume`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphspec.cli.options import set_option
from graphspec.console.echo import echo

if TYPE_CHECKING:
    from graphspec.cli._verify_resume import Trial

MOST_SHOWN = 8


@click.command("verify-resume")
@click.argument("spec", metavar="SPEC")
@set_option
@click.option("--kills", type=click.IntRange(min=1), default=3, show_default=True, help="How often to kill a training.")
@click.option("--epochs", type=click.IntRange(min=1), default=3, show_default=True, help="The most epochs to train.")
@click.option("--steps", type=click.IntRange(min=1), default=20, show_default=True, help="The most steps an epoch.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides when to kill.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the runs in this new folder.")
def verify_resume(
    spec: str, overrides: tuple[str, ...], kills: int, epochs: int, steps: int, seed: int, keep: Path | None
) -> None:
    """Prove on a spec of your own that a killed training ends as if it had never been killed.

    The spec is trained to its end once, shortened. Then processes that train it are killed at random moments, others
    go on with their runs, and every end is compared bit by bit: weights, optimizer, callbacks, metrics. On a GPU, and
    with some operations on a CPU, that takes `deterministic: true` in the spec. The spec's own runs are left alone.

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
        empty_folder(keep, "comparison", "give another --keep")
    with tempfile.TemporaryDirectory() as name:
        trials = []
        for trial in verify(Path(spec), shorter, keep or Path(name), kills=kills, seed=seed, tell=echo):
            echo(_told(trial))
            trials.append(trial)
    same = sum(trial.is_same for trial in trials)
    echo(f"{same} of {len(trials)} ended as if they had never been killed")
    if same < len(trials):
        click.echo(
            "help: set `training: deterministic: true`; a plugin that keeps a state of its own loses it", err=True
        )
        sys.exit(1)


def _told(trial: Trial) -> str:
    writing = ", while a file was being written" if trial.while_writing else ""
    said = "the same to the bit"
    if not trial.is_same:
        more = f", and {len(trial.differing) - MOST_SHOWN} more" if len(trial.differing) > MOST_SHOWN else ""
        said = f"differs in {', '.join(trial.differing[:MOST_SHOWN])}{more}"
    return f"killed after {trial.seconds:.2f} s{writing}, with a checkpoint of step {trial.step}: {said}"
