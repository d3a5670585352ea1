"""Checks of `lora`: each entry matches layers, and Keras adapts some of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphspec import catalog
from graphspec.catalog.lora import RANK, constraint_argument, has_lora, lora_parts
from graphspec.checks.context import CheckContext
from graphspec.checks.layer_patterns import LayerPaths, may_lie_inside
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import NO_LORA, REFUSED_LORA, UNMATCHED_LORA
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import ExternalModel, Graph, KerasLayer, Layer
from graphspec.language.objects import Pattern
from graphspec.language.traversal import layer_paths


@dataclass(frozen=True)
class _Listed:
    """A layer, or a part that it makes itself. adapts: it has a kernel for LoRA. is_open: what it holds is unknown."""

    layer: Layer
    adapts: bool
    is_open: bool = False


def check_lora(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every entry of `lora` that matches no layer, or none that Keras adapts."""
    lora = context.training.lora if context.training is not None else None
    if lora is None or not context.is_whole:
        return
    listed = LayerPaths.of(_listed(context.graph), lora.layers)
    if listed is None:
        return
    adapted = list(dict.fromkeys(path for path, each in listed.every() if each.adapts))
    outside = {path for path, each in listed.every() if each.is_open}
    refused: set[Layer] = set()
    for pattern in lora.layers:
        paths = list(listed.matches(pattern))
        if not paths:
            if not may_lie_inside(pattern, outside):
                yield unmatched_lora(pattern, adapted)
            continue
        inside = [each for path in listed.covered(paths) for each in listed.items[path]]
        if not any(each.adapts or each.is_open for each in inside):
            yield no_lora(pattern, adapted, listed.items[paths[0]][0].layer.label if len(paths) == 1 else "")
        layers = dict.fromkeys(each.layer for each in inside if each.adapts)
        for layer in layers:
            reason = _refusal(layer) if layer not in refused else ""
            if reason:
                refused.add(layer)
                yield refused_lora(pattern, layer.name, reason, (Label(layer.span, "this layer"),))


def _listed(graph: Graph) -> Iterator[tuple[str, _Listed]]:
    """Yield every layer and every part of one by its path."""
    for path, layer in layer_paths(graph):
        name = layer.class_name
        is_known = isinstance(layer, KerasLayer) and catalog.find("layers", name) is not None
        is_custom = isinstance(layer, KerasLayer) and not is_known
        yield path, _Listed(layer, has_lora(name), isinstance(layer, ExternalModel) or is_custom)
        if is_known:
            yield from ((f"{path}/{part}", _Listed(layer, True)) for part in lora_parts(name, layer.arguments))


def _refusal(layer: Layer) -> str:
    """Return why Keras refuses LoRA for a layer; empty where it does not."""
    if not has_lora(layer.class_name):
        return ""  # it adapts parts of it
    if layer.arguments.get(RANK):
        return f"it has a `{RANK}` of its own: leave one of the two out"
    constraint = constraint_argument(layer.class_name)
    if layer.arguments.get(constraint) is not None:
        return f"LoRA freezes the kernel that its `{constraint}` is for: remove the constraint"
    return ""


def unmatched_lora(pattern: Pattern, adapted: list[str]) -> Diagnostic:
    """Return the diagnostic for a pattern that matches no layer; `adapted` are the paths of those with LoRA."""
    return Diagnostic(
        UNMATCHED_LORA,
        f"`{pattern.text}` matches no layer",
        pattern.span,
        expected='the name of a layer in Keras, a path such as `attention/query`, or a glob such as `"*query*"`',
        help=did_you_mean(pattern.text, adapted, _choices(adapted)),
    )


def no_lora(pattern: Pattern, adapted: list[str], label: str = "") -> Diagnostic:
    """Return the diagnostic for a pattern whose layers all have no kernel that LoRA adapts.

    Args:
        pattern: The pattern.
        adapted: The paths of the layers with LoRA.
        label: The layer, if the pattern matches one alone.
    """
    classes = [name for name in catalog.names("layers") if has_lora(name) and not name.startswith("Convolution")]
    what = f"`{pattern.text}` is a `{label}`, which has no" if label else f"no layer of `{pattern.text}` has a"
    return Diagnostic(
        NO_LORA,
        f"{what} kernel that LoRA adapts",
        pattern.span,
        expected=f"{one_of(classes, 20)}, or a layer or model that holds one of them",
        help=_choices(adapted),
    )


def refused_lora(pattern: Pattern, layer: str, reason: str, labels: tuple[Label, ...] = ()) -> Diagnostic:
    """Return the diagnostic for a layer that Keras refuses to adapt."""
    return Diagnostic(
        REFUSED_LORA,
        f"`{layer}` cannot be adapted: {reason}",
        pattern.span,
        expected="layers that Keras adapts",
        help=f"or let `{pattern.text}` not match it",
        labels=labels,
    )


def _choices(adapted: list[str]) -> str:
    return f"the layers with LoRA are {one_of(adapted)}" if adapted else "no layer of this model knows LoRA"
