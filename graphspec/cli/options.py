"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


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
