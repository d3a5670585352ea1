"""The function of a block, which its uses share: parameters become arguments, `when` an `if`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from graphspec.language.expand.variables import Variables
from graphspec.language.feed import Reference
from graphspec.language.source_nodes import SourceNode, SourceUse
from graphspec.to_python.body import Body
from graphspec.to_python.constants import whole_expression
from graphspec.to_python.expressions import UntranslatableError, translate
from graphspec.to_python.frame import DifferentError, Frame, Instance
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.literals import literal
from graphspec.to_python.order import call_references, order_of, references_of
from graphspec.to_python.parts import BlockFunction, Parts
from graphspec.to_python.source import (
    Assign,
    Comment,
    Do,
    Function,
    If,
    Statement,
    Text,
    flat,
)


def write_block(parts: Parts, uses: list[SourceUse], name: str, *, is_relative: bool) -> tuple[Function, BlockFunction]:
    """Return the function of a block for some of its uses.

    Raises:
        DifferentError: They cannot share one function.
    """
    first = uses[0]
    variables = first.names.maps[-1] if hasattr(first.names, "maps") else None
    identifiers = Identifiers(["name", "number", "layer_name"], parts.identifiers)
    params = {each: identifiers.new(each) for each in first.params}
    frame = Frame(
        [Instance(each.names, each.prefix) for each in uses],
        parts.places,
        parts.constants,
        variables if isinstance(variables, Variables) else None,
        identifiers,
        params,
        is_relative,
    )
    every: dict[str, dict[int, SourceNode]] = {}
    for number, use in enumerate(uses):
        for key, node in use.nodes.items():
            every.setdefault(key, {})[number] = node
    nodes = {key: next(iter(each.values())) for key, each in every.items()}
    body = Body(parts, frame, nodes)
    inputs = {each: identifiers.new(each) for each in first.inputs}
    body.start(dict(inputs))

    def extra(node: SourceNode) -> list[Reference]:
        return [
            reference
            for each in every[node.name].values()
            for reference in (*each.feed.tensors, *call_references(each))
        ]

    keyed = {key: replace(node, name=key) for key, node in nodes.items()}
    body.selections = {str(reference) for each in keyed.values() for reference in (*references_of(each), *extra(each))}
    body.own_layers = [{layer: key for key, layer in use.layers.items()} for use in uses]
    body.source = next(iter(inputs.values()))
    statements: list[Statement] = []
    targets: dict[str, str] = {}
    for key in order_of(keyed, first.outputs, extra):
        target = None
        if [key] == first.outputs:
            target = _result_variable(frame, keyed[key], list(every[key].values()), inputs)
        elif key in first.outputs:
            target = identifiers.new(key)
        statements += body.write_node(key, every[key], target)
        targets[key] = body.writer.variables[key]
    defaults = _defaults(frame, first, params)
    statements = [*body.creating.values(), *statements]
    statements = _returning(statements, ", ".join(targets[each] for each in first.outputs))
    used = [each for each in first.params if each in frame.used]
    order = [each for each in used if first.params[each] is None] + [
        each for each in used if first.params[each] is not None
    ]
    begin = [
        If(f"{params[each]} is None", [Assign(params[each], Text(value))])
        for each, value in defaults.items()
        if each in order and value
    ]
    signature = [*inputs.values(), *(_parameter(first, each, params[each], defaults) for each in order)]
    last = [*body.free.values(), *(["name"] if is_relative else [])]
    doc = f"Apply `{first.block}`" + (" with layers named after `name`." if is_relative else ".")
    function = Function(
        name=name, parameters=[*signature, *(["*", *last] if last else [])], doc=doc, body=[*begin, *statements]
    )
    return function, BlockFunction(
        name=name,
        inputs=list(inputs),
        params={each: params[each] for each in order},
        free=list(body.free),
        is_relative=is_relative,
    )


def _parameter(use: SourceUse, param: str, variable: str, defaults: dict[str, str]) -> str:
    default = use.params[param]
    if default is None:
        return variable
    return f"{variable}=None" if param in defaults else f"{variable}={flat(literal(default))}"


def _defaults(frame: Frame, use: SourceUse, params: dict[str, str]) -> dict[str, str]:
    """Return the expression of each default that depends on other parameters or variables."""
    found: dict[str, str] = {}
    for param, default in use.params.items():
        if param not in frame.used or not isinstance(default, str | list) or "${" not in str(default):
            continue
        inside = whole_expression(default) if isinstance(default, str) else None
        if inside is None:
            raise DifferentError
        try:
            found[param] = translate(inside, partial(_outside, frame, param))
        except UntranslatableError:
            raise DifferentError from None
    return found


def _outside(frame: Frame, param: str, name: str) -> str | None:
    """Return the identifier of a name in the default of a parameter; its own name is that of a variable outside."""
    if name != param:
        return frame.identify(name)
    return frame.constants.name(frame.variables, name) if frame.variables is not None else None


def _result_variable(frame: Frame, node: SourceNode, nodes: list[SourceNode], inputs: dict[str, str]) -> str:
    """Return the variable of the only output: `x`, unless a later step still needs the input of that name."""
    later = {reference.name for each in nodes for reference in call_references(each)}
    x = next((key for key, variable in inputs.items() if variable == "x"), None)
    if x is None:
        return frame.identifiers.new("x")
    return frame.identifiers.new(node.name) if x in later else "x"


def _returning(statements: list[Statement], result: str) -> list[Statement]:
    """Return the statements of a function that end with the return of `result`."""
    match statements[-1] if statements else None:
        case Assign(target, value, comments) if target == result:
            notes: list[Statement] = [Comment(comments)] if comments else []
            return [*statements[:-1], *notes, Do(value, "return")]
        case If(condition, body, otherwise) if (
            otherwise and _is_assigned(body, result) and _is_assigned(otherwise, result)
        ):
            return [*statements[:-1], If(condition, _returning(body, result)), *_returning(otherwise, result)]
    return [*statements, Do(Text(result), "return")]


def _is_assigned(statements: list[Statement], name: str) -> bool:
    last = statements[-1] if statements else None
    return isinstance(last, Assign) and last.target == name
