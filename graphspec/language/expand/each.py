"""Read `each`: the values that a node is made for, one node for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_EACH
from graphspec.diagnostics.suggest import kind_of, one_of
from graphspec.language.document.tree import Located, Mapping, Sequence, plain

EACH = "each"
_EXPECTED = "names, each with a list of values: `{width: [64, 128]}`"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_each(written: Located, report: Report) -> list[dict[str, Any]] | None:
    """Return the values of each node to make, by name.

    Args:
        written: The value of `each`, its expressions resolved.
        report: Receives the diagnostics.

    Returns:
        One mapping for each node; None, after diagnostics, where they are faulty.
    """
    watch = report.watch()
    if not isinstance(written.value, Mapping) or not written.value:
        help = "write `each: {value: [1, 2, 3]}`, and `${value}` where it is used"
        report.add(BAD_EACH, f"`each` is {kind_of(written.value)}", written.span, expected=_EXPECTED, help=help)
        return None
    lists = [(key, value) for key, value in written.value.entries() if _is_list(key, value, report)]
    if not watch.is_clean:
        return None
    lengths = {len(value.value) for _, value in lists}
    if len(lengths) > 1:
        _report_lengths([(key.value, len(value.value), value.span) for key, value in lists], report)
        return None
    columns = {key.value: plain(value.value) for key, value in lists}
    return [{name: values[number] for name, values in columns.items()} for number in range(lengths.pop())]


def _is_list(key: Located, value: Located, report: Report) -> bool:
    """Return whether a name stands for a list of values; reports it otherwise."""
    name, span = key
    if not _NAME.fullmatch(name):
        report.add(
            BAD_EACH,
            f"`{name}` cannot be used in expressions",
            span,
            expected="a name of letters, digits and `_`",
            help=f"write `{re.sub(r'[^A-Za-z0-9_]', '_', name)}`",
        )
        return False
    if not isinstance(value.value, Sequence):
        number = value.value
        is_count = isinstance(number, int) and not isinstance(number, bool)
        report.add(
            BAD_EACH,
            f"`{name}` of `each` is {kind_of(number)}, not a list",
            value.span,
            expected="a list with a value for each node",
            help=f'for the numbers from 0 write `{name}: "${{range({number})}}"`' if is_count else "",
        )
        return False
    if not value.value:
        help = "write at least one value; a node that may be absent has a `when`"
        report.add(BAD_EACH, f"`{name}` of `each` is an empty list", value.span, expected="a value", help=help)
        return False
    mapping = next(_mappings(value), None)
    if mapping is not None:
        report.add(
            BAD_EACH,
            f"a value of `{name}` of `each` is a mapping",
            mapping,
            expected="numbers, strings, true, false, null, or lists of these",
            help="values stand in expressions: write layers under `apply`, and what differs between them as `${...}`",
        )
    return mapping is None


def _mappings(value: Located) -> Iterator[Span]:
    if isinstance(value.value, Mapping):
        yield value.span
    elif isinstance(value.value, Sequence):
        for item in value.value.entries():
            yield from _mappings(item)


def _report_lengths(lists: list[tuple[str, int, Span]], report: Report) -> None:
    first = lists[0]
    name, length, span = next(each for each in lists if each[1] != first[1])
    report.add(
        BAD_EACH,
        f"the lists of `each` differ in length: `{first[0]}` has {first[1]:,} values, `{name}` has {length:,}",
        span,
        expected=f"{first[1]:,} value{'s' if first[1] != 1 else ''}",
        help="the lists go in step: the first node takes the first value of each of "
        + one_of([each for each, _, _ in lists]),
        labels=[Label(first[2], f"`{first[0]}` has {first[1]:,}")],
    )
