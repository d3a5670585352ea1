"""Diagnostics of objects and arguments that Keras, or this version of it, does not have."""

from __future__ import annotations

import re

from graphspec import catalog
from graphspec.catalog import SINGULAR, Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.history import versions_with, versions_with_argument
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED, RETIRED_ARGUMENTS
from graphspec.diagnostics import Fix, Label, Report, Span
from graphspec.diagnostics.rules import NOT_A_LAYER, RETIRED, UNKNOWN_ARGUMENT, UNKNOWN_OBJECT
from graphspec.diagnostics.suggest import a, closest, did_you_mean, is_unmistakable, one_of
from graphspec.language.document.tree import Located
from graphspec.language.lower.other_versions import report_other_version
from graphspec.language.lower.scope import Scope


def report_unknown_object(kind: Kind, name: Located, report: Report, scope: Scope | None) -> None:
    """Report a name that no object of `kind` has.

    Args:
        kind: The kind that is expected.
        name: The name.
        report: Receives the diagnostic.
        scope: The layers that the spec declares, for a layer.
    """
    noun = SINGULAR[kind]
    if kind == "layers" and name.value.startswith("ops."):
        report.add(
            NOT_A_LAYER,
            f"`{name.value}` is an operation, not a layer",
            name.span,
            expected="a layer, which can be declared, shared and wrapped",
            help="write the operation as a step under `apply`, or wrap a model with it: `TimeDistributed: my_model`",
        )
        return
    if report_other_version(f"the {noun} `{name.value}`", versions_with(kind, name.value), name.span, report):
        return
    scope = scope if kind == "layers" else None
    known = [
        *(scope.names() if scope is not None else []),
        *catalog.names(kind),
        *catalog.identifiers(kind),
    ]
    usable = [each for each in known if each not in CODE_CARRYING and each not in NOT_APPLIED]
    other_kinds = [other for other in SINGULAR if other != kind and catalog.find(other, name.value) is not None]
    near, help = closest(name.value, usable), did_you_mean(name.value, usable)
    places = scope.places() if scope is not None else {}
    if not help and other_kinds:
        help = f"`{name.value}` is {a(SINGULAR[other_kinds[0]])}"
    if not help and kind == "layers" and name.value in catalog.identifiers("activations"):
        help = f"write `Activation: {name.value}`"
    if not help and kind == "layers" and catalog.find("ops", f"ops.{name.value}") is not None:
        help = f"`ops.{name.value}` is an operation"
    layers = ", or one declared under `layers` or `models`" if kind == "layers" else ""
    report.add(
        UNKNOWN_OBJECT,
        f"there is no {noun} `{name.value}`",
        name.span,
        expected=f"{a(noun)} of Keras {catalog.keras_version()}{layers}",
        help=help or f"`keras.{'optimizers.schedules' if kind == 'schedules' else kind}` has {one_of(usable, 6)}",
        labels=[Label(places[near], f"`{near}` is declared here")] if near in places else [],
        fix=_respelled(name, near),
    )


def _respelled(name: Located, near: str | None) -> Fix | None:
    """Return the fix to a similar name, safe where only the case differs."""
    if near is None:
        return None
    return Fix.rewrite(name.span, name.value, near, is_safe=near.casefold() == name.value.casefold())


def report_unknown_argument(entry: catalog.Entry, name: Located, missing: list[str], report: Report) -> None:
    """Report an argument that `entry` does not have.

    Args:
        entry: The class or operation.
        name: The name of the argument.
        missing: The required arguments that the spec omits.
        report: Receives the diagnostic.
    """
    argument, span = name
    if argument in RETIRED_ARGUMENTS:
        report.add(
            RETIRED,
            f"`{argument}` is not an argument of `{entry.name}` in Keras 3",
            span,
            expected=f"an argument of `{entry.name}`",
            help=RETIRED_ARGUMENTS[argument],
            fix=_renamed(entry, argument, span),
        )
        return
    versions = versions_with_argument(entry.kind, entry.name, argument)
    if report_other_version(f"`{argument}` of `{entry.name}`", versions, span, report):
        return
    layer_argument = next((known for known in entry.arguments if argument_kind(known) == "layers"), None)
    if layer_argument is not None and catalog.find("layers", argument) is not None:
        help = f"write `{entry.name}: {{{layer_argument}: {{{argument}: ...}}}}`"
    elif argument in ("call", "repeat"):
        help = f"`{argument}` belongs beside `{entry.name}`, not to its arguments: indent it less"
    else:
        otherwise = f"it takes {one_of(entry.arguments, 8)}"
        if missing:
            otherwise = f"it needs {one_of(missing)}, which is missing; {otherwise}"
        help = did_you_mean(argument, missing) or did_you_mean(argument, entry.arguments, otherwise)
    near = closest(argument, missing) or closest(argument, entry.arguments)
    is_near = near is not None and help == did_you_mean(near, [near])
    is_safe = is_unmistakable(argument, entry.arguments)
    report.add(
        UNKNOWN_ARGUMENT,
        f"`{entry.name}` has no argument `{argument}`",
        span,
        expected=f"an argument of `{entry.name}`",
        help=help,
        fix=Fix.rewrite(span, argument, str(near), is_safe=is_safe) if is_near else None,
    )


def _renamed(entry: catalog.Entry, argument: str, span: Span) -> Fix | None:
    """Return the fix for an argument that Keras has merely renamed."""
    new = re.fullmatch(r"write `(\w+)`", RETIRED_ARGUMENTS[argument])
    return Fix.rewrite(span, argument, new[1]) if new is not None and new[1] in entry.arguments else None
