"""Apply overrides, `--set a.b[0]=value`, to the tree of a spec.

Names that the spec chooses (inputs, nodes, layers, ...) must exist. A key of the language or an argument of Keras may
be new: the schema and the catalogue check it, and report it at the text of the override.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec.diagnostics import Report, SourceText, Span, SpecError
from graphspec.diagnostics.rules import BAD_OVERRIDE
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Located, Mapping, Sequence

_PATH = re.compile(r"[^.\[\]=\s]+(?:\[\d{1,9}\])*(?:\.[^.\[\]=\s]+(?:\[\d{1,9}\])*)*")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

_NAMED = ("inputs", "layers", "models", "graph", "outputs", "losses", "vars", "blocks", "sample_weights")
"""Mappings whose keys are names that the spec chooses."""


def is_path(text: str) -> bool:
    """Return whether `text` has the form of a path: keys and list indices."""
    return _PATH.fullmatch(text) is not None


def apply_override(tree: Mapping, override: str, report: Report) -> None:
    """Replace one value of `tree`, in place.

    Args:
        tree: The spec.
        override: A path, `=`, and the value as YAML.
        report: Receives the diagnostics.
    """
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
        if not _exists(owner, owner_name, Located(step, span), path[: match.start()], report=report):
            return
        if match is steps[-1]:
            _put(owner, Located(step, span), Located(value, whole))
            return
        inner = _below(owner, step, steps[position + 1][1])
        if inner is None:
            scalar, here = _get(owner, step), path[: match.end()]
            report.add(
                BAD_OVERRIDE,
                f"`{here}` is {kind_of(scalar)}, so it has no keys",
                span,
                expected="a mapping or a list",
                help=f"write `{here}.{scalar}`, or set all of `{here}`" if isinstance(scalar, str) else "",
            )
            return
        _put(owner, Located(step, span), Located(inner, inner.span))
        owner, owner_name = inner, match[1] or owner_name


def _get(owner: Mapping | Sequence, step: str | int) -> Any:
    return owner.get(str(step)) if isinstance(owner, Mapping) else owner[int(step)]


def _below(owner: Mapping | Sequence, step: str | int, following: str | None) -> Mapping | Sequence | None:
    """Return a copy of the collection under `step`, to be changed; None for a scalar.

    An absent value becomes a new mapping, and so does an object without arguments where the path continues with them:
    `training.optimizer.adam.learning_rate=0.1`. The copy, of one level, keeps a part that YAML aliases share from
    changing in two places.
    """
    inner = _get(owner, step)
    if inner is None or (isinstance(inner, str) and inner == following):
        return Mapping(owner.span)
    if isinstance(inner, Mapping):
        return inner.filtered()
    if isinstance(inner, Sequence):
        sequence = Sequence(inner.span)
        for item in inner.entries():
            sequence.put(item.value, item.span)
        return sequence
    return None


def _exists(owner: Mapping | Sequence, owner_name: str, place: Located, before: str, *, report: Report) -> bool:
    """Return whether a key or index may be set in `owner`, and report it otherwise."""
    step, span = place
    where = f"`{before.rstrip('.')}`" if before else "the spec"
    if isinstance(owner, Sequence):
        if isinstance(step, int) and step < len(owner):
            return True
        fault = f"has {len(owner)} entries" if isinstance(step, int) else "is a list"
        report.add(BAD_OVERRIDE, f"{where} {fault}", span, expected=f"an index from [0] to [{len(owner) - 1}]")
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


def _put(owner: Mapping | Sequence, place: Located, value: Located) -> None:
    if isinstance(owner, Mapping):
        owner.put(str(place.value), value.value, place.span, value.span)
    else:
        owner[place.value], owner.item_spans[place.value] = value
