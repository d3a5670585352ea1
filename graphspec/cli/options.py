"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from graphspec.cli.candidates import keras_versions, run_folders

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


def _known_version(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the minor version of a release (a click callback)."""
    from graphspec.catalog.versions import version_of

    try:
        return version_of(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


keras_choice = click.option(
    "--keras",
    metavar="VERSION",
    callback=_known_version,
    shell_complete=keras_versions,
    help="Answer for this version of Keras, such as 3.12.  [default: that of the project, or the installed one]",
)
"""`--keras`, whose value is a minor version that the catalogue knows."""


def keras_option(spec: str = "") -> Callable[[F], F]:
    """Add `--keras`, and let the catalogue answer for the version while the command runs.

    Args:
        spec: The parameter with the path of the spec, whose project may set the version; by default that of the folder.
    """

    def decorated(command: F) -> F:
        @wraps(command)
        def in_version(*arguments: Any, keras: str | None, **others: Any) -> Any:
            from graphspec.catalog.versions import use_version
            from graphspec.validation.settings import Finder

            with use_version(keras or Finder().of(str(others.get(spec) or "spec.yaml")).keras):
                return command(*arguments, **others)

        return cast(F, keras_choice(in_version))

    return decorated


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
