"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from graphspec.cli.candidates import run_folders

F = TypeVar("F", bound=Callable[..., Any])

run_dir_option = click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    help="Write the run to this new or empty folder.  [default: runs/<name>/<time>-<id>]",
)
resume_option = click.option(
    "--resume",
    metavar="RUN",
    shell_complete=run_folders,
    help="Resume a run that was stopped or killed, instead of training a SPEC.",
)
checkpoint_option = click.option(
    "--checkpoint",
    type=click.Choice(["last", "best"]),
    help="With --from, the model after the last epoch, or after the best.  [default: last]",
)
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress; print only the path of the run.")


def set_option(command: F) -> F:
    """Add `--set key=value`, which may be repeated."""
    return click.option(
        "--set",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="Override one value of the spec, such as training.epochs=3 or graph.deep.apply[0].Dense.units=128. "
        "The value is read as YAML. Can be repeated.",
    )(command)


def rule_selectors(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
    """Return selectors such as `GS305,GS4,unused` as a list; None without any (a click callback)."""
    from graphspec.validation.selection import UnknownRuleError, codes_of

    if not values:
        return None
    selectors = [each.strip() for value in values for each in value.split(",") if each.strip()]
    for each in selectors:
        try:
            codes_of(each)
        except UnknownRuleError as error:
            raise click.BadParameter(str(error), context, parameter) from None
    return selectors
