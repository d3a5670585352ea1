"""Read the use of a block: the values of its parameters, and the tensor for each of its inputs."""

from __future__ import annotations

from graphspec.diagnostics import Label, Report
from graphspec.diagnostics.rules import BAD_NAME, MISSING_ARGUMENT, MODEL_INPUTS, UNKNOWN_ARGUMENT, WRONG_TYPE
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Mapping, plain
from graphspec.language.expand import Substitution, Value, chain_names
from graphspec.language.feed import Feed, Reference
from graphspec.language.lower.references import operand_labels
from graphspec.language.lower.scope import BlockDeclaration
from graphspec.language.lower.steps import BlockUse


def read_parameters(use: BlockUse, report: Report) -> dict[str, Value] | None:
    """Return the value of every parameter. A default may use earlier parameters."""
    block, arguments = use.block, use.arguments
    declared = block.model.located("params").value
    defaults = dict(declared) if isinstance(declared, Mapping) else {}
    if isinstance(arguments.value, Mapping):
        written = {key.value: (key.span, value) for key, value in arguments.value.entries()}
    elif arguments.value is None:
        written = {}
    else:
        written = {next(iter(defaults), ""): (arguments.span, arguments)}
    is_valid = True
    for name, (span, _) in written.items():
        if name not in defaults:
            report.add(
                UNKNOWN_ARGUMENT,
                f"the block `{block.name}` has no parameter `{name}`" if name else f"`{block.name}` has no parameters",
                span,
                expected=f"a parameter of `{block.name}`" if defaults else "nothing",
                help=did_you_mean(name, defaults, f"it takes {one_of(defaults)}" if defaults else ""),
                labels=[Label(block.span, f"`{block.name}` is declared here")],
            )
            is_valid = False
    values: dict[str, Value] = {}
    for name, default in defaults.items():
        if name in written:
            values[name] = plain(written[name][1].value)
        elif default is None:
            if is_valid:
                report.add(
                    MISSING_ARGUMENT,
                    f"the block `{block.name}` needs `{name}`",
                    use.span,
                    expected=f"a value for `{name}`",
                    help=f"write `{block.name}: {{{name}: ...}}`",
                    labels=[Label(declared.key_spans[name], "it has no default")],
                )
            is_valid = False
        else:
            scope = chain_names(values, block.scope.variables)
            watch = report.watch()
            substitution = Substitution(scope, report, work=block.scope.state.work)
            values[name] = plain(substitution.value(default, declared.value_spans[name]))
            is_valid = is_valid and watch.is_complete
    return values if is_valid else None


def bind_inputs(use: BlockUse, feed: Feed, report: Report) -> dict[str, Reference] | None:
    """Return the tensor for each input of the block: those of `call` by name, and the operands of the step."""
    names = _input_names(use.block, report)
    if names is None or not _check_call(use, names, report):
        return None
    left = [name for name in names if name not in use.call]
    by_name = feed.by_name
    bound: dict[str, Reference] | None = None
    if by_name is not None and set(by_name) == set(left):
        bound = {**by_name, **use.call}
    elif by_name is None and len(feed) == len(left):
        bound = {**dict(zip(left, feed.tensors, strict=True)), **use.call}
    if bound is None:
        report.add(
            MODEL_INPUTS,
            f"the block `{use.block.name}` does not get exactly its inputs",
            use.span,
            expected=f"its inputs {one_of(names)}",
            help=f"write `from: {{{', '.join(f'{name}: ...' for name in names)}}}`, or some of them beside the step: "
            f"`call: {{{names[-1]}: ...}}`"
            if len(names) > 1
            else "",
            labels=[
                Label(use.block.model.located("inputs").span, "they are named here"),
                *(each for each in operand_labels(feed) if each.span != use.span),  # the step before has no name
            ],
        )
    return bound


def _check_call(use: BlockUse, names: list[str], report: Report) -> bool:
    """Return whether `call` beside the step gives tensors to inputs of the block."""
    watch = report.watch()
    for name, value in use.call.items():
        if name not in names:
            report.add(
                UNKNOWN_ARGUMENT,
                f"the block `{use.block.name}` has no input `{name}`",
                use.call_spans[name],
                expected=f"one of its inputs {one_of(names)}",
                help=did_you_mean(
                    name, names, f"parameters are arguments of the step: `{use.block.name}: {{{name}: ...}}`"
                ),
                labels=[Label(use.block.model.located("inputs").span, "they are named here")],
            )
        elif not isinstance(value, Reference):
            report.add(
                WRONG_TYPE,
                f"the input `{name}` of the block `{use.block.name}` is no tensor",
                use.call_spans[name],
                expected="the name of one tensor",
                help="values are parameters of the block, under `params`",
            )
    return watch.is_clean


def _input_names(block: BlockDeclaration, report: Report) -> list[str] | None:
    written = block.model.located("inputs")
    names = [item.value for item in written.as_list()]
    if names and all(isinstance(name, str) and name.replace("_", "a").replace("-", "a").isalnum() for name in names):
        return names
    report.add(
        BAD_NAME,
        f"the inputs of `{block.name}` are {kind_of(written.value)}",
        written.span,
        expected="a name, or a list of names",
        help="a block takes inputs of any shape",
    )
    return None
