"""Lower `apply`: one step or a list of steps, with their `call` and `repeat`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from graphspec import catalog
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_STEP, BAD_VALUE, TOO_LARGE, UNKNOWN_ARGUMENT, WRONG_TYPE
from graphspec.diagnostics.suggest import kind_of, one_of
from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.expand.each import EACH
from graphspec.language.feed import Feed
from graphspec.language.graph import KerasLayer, Operation, Step, wrapped_layers
from graphspec.language.lower.groups import Groups
from graphspec.language.lower.objects import make_object
from graphspec.language.lower.operations import Operands, is_operation, read_operation
from graphspec.language.lower.references import read_references
from graphspec.language.lower.scope import BlockDeclaration, Scope
from graphspec.language.traversal import size_of

STEP_KEYS = ("call", "repeat")
MAX_REPEAT = 10_000
_WORK = 2
"""Units of work for each value of a step, which every check reads, once for each repeat."""


@dataclass(frozen=True)
class BlockUse:
    """A step that uses a block.

    arguments: the values that the step writes for the block's parameters. call: the tensors that it writes for inputs;
    call_spans: the places of their names.
    """

    block: BlockDeclaration
    arguments: Located
    span: Span
    call: dict[str, Any] = field(default_factory=dict)
    call_spans: dict[str, Span] = field(default_factory=dict)


def read_steps(
    written: Located, scope: Scope, report: Report, feed: Feed | None, *, groups: Groups, merged: bool
) -> list[Step | BlockUse | None]:
    """Return the steps of `apply` in order, with repeats expanded.

    Args:
        written: The value of `apply`.
        scope: Resolves names of layers, models and blocks.
        report: Receives the diagnostics.
        feed: The operands of the node; None where they are faulty.
        groups: The nodes made by `each`, for references.
        merged: Whether a `merge` combines the operands to one tensor first.

    Returns:
        The steps, with None in the place of a faulty one.
    """
    steps: list[Step | BlockUse | None] = []
    for number, item in enumerate(written.as_list()):
        read = _read_step(item, scope, report, feed, groups=groups, is_first=number == 0 and not merged)
        steps += read if read is not None else [None]
        if len(steps) > MAX_REPEAT:
            report.add(
                TOO_LARGE,
                f"the node has more than {MAX_REPEAT:,} steps",
                item.span,
                expected="the limit is exceeded here",
                help="use fewer repeats",
            )
            return [*steps, None]
    return steps


def _read_step(
    written: Located, scope: Scope, report: Report, feed: Feed | None, *, groups: Groups, is_first: bool
) -> list[Step] | list[BlockUse] | None:
    form = _split_step(written, report)
    if form is None:
        return None
    name, arguments, beside = form
    repeat = _read_repeat(beside, report)
    call = _read_call(beside, report, groups)
    if repeat is None or call is None:
        return None
    if repeat > 1:
        scope.count(repeat, name.span)
    scope.state.work.spend_at(_WORK * repeat * (size_of(arguments.value) + size_of(call)), name.span)
    block = scope.find_block(name.value)
    if block is not None:
        spans = beside.located("call").value.key_spans if beside is not None and call else {}
        return [BlockUse(block, arguments, name.span, call, spans)] * repeat
    if scope.declares(name.value):
        layer = scope.find(name.value, name.span)
        if arguments.value is not None:
            report.add(
                UNKNOWN_ARGUMENT,
                f"`{name.value}` already has its arguments in its declaration",
                arguments.span,
                expected="only the name of a declared layer or model",
                help="write the arguments in the declaration; call arguments go under `call`",
            )
            return None
        if layer is None:
            return None
        scope.state.work.spend_at(_WORK * repeat * size_of(layer), name.span)
        return [Step(layer, name.span, call, fresh=False) for _ in range(repeat)]
    steps: list[Step] = []
    for number in range(repeat):
        if number > 1 and next(wrapped_layers(steps[-1].layer), None) is None:
            steps.append(Step(replace(steps[-1].layer), name.span, call))
            continue  # a copy of the step before will do: only wrapped layers have to be distinct
        if is_operation(name.value):
            spans = beside.located("call").value.key_spans if beside is not None and call else {}
            operands = Operands(feed, is_first and number == 0, call, spans)
            lowered = read_operation(name, arguments, operands, report)
        else:
            lowered = make_object("layers", name, arguments, report, scope=scope)
        if lowered is None:
            return None
        layer_class = Operation if lowered.kind == "ops" else KerasLayer
        steps.append(Step(layer_class(object=lowered, span=name.span), name.span, call))
        if number == 1:
            scope.count(repeat * sum(1 for _ in wrapped_layers(steps[-1].layer)), name.span)
    return steps


def _split_step(written: Located, report: Report) -> tuple[Located, Located, Mapping | None] | None:
    """Return the name, the arguments and the whole mapping of a step."""
    value = written.value
    if isinstance(value, str) and value:
        return written, Located(None, written.span), None
    expected = "a layer, or a declared layer or model: its name, or a mapping from its name to its arguments"
    if not isinstance(value, Mapping) or not value:
        help = "an empty item: remove it, or name a layer" if value is None else ""
        report.add(BAD_STEP, f"{kind_of(value)} is not a step", written.span, expected=expected, help=help)
        return None
    named = [(key, arguments) for key, arguments in value.entries() if key.value not in STEP_KEYS]
    if len(named) != 1:
        keys = [key.value for key, _ in named]
        if not named:
            found, help = f"a step has only {one_of(value)}", "name the layer beside it"
        else:
            found = f"a step has {len(keys)} names: {one_of(keys)}"
            help = _several_names_help(named)
        report.add(BAD_STEP, found, (named[1][0] if named else written).span, expected=expected, help=help)
        return None
    return named[0][0], named[0][1], value


def _several_names_help(named: list[tuple[Located, Located]]) -> str:
    """Return the help for a step with several names."""
    layer, arguments = named[0]
    entry = catalog.find("layers", layer.value)
    others = [key.value for key, _ in named[1:]]
    if EACH in (layer.value, *others):
        return "`each` belongs to a node, beside its `from`: it makes a node for each value"
    if entry is not None and arguments.value is None and all(name in entry.arguments for name in others):
        return f"indent the arguments {one_of(others)} by two more spaces, below `{layer.value}`"
    return "write a list with one step per item; arguments go below their layer: `Dense: {units: 64}`"


def _read_repeat(beside: Mapping | None, report: Report) -> int | None:
    if beside is None or "repeat" not in beside:
        return 1
    repeat = beside.located("repeat")
    if isinstance(repeat.value, int) and not isinstance(repeat.value, bool) and 1 <= repeat.value <= MAX_REPEAT:
        return repeat.value
    is_number = isinstance(repeat.value, int) and not isinstance(repeat.value, bool)
    report.add(
        BAD_VALUE if is_number else WRONG_TYPE,
        f"`repeat` is {kind_of(repeat.value)}",
        repeat.span,
        expected=f"a whole number from 1 to {MAX_REPEAT:,}",
    )
    return None


def _read_call(beside: Mapping | None, report: Report, groups: Groups) -> dict[str, Any] | None:
    if beside is None or "call" not in beside:
        return {}
    call = beside.located("call")
    if not isinstance(call.value, Mapping):
        report.add(
            WRONG_TYPE, f"`call` is {kind_of(call.value)}", call.span, expected="a mapping of call arguments",
            help="write `call: {initial_state: state}` or `call: {use_causal_mask: true}`",
        )  # fmt: skip
        return None
    watch = report.watch()
    read = {key.value: _read_call_value(value, report, groups) for key, value in call.value.entries()}
    return read if watch.is_clean else None


def _read_call_value(value: Located, report: Report, groups: Groups) -> Any:
    if isinstance(value.value, str):
        found = read_references(value, report, groups)
        return found[0] if found is not None and value.value not in groups else found
    if isinstance(value.value, Sequence):
        items = [_read_call_value(item, report, groups) for item in value.value.entries()]
        return [
            each
            for item, written in zip(items, value.value, strict=True)
            for each in (item if isinstance(written, str) and written in groups and item is not None else [item])
        ]
    if isinstance(value.value, Mapping):
        report.add(
            WRONG_TYPE,
            "a call argument is a mapping",
            value.span,
            expected="a tensor reference, a number, true or false, or a list of these",
        )
        return None
    return value.value
