"""`--set a.b[0]=value`: one value of the tree replaced before the schema sees it.

The path must lead somewhere: names that the spec chooses (inputs, nodes, layers, ...) must exist. A key of the
language or an argument of Keras may be new; whether it exists is for the schema and the catalogue to say, which
find it at the override's own text.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec.diagnostics import Report, SourceText, Span, SpecError
from graphspec.diagnostics.rules import BAD_OVERRIDE
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Mapping, Sequence

_PATH = re.compile(r"[^.\[\]=\s]+(?:\[\d{1,9}\])*(?:\.[^.\[\]=\s]+(?:\[\d{1,9}\])*)*")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

# Mappings whose keys are names that the spec chooses.
_NAMED = ("inputs", "layers", "models", "graph", "outputs", "vars", "blocks", "sample_weights")


def is_path(text: str) -> bool:
    """Whether `text` is of the form of a path: keys and list indices."""
    return _PATH.fullmatch(text) is not None


def apply_override(tree: Mapping, override: str, report: Report) -> None:
    """Apply `path=value` to `tree`, in place. The value is read as YAML. Findings go to `report`."""
    override = override.encode("utf-8", "replace").decode("utf-8")  # an argument may hold bytes that are no text
    source = SourceText("--set", override)
    path, equals, _ = override.partition("=")
    if not equals or not is_path(path):
        report.add(
            BAD_OVERRIDE,
            f"`{override}` does not have the form `key=value`",
            Span(source, 1, 1, 1, 1 + len(path)),
            expected="a path such as `training.epochs` or `graph.deep.apply[0].Dense.units`, then `=` and a value",
        )
        return
    start = len(path) + 1
    whole = Span(source, 1, start + 1, 1, 1 + len(override))
    try:
        value = read_yaml(source, report, " " * start + override[start:])
    except SpecError as error:
        report.extend(error.report.found)
        return
    owner: Mapping | Sequence = tree
    owner_name = ""
    steps = list(_STEP.finditer(path))
    for position, match in enumerate(steps):
        step = match[1] if match[1] is not None else int(match[2])
        span = Span(source, 1, match.start() + 1, 1, match.end() + 1)
        if not _fits(owner, owner_name, step, span, path[: match.start()], report):
            return
        if match is steps[-1]:
            _put(owner, step, value, span, whole)
            return
        inner = _below(owner, step, steps[position + 1][1])
        if inner is None:
            found, here = _get(owner, step), path[: match.end()]
            report.add(
                BAD_OVERRIDE,
                f"`{here}` is {kind_of(found)}, so it has no keys",
                span,
                expected="a mapping or a list",
                help=f"write `{here}.{found}`, or set all of `{here}`" if isinstance(found, str) else "",
            )
            return
        _put(owner, step, inner, span, inner.span)
        owner, owner_name = inner, match[1] or owner_name


def _get(owner: Mapping | Sequence, step: str | int) -> Any:
    return owner.get(str(step)) if isinstance(owner, Mapping) else owner[int(step)]


def _below(owner: Mapping | Sequence, step: str | int, following: str | None) -> Mapping | Sequence | None:
    """A copy of what lies under `step`, to be changed; None for a scalar, which has nothing below it.

    What is absent is a new mapping, and so is an object written as its name alone when the path goes on to its
    arguments: `training.optimizer.adam.learning_rate=0.1`. The copy, of one level, keeps a part that YAML aliases
    share from changing in two places.
    """
    inner = _get(owner, step)
    if inner is None or (isinstance(inner, str) and inner == following):
        return Mapping(owner.span)
    if isinstance(inner, Mapping):
        copy = Mapping(inner.span)
        for key, item in inner.entries():
            copy.put(key.value, item.value, key.span, item.span)
        return copy
    if isinstance(inner, Sequence):
        listed = Sequence(inner.span)
        for item in inner.entries():
            listed.put(item.value, item.span)
        return listed
    return None


def _fits(owner: Mapping | Sequence, owner_name: str, step: str | int, span: Span, before: str, report: Report) -> bool:
    where = f"`{before.rstrip('.')}`" if before else "the spec"
    if isinstance(owner, Sequence):
        if isinstance(step, int) and step < len(owner):
            return True
        found = f"has {len(owner)} entries" if isinstance(step, int) else "is a list"
        report.add(BAD_OVERRIDE, f"{where} {found}", span, expected=f"an index from [0] to [{len(owner) - 1}]")
        return False
    if isinstance(step, int):
        report.add(BAD_OVERRIDE, f"{where} is a mapping, not a list", span, expected=f"one of {one_of(owner)}")
        return False
    if step not in owner and owner_name in _NAMED:
        report.add(
            BAD_OVERRIDE,
            f"{where} has no `{step}`",
            span,
            expected="a name that the spec declares",
            help=did_you_mean(step, owner, f"it has {one_of(owner)}"),
        )
        return False
    return True


def _put(owner: Mapping | Sequence, step: str | int, value: object, key_span: Span, span: Span) -> None:
    if isinstance(owner, Mapping):
        owner.put(str(step), value, key_span, span)
    elif isinstance(step, int):
        owner[step] = value
        owner.item_spans[step] = span
