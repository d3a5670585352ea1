"""Lower a step of `keras.ops`: assign its arguments to tensors and constants.

    ops.transpose: {axes: [0, 2, 1]} · ops.reshape: [-1, 16] · {from: {x2: gate}, apply: {ops.subtract: {x1: 1.0}}}

The operands are passed to the arguments that take tensors, in their order, or to those that `from` and `call` name. A
mapping holds constants by keyword; any other value is the first argument that no tensor is passed to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphspec import catalog
from graphspec.catalog import Entry
from graphspec.catalog.history import versions_with
from graphspec.catalog.refused import CODE_CARRYING_OPS, FAILING_OPS, UNDRAWN_OPS
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import (
    BAD_VALUE,
    CODE_CARRYING,
    MISSING_ARGUMENT,
    MISSING_KEY,
    NOT_A_LAYER,
    UNKNOWN_ARGUMENT,
    UNKNOWN_OBJECT,
    WRONG_TYPE,
)
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.feed import Feed, Reference
from graphspec.language.lower.objects import FAULTY, read_argument, value_spans
from graphspec.language.lower.other_versions import report_other_version
from graphspec.language.lower.unknown_names import report_unknown_argument
from graphspec.language.objects import Object
from graphspec.language.slices import KEY, read_key

PREFIX = "ops."


def is_operation(name: str) -> bool:
    """Return whether `name` is that of a function of `keras.ops`."""
    return name.startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class Operands:
    """The tensors of an operation.

    feed: the operands of the node, for its first step; None where `from` is faulty. A later step has one operand, the
    result of the step before. arguments: those of `call`. spans: the places of their keywords.
    """

    feed: Feed | None
    is_first: bool
    arguments: dict[str, Any]
    spans: dict[str, Span]

    @property
    def are_none(self) -> bool:
        """True for the first step of a node without `from`."""
        return self.is_first and self.feed is not None and not self.feed.tensors


def read_operation(name: Located, arguments: Located, operands: Operands, report: Report) -> Object | None:
    """Return the operation `name` with its constants; None, after diagnostics, where the call is faulty."""
    entry = _find(name, report)
    if entry is None:
        return None
    fed = [] if operands.are_none else _fed(entry, operands, name, report)
    if operands.are_none and not _is_maker(entry, operands, name, report):
        return None
    if fed is None or not _check_call(entry, fed, operands, report):
        return None
    constants = _constants(entry, {*fed, *operands.arguments}, arguments, report)
    if constants is None:
        return None
    missing = [each for each in entry.required if each not in (*fed, *operands.arguments, *constants)]
    if not _check_constants(entry, fed, operands, constants, missing=missing, report=report):
        return None
    if missing and (operands.feed is not None or not operands.is_first):
        _report_missing(entry, missing, constants, name, report=report)
    values = {key: _constant(entry, key, value, report) for key, (_, value) in constants.items()}
    if missing or any(value is FAULTY for value in values.values()):
        return None
    return Object("ops", entry.name, values, name.span, spans=value_spans(constants))


def _find(name: Located, report: Report) -> Entry | None:
    target = PREFIX + name.value.rpartition(".")[2]
    expected = f"an operation of `keras.ops`, of Keras {catalog.keras_version()}"
    entry = catalog.find("ops", name.value)
    if entry is not None and entry.name not in FAILING_OPS and entry.name not in UNDRAWN_OPS:
        return entry
    if entry is not None and entry.name in UNDRAWN_OPS:
        report.add(
            NOT_A_LAYER,
            f"`{name.value}` cannot be drawn in a graph of Keras {catalog.keras_version()}",
            name.span,
            expected=f"{one_of(each for each in catalog.random_operations() if each not in UNDRAWN_OPS)}",
            help=UNDRAWN_OPS[entry.name],
        )
    elif entry is not None:
        report.add(
            NOT_A_LAYER,
            f"`{name.value}` does not work in graphs of Keras {catalog.keras_version()}",
            name.span,
            expected=expected,
            help=FAILING_OPS[entry.name],
        )
    elif target in CODE_CARRYING_OPS:
        report.add(
            CODE_CARRYING,
            f"`{name.value}` runs code of its own, which a spec cannot hold",
            name.span,
            expected=expected,
            help=CODE_CARRYING_OPS[target],
        )
    elif name.value in catalog.other_functions():
        report.add(
            NOT_A_LAYER,
            f"`{name.value}` does not compute a tensor from tensors",
            name.span,
            expected=expected,
            help="a node with `constant` holds numbers; they may be arguments too: `ops.add: {x2: 1.0}`",
        )
    elif not report_other_version(f"the operation `{name.value}`", versions_with("ops", name.value), name.span, report):
        known = [*catalog.names("ops"), *catalog.identifiers("ops"), *catalog.makers(), *catalog.random_operations()]
        report.add(
            UNKNOWN_OBJECT,
            f"there is no operation `{name.value}`",
            name.span,
            expected=expected,
            help=did_you_mean(name.value, known, "`graphspec layers --kind ops` lists the operations"),
        )
    return None


def _is_maker(entry: Entry, operands: Operands, name: Located, report: Report) -> bool:
    """Return whether an operation makes a tensor from its arguments alone; reports it otherwise."""
    if entry.name not in catalog.makers():
        help = "name its input: `from: <input or node>`; a node without one begins with `constant`, with `weight` "
        help += f"or with an operation such as {one_of(catalog.makers(), 4)}"
        if entry.name in catalog.random_operations():
            help = "name what gives the shape: `from: <input or node>`; for one that is known, write `apply: "
            help += f"[{{ops.zeros: [16, 8]}}, {entry.name}]`"
        report.add(
            MISSING_KEY,
            f"`{entry.name}` takes a tensor, but the node has no `from`",
            name.span,
            expected="a key `from` in the node",
            help=help,
        )
        return False
    for argument in operands.arguments:
        report.add(
            UNKNOWN_ARGUMENT,
            f"`call` beside `{entry.name}` in a node without `from`",
            operands.spans[argument],
            expected="constants, as arguments of the operation",
            help=f"write `{entry.name}: {{{argument}: ...}}`",
        )
        return False
    return True


def _fed(entry: Entry, operands: Operands, name: Located, report: Report) -> list[str] | None:
    """Return the arguments that the operands are passed to, None after a diagnostic."""
    feed = operands.feed if operands.is_first else None
    by_name = feed.by_name if feed is not None else None
    if by_name is not None:
        unfit = [key for key in by_name if entry.tensors.get(key) not in ("one", "list")]
        for key in unfit:
            _report_no_tensor(entry, Located(key, by_name[key].span), report)
        return None if unfit else list(by_name)
    count = len(feed) if feed is not None and feed.is_list else 1
    if not entry.tensors:
        report.add(
            UNKNOWN_ARGUMENT,
            f"`{entry.name}` takes no tensor, but received {count if count > 1 else 'one'}",
            name.span,
            expected="the first step of a node without `from`",
            help=f"give it a node of its own: `values: {{apply: {{{entry.name}: ...}}}}`",
        )
        return None
    fed = catalog.fed(entry, count)
    if len(fed) == 1 and entry.tensors[fed[0]] != "one":
        return fed
    if len(fed) < count:
        most = len(fed)
        report.add(
            UNKNOWN_ARGUMENT,
            f"`{entry.name}` takes {'one tensor' if most == 1 else f'{most} tensors'}, but received {count}",
            name.span,
            expected=f"an operation that takes {count} tensors",
            help="apply it to each tensor in its own node, or join them with `ops.stack` or `ops.concatenate`",
        )
        return None
    return fed


def _report_no_tensor(entry: Entry, keyword: Located, report: Report) -> None:
    """Report an argument that takes no tensor."""
    argument, span = keyword
    known = argument in entry.arguments
    report.add(
        UNKNOWN_ARGUMENT,
        f"`{argument}` of `{entry.name}` does not take a tensor"
        if known
        else f"`{entry.name}` has no argument `{argument}`",
        span,
        expected=f"a tensor for {one_of(entry.tensors)}",
        help=f"write it as a constant: `{entry.name}: {{{argument}: ...}}`"
        if known
        else did_you_mean(argument, entry.tensors, f"tensors go to {one_of(entry.tensors)}"),
    )


def _check_call(entry: Entry, fed: list[str], operands: Operands, report: Report) -> bool:
    """Return whether the arguments of `call` take tensors and no operand is passed to them."""
    watch = report.watch()
    for argument, value in operands.arguments.items():
        keyword = Located(argument, operands.spans[argument])
        if argument in fed:
            _report_duplicate(entry, keyword, fed, operands, report=report)
        elif argument not in entry.arguments:
            report_unknown_argument(entry, keyword, [], report)
        elif _holds_tensor(value) and entry.tensors.get(argument) not in ("one", "list"):
            _report_no_tensor(entry, keyword, report)
    return watch.is_clean


def _holds_tensor(value: Any) -> bool:
    return isinstance(value, Reference) or (isinstance(value, list) and any(map(_holds_tensor, value)))


def _constants(
    entry: Entry, taken: Iterable[str], written: Located, report: Report
) -> dict[str, tuple[Span, Located]] | None:
    """Return the constants by keyword, with the places of the keywords."""
    if written.value is None:
        return {}
    if isinstance(written.value, Mapping):
        return {key.value: (key.span, value) for key, value in written.value.entries()}
    free = [argument for argument in entry.arguments if argument not in taken and entry.tensors.get(argument) != "each"]
    if free:
        return {free[0]: (written.span, written)}
    report.add(
        UNKNOWN_ARGUMENT,
        f"`{entry.name}` takes no argument besides its tensors",
        written.span,
        expected="nothing",
        help=f"write only `{entry.name}`",
    )
    return None


def _check_constants(
    entry: Entry,
    fed: list[str],
    operands: Operands,
    constants: dict[str, tuple[Span, Located]],
    *,
    missing: list[str],
    report: Report,
) -> bool:
    """Return whether each constant is for an argument without a tensor."""
    watch = report.watch()
    for argument, (span, _) in constants.items():
        keyword = Located(argument, span)
        if argument in fed or argument in operands.arguments:
            _report_duplicate(entry, keyword, fed, operands, report=report)
        elif entry.tensors.get(argument) == "each" or (argument not in entry.arguments and not entry.is_open):
            report_unknown_argument(entry, keyword, missing, report)
    return watch.is_clean


def _report_duplicate(entry: Entry, keyword: Located, fed: list[str], operands: Operands, *, report: Report) -> None:
    """Report an argument that has more than one value."""
    argument, span = keyword
    other = next((each for each in entry.tensors if each not in fed), None)
    help = "remove it"
    if other is not None and argument in fed:
        help = f"to pass another argument, name it: `from: {{{other}: ...}}`"
        if not operands.is_first:
            help += ", in its own node"
    report.add(
        UNKNOWN_ARGUMENT,
        f"`{argument}` of `{entry.name}` is set twice: "
        + ("it is the input tensor" if argument in fed else "`call` sets it too"),
        span,
        expected="an argument without a tensor",
        help=help,
    )


def _report_missing(
    entry: Entry, missing: list[str], constants: dict[str, tuple[Span, Located]], name: Located, *, report: Report
) -> None:
    """Report all missing arguments of an operation at once."""
    tensors = [argument for argument in missing if argument in entry.tensors]
    if tensors and tensors == missing and entry.name not in catalog.makers():
        needed = [argument for argument in entry.required if argument in entry.tensors and argument not in constants]
        help = f"write `from: [{', '.join(needed)}]` with the tensors in this order"
        if entry.tensors[tensors[0]] == "one":
            help += f", or a constant: `{entry.name}: {{{tensors[0]}: 1.0}}`"
    else:
        help = f"write `{entry.name}: {{{', '.join(f'{argument}: ...' for argument in [*constants, *missing])}}}`"
    report.add(
        MISSING_ARGUMENT,
        f"`{entry.name}` needs {one_of(missing)}",
        name.span,
        expected=f"a {'tensor or a value' if tensors else 'value'} for {one_of(missing)}",
        help=help,
    )


def _constant(entry: Entry, argument: str, value: Located, report: Report) -> Any:
    if (entry.name, argument) == KEY and isinstance(value.value, str):
        return _key(value, report)
    if argument in entry.tensors and isinstance(value.value, str):
        report.add(
            WRONG_TYPE,
            f"`{argument}` of `{entry.name}` is {kind_of(value.value)}",
            value.span,
            expected="a number, true or false, or a list of these",
            help=f"name a tensor in `from`, or in `call` beside the operation: `call: {{{argument}: {value.value}}}`",
        )
        return FAULTY
    return read_argument(entry, argument, value, report)


def _key(value: Located, report: Report) -> Any:
    """Return the text of a key of `ops.get_item`, which `to_keras` and the shapes read again."""
    try:
        read_key(value.value)
    except ValueError as error:
        report.add(
            BAD_VALUE,
            f"the key `{value.value}` {error}",
            value.span,
            expected="indices, slices, `...` and `None` between commas, as between brackets in Python",
            help='the first is that of the batch: `ops.get_item: ":, 0"` is the first row of every sample',
        )
        return FAULTY
    return value.value
