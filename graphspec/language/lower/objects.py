"""Lower objects: `Name` or `Name: arguments`, checked against the catalogue.

    Flatten · LSTM: 32 · Dense: {units: 64, activation: relu} · L2: 0.01

A mapping holds keyword arguments; any other value is the first constructor argument.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec import catalog
from graphspec.catalog import SINGULAR, Kind
from graphspec.catalog.arguments import FUNCTIONS, argument_kind
from graphspec.catalog.refused import (
    CODE_CARRYING,
    CONNECTING,
    COPYING_WRAPPERS,
    NOT_APPLIED,
    RETIRED_NAMES,
)
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import (
    BAD_OBJECT,
    COPIED_LAYER,
    MISSING_ARGUMENT,
    NETWORK,
    NOT_A_LAYER,
    RETIRED,
    UNKNOWN_ARGUMENT,
    UNKNOWN_OBJECT,
)
from graphspec.diagnostics.rules import (
    CODE_CARRYING as CODE_CARRYING_RULE,
)
from graphspec.diagnostics.suggest import a, closest, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping, Sequence, plain
from graphspec.language.graph import KerasLayer
from graphspec.language.lower.files import is_weight_file, read_weight_file
from graphspec.language.lower.scope import Scope
from graphspec.language.lower.unknown_names import report_unknown_argument, report_unknown_object
from graphspec.language.lower.values import refuse_value
from graphspec.language.objects import FIRST, Object


def read_object(kind: Kind, written: Located, report: Report, scope: Scope | None = None) -> Object | None:
    """Return an object of Keras or a plugin.

    Args:
        kind: What it is, such as `losses`.
        written: Its name, or its name with its arguments.
        report: Receives the diagnostics.
        scope: Resolves the names of declared layers among the arguments.

    Returns:
        The object; None where it is faulty.
    """
    form = split_form(kind, written, report)
    return make_object(kind, form[0], form[1], report, scope=scope) if form is not None else None


def split_form(kind: Kind, written: Located, report: Report) -> tuple[Located, Located] | None:
    """Return the name of an object and its arguments, None after a diagnostic."""
    value = written.value
    if isinstance(value, str) and value:
        return written, Located(None, written.span)
    if isinstance(value, Mapping) and len(value) == 1:
        return next(value.entries())
    noun = SINGULAR[kind]
    if isinstance(value, Mapping) and value:
        keys = list(value)
        known = [key for key in keys if catalog.find(kind, key) is not None]
        help = (
            f"indent the arguments below the name: `{known[0]}: {{...}}`" if known else f"write one {noun} per mapping"
        )
        found = f"a mapping of {len(keys)} keys"
    else:
        found, help = kind_of(value), ""
        if isinstance(value, Sequence) and len(value) == 1:
            help = f"write the {noun} without a list around it"
    report.add(
        BAD_OBJECT,
        f"{found} is not {a(noun)}",
        written.span,
        expected=f"{a(noun)}: its name, or a mapping from its name to its arguments",
        help=help,
    )
    return None


def make_object(
    kind: Kind, name: Located, arguments: Located, report: Report, *, scope: Scope | None = None
) -> Object | None:
    """Return the object `name` with `arguments`, as `read_object` does."""
    if is_custom(name.value):
        return _custom(kind, name, arguments, report, scope=scope)
    if _is_refused(kind, name, report):
        return None
    entry = catalog.find(kind, name.value)
    is_identifier = name.value not in catalog.names(kind) and catalog.is_identifier(kind, name.value)
    if is_identifier and (entry is None or (arguments.value is None and not entry.required)):
        return _identifier(kind, name, arguments, report)
    if entry is None:
        report_unknown_object(kind, name, report, scope)
        return None
    keywords = _keywords(entry, name, arguments, report)
    if keywords is None:
        return None
    unknown = [argument for argument in keywords if argument not in entry.arguments]
    missing = [argument for argument in entry.required if argument not in keywords]
    for argument in unknown:
        report_unknown_argument(entry, Located(argument, keywords[argument][0]), missing, report)
    if missing and not unknown:
        _report_missing(entry, missing, keywords, name, report=report)
    read = {
        argument: read_argument(entry, argument, value, report, scope=scope)
        for argument, (_, value) in keywords.items()
        if argument in entry.arguments
    }
    if unknown or missing or any(value is FAULTY for value in read.values()):
        return None
    return Object(kind, entry.name, read, name.span, spans=value_spans(keywords))


def value_spans(keywords: dict[str, tuple[Span, Located]]) -> dict[str, Span]:
    """Return the place of the value of each argument."""
    return {argument: value.span for argument, (_, value) in keywords.items()}


FAULTY = object()
"""The value of a faulty argument, for which a diagnostic exists."""


def _is_refused(kind: Kind, name: Located, report: Report) -> bool:
    noun = SINGULAR[kind]
    entry = catalog.find(kind, name.value)
    target = entry.name if entry is not None else name.value
    for table, rule, why in (
        (CODE_CARRYING, CODE_CARRYING_RULE, "runs code of its own, which a spec cannot hold"),
        (NOT_APPLIED, NOT_A_LAYER, "cannot be used in a spec"),
        (RETIRED_NAMES, RETIRED, "is not in Keras 3"),
    ):
        if target in table and (entry is not None if rule is not RETIRED else kind == "layers"):
            if rule is RETIRED and name.value in ("Input", "Sequential", "Model"):
                rule, why = NOT_A_LAYER, "cannot be applied as a layer"
            if target in CONNECTING:
                rule, why = NETWORK, "opens a network connection, which a spec may not do"
            report.add(rule, f"`{name.value}` {why}", name.span, expected=f"{a(noun)} of Keras", help=table[target])
            return True
    return False


def _identifier(kind: Kind, name: Located, arguments: Located, report: Report) -> Object | None:
    if arguments.value is None:
        return Object(kind, name.value, {}, name.span, is_identifier=True)
    noun = SINGULAR[kind]
    match = closest(name.value.replace("_", ""), catalog.names(kind))
    report.add(
        UNKNOWN_ARGUMENT,
        f"the {noun} `{name.value}` is a function of Keras and takes no arguments",
        arguments.span,
        expected="nothing",
        help=f"use the class, which takes arguments: `{match}: {{...}}`" if match else f"write only `{name.value}`",
    )
    return None


def _keywords(
    entry: catalog.Entry, name: Located, arguments: Located, report: Report
) -> dict[str, tuple[Span, Located]] | None:
    """Return the arguments by keyword, with the places of the keywords."""
    if arguments.value is None:
        return {}
    if isinstance(arguments.value, Mapping):
        return {key.value: (key.span, value) for key, value in arguments.value.entries()}
    first = next(iter(entry.arguments), None)
    own = set(entry.arguments) - {"name", "dtype", "trainable", "autocast", "activity_regularizer"}
    if first is None or not own:
        report.add(
            UNKNOWN_ARGUMENT,
            f"`{entry.name}` takes no argument here",
            arguments.span,
            expected="nothing",
            help=f"write only `{entry.name}`",
        )
        return None
    return {first: (arguments.span, arguments)}


def _report_missing(
    entry: catalog.Entry,
    missing: list[str],
    keywords: dict[str, tuple[Span, Located]],
    name: Located,
    *,
    report: Report,
) -> None:
    """Report all missing arguments at once, with the required arguments written out as the help."""
    values = {argument: keywords[argument][1].value if argument in keywords else None for argument in entry.required}
    form = ", ".join(
        f"{argument}: {value if isinstance(value, int | float | str) else '...'}" for argument, value in values.items()
    )
    report.add(
        MISSING_ARGUMENT,
        f"`{entry.name}` needs {one_of(missing)}",
        name.span,
        expected=f"a value for {one_of(missing)}",
        help=f"write `{entry.name}: {{{form}}}`",
    )


_SEVERAL_LAYERS = ("cell", "cells", "layers")
"""Arguments that take a list of layers."""


def read_argument(
    entry: catalog.Entry, argument: str, value: Located, report: Report, *, scope: Scope | None = None
) -> Any:
    """Return the value of an argument: plain data, an Object, a Layer, or FAULTY."""
    if report.is_open(value.span):
        return FAULTY
    if argument in FUNCTIONS.get(entry.name, ()) and _names_object("functions", value, scope):
        return read_object("functions", value, report, scope) or FAULTY
    if refuse_value(entry, argument, value, report):
        return FAULTY
    kind = argument_kind(argument)
    if value.value is None and not (kind == "layers" and argument in entry.required):
        return None
    if kind is None:
        return plain(value.value)
    if isinstance(value.value, Sequence) and argument in _SEVERAL_LAYERS:
        layers = [_read_layer(entry, item, report, scope) for item in value.value.entries()]
        return FAULTY if any(layer is FAULTY for layer in layers) else layers
    if kind == "layers":
        return _read_layer(entry, value, report, scope)
    if kind == "initializers" and is_weight_file(value):
        return read_weight_file(value, report) or FAULTY
    if isinstance(value.value, str | Mapping):
        if kind == "activations" and _is_layer(value.value):
            kind = "layers"
        return read_object(kind, value, report, scope) or FAULTY
    return plain(value.value)


def _is_layer(written: Any) -> bool:
    """Return whether an activation is a layer, such as `{LeakyReLU: {negative_slope: 0.2}}`."""
    name = written if isinstance(written, str) else next(iter(written), None)
    is_function = not isinstance(name, str) or catalog.is_identifier("activations", name)
    return not is_function and catalog.find("layers", str(name)) is not None


def _read_layer(entry: catalog.Entry, written: Located, report: Report, scope: Scope | None) -> Any:
    """Return a declared layer, or one written in place, or FAULTY."""
    if isinstance(written.value, str) and scope is not None and scope.declares(written.value):
        layer = scope.find(written.value, written.span)
        if layer is not None and entry.name in COPYING_WRAPPERS:
            report.add(
                COPIED_LAYER,
                f"`{entry.name}` copies its layer, so `{written.value}` would not be shared",
                written.span,
                expected="a layer written here",
                help=f"write the layer in place, or declare the whole `{entry.name}` under `layers`",
            )
        return layer or FAULTY
    return _layer_in_place(written, report, scope) or FAULTY


def _layer_in_place(written: Located, report: Report, scope: Scope | None) -> KerasLayer | None:
    layer = read_object("layers", written, report, scope)
    return KerasLayer(object=layer, span=layer.span) if layer is not None else None


_CUSTOM_NAME = re.compile(r"[^>\s]+>[^>\s]+")


def is_custom(name: str) -> bool:
    """Return whether `name` is that of an object that a plugin registers."""
    return ">" in name


def _custom(
    kind: Kind, name: Located, arguments: Located, report: Report, *, scope: Scope | None = None
) -> Object | None:
    """Return the custom object `name` with `arguments`; None, after diagnostics, where it is faulty."""
    if not _CUSTOM_NAME.fullmatch(name.value):
        report.add(
            UNKNOWN_OBJECT,
            f"`{name.value}` is not a name of {a(SINGULAR[kind])}",
            name.span,
            expected="`package>Name`, as a plugin registers it",
            help="write both parts, without spaces",
        )
        return None
    watch = report.watch()
    values: dict[str, Any] = {}
    if isinstance(arguments.value, Mapping):
        for key, value in arguments.value.entries():
            values[key.value] = _custom_argument(argument_kind(key.value), value, report, scope)
    elif arguments.value is not None:
        values[FIRST] = _custom_argument("layers" if kind == "layers" else None, arguments, report, scope)
    return Object(kind, name.value, values, name.span) if watch.is_clean else None


def _custom_argument(kind: Kind | None, value: Located, report: Report, scope: Scope | None) -> Any:
    """Return an argument as an object of `kind` if it denotes one, else as data."""
    if kind == "layers" and isinstance(value.value, Sequence):
        items = list(value.value.entries())
        if items and all(_names_object(kind, item, scope) for item in items):
            return [_custom_argument(kind, item, report, scope) for item in items]
    if kind is None or not _names_object(kind, value, scope):
        return plain(value.value)
    if kind != "layers":
        return read_object(kind, value, report, scope)
    if isinstance(value.value, str) and scope is not None and scope.declares(value.value):
        return scope.find(value.value, value.span)
    return _layer_in_place(value, report, scope)


def _names_object(kind: Kind, value: Located, scope: Scope | None) -> bool:
    """Return whether `value` denotes a known object of `kind` or a custom one."""
    name = value.value
    if isinstance(name, Mapping) and len(name) == 1:
        name = next(iter(name))
    elif not isinstance(name, str):
        return False
    is_declared = kind == "layers" and scope is not None and scope.declares(name)
    known = catalog.find(kind, name) is not None or catalog.is_identifier(kind, name)
    return is_declared or known or is_custom(name)
