"""Options that several commands take."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from graphspec.diagnostics.escapes import escaped, safe_line

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


def differences(name: str, before: str, after: str, how: str) -> str:
    """Return a unified diff; how says what made `after`, such as `fixed`.

    What is not printable is shown escaped, so a diff of such lines is for reading only.
    """
    file = escaped(name)
    old, new = _lines(before), _lines(after)
    compare = difflib.unified_diff if _work(old, new) <= _MOST_WORK else _replaced
    return "".join(map(_shown, compare(old, new, file, f"{file} ({how})")))


def _shown(line: str) -> str:
    text, end = (line[:-2], "\r\n") if line.endswith("\r\n") else (line.removesuffix("\n"), "\n")
    missing = "" if line.endswith("\n") else "\\ No newline at end of file\n"
    return f"{safe_line(text)}{end}{missing}"


_MOST_WORK = 2_000_000
"""Pairs of equal lines that are looked at, about a second: of many more, all lines are shown as replaced."""


def _work(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many pairs of lines `difflib` looks at; it passes over those that are common in a long text."""
    popular = len(new) // 100 + 1 if len(new) >= 200 else len(new)
    times = {line: count for line, count in Counter(new).items() if count <= popular}
    return len(old) + len(new) + sum(times.get(line, 0) for line in old)


def _replaced(old: Sequence[str], new: Sequence[str], old_name: str, new_name: str) -> Iterator[str]:
    """Yield the lines of a unified diff that takes all of `old` away and adds all of `new`."""
    yield f"--- {old_name}\n"
    yield f"+++ {new_name}\n"
    yield f"@@ -{min(1, len(old))},{len(old)} +{min(1, len(new))},{len(new)} @@\n"
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)
