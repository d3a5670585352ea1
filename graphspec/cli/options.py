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
