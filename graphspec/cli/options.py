"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def set_option(command: F) -> F:
    """`--set key=value`, any number of times."""
    return click.option(
        "--set",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="Override one value of the spec, such as training.epochs=3 or graph.deep.apply[0].Dense.units=128. "
        "The value is read as YAML. May be given several times.",
    )(command)


def chosen_rules(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> list[str] | None:
    """`GS305,GS4,unused`, any number of times, as a list; None where it is not given."""
    from graphspec.validation.selection import UnknownRuleError, codes_of

    if not given:
        return None
    found = [each.strip() for text in given for each in text.split(",") if each.strip()]
    for each in found:
        try:
            codes_of(each)
        except UnknownRuleError as error:
            raise click.BadParameter(str(error), context, parameter) from None
    return found
