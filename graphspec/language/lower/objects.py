"""The object rule: `Name`, or `Name: arguments`, read against the catalogue into an `Object`.

    Flatten · LSTM: 32 · Dense: {units: 64, activation: relu} · L2: 0.01

A mapping holds keyword arguments; anything else is the first constructor argument; nothing is no argument.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec import catalog
from graphspec.catalog import SINGULAR, Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.refused import (
    CODE_CARRYING,
    CONNECTING,
    COPYING_WRAPPERS,
    NOT_APPLIED,
    RETIRED_ARGUMENTS,
    RETIRED_NAMES,
)
from graphspec.diagnostics import Fix, Label, Report, Span
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
from graphspec.diagnostics.suggest import a, closest, did_you_mean, is_unmistakable, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping, Sequence, plain
from graphspec.language.graph import FIRST, Layer, Object
from graphspec.language.lower.files import is_weight_file, read_weight_file
from graphspec.language.lower.scope import Scope
from graphspec.language.lower.values import refuse_value


def read_object(kind: Kind, written: Located, report: Report, declared: Scope | None = None) -> Object | None:
    """The object of `kind` that `written` holds; None, with findings, where it holds none."""
    form = split_form(kind, written, report)
    return make_object(kind, form[0], form[1], report, declared) if form is not None else None


def split_form(kind: Kind, written: Located, report: Report) -> tuple[Located, Located] | None:
    """The name and the arguments of the written object: of a bare name, the arguments are None."""
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
    kind: Kind, name: Located, arguments: Located, report: Report, declared: Scope | None = None
) -> Object | None:
    """The object `name` of `kind` with `arguments`; None, with findings, where Keras has no such thing."""
    if is_custom(name.value):
        return read_custom(kind, name, arguments, report, declared)
    if _is_refused(kind, name, report):
        return None
    entry = catalog.find(kind, name.value)
    is_identifier = name.value not in catalog.names(kind) and catalog.is_identifier(kind, name.value)
    if is_identifier and (entry is None or (arguments.value is None and not entry.required)):
        return _identifier(kind, name, arguments, report)
    if entry is None:
        _unknown(kind, name, report, declared)
        return None
    keywords = _keywords(entry, name, arguments, report)
    if keywords is None:
        return None
    unknown = [argument for argument in keywords if argument not in entry.arguments]
    missing = [argument for argument in entry.required if argument not in keywords]
    for argument in unknown:
        unknown_argument(entry, argument, missing, keywords[argument][0], report)
    if missing and not unknown:
        _missing_arguments(entry, missing, keywords, name, report)
    read = {
        argument: read_argument(entry, argument, value, report, declared)
        for argument, (_, value) in keywords.items()
        if argument in entry.arguments
    }
    if unknown or missing or any(value is FAULTY for value in read.values()):
        return None
    return Object(kind, entry.name, read, name.span, spans=_spans(keywords))


def _spans(keywords: dict[str, tuple[Span, Located]]) -> dict[str, Span]:
    return {argument: value.span for argument, (_, value) in keywords.items()}


FAULTY = object()
"""Stands for an argument that cannot be read, and that a finding tells of."""


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


def _unknown(kind: Kind, name: Located, report: Report, declared: Scope | None) -> None:
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
    known = [
        *(declared.names() if declared is not None and kind == "layers" else []),
        *catalog.names(kind),
        *catalog.identifiers(kind),
    ]
    usable = [each for each in known if each not in CODE_CARRYING and each not in NOT_APPLIED]
    elsewhere = [other for other in SINGULAR if other != kind and catalog.find(other, name.value) is not None]
    near, help = closest(name.value, usable), did_you_mean(name.value, usable)
    places = declared.places() if declared is not None and kind == "layers" else {}
    if not help and elsewhere:
        help = f"`{name.value}` is {a(SINGULAR[elsewhere[0]])}"
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
    """The name nearest to one that is unknown. It is sure to be meant only where the case of letters alone differs."""
    if near is None:
        return None
    return Fix.rewrite(name.span, name.value, near, is_safe=near.casefold() == name.value.casefold())


def _keywords(
    entry: catalog.Entry, name: Located, arguments: Located, report: Report
) -> dict[str, tuple[Span, Located]] | None:
    """The arguments by keyword, with the span of what names each."""
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


def _missing_arguments(
    entry: catalog.Entry, missing: list[str], given: dict[str, tuple[Span, Located]], name: Located, report: Report
) -> None:
    """One finding for all that is missing, with the required arguments written out as a help."""
    values = {argument: given[argument][1].value if argument in given else None for argument in entry.required}
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


def unknown_argument(entry: catalog.Entry, argument: str, missing: list[str], span: Span, report: Report) -> None:
    """Report an argument that `entry` does not have; missing are the required ones that are not given."""
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
    """The new name of an argument that Keras has renamed, where that is all it has done."""
    new = re.fullmatch(r"write `(\w+)`", RETIRED_ARGUMENTS[argument])
    return Fix.rewrite(span, argument, new[1]) if new is not None and new[1] in entry.arguments else None


def read_argument(entry: catalog.Entry, argument: str, value: Located, report: Report, declared: Scope | None) -> Any:
    """The value of an argument: plain data, an Object or a Layer; FAULTY, with findings, where it is wrong."""
    if report.is_open(value.span) or refuse_value(entry, argument, value, report):
        return FAULTY
    kind = argument_kind(argument)
    if value.value is None and not (kind == "layers" and argument in entry.required):
        return None
    if kind is None:
        return plain(value.value)
    if isinstance(value.value, Sequence) and kind == "layers":
        layers = [_read_layer(entry, item, report, declared) for item in value.value.entries()]
        return FAULTY if any(layer is FAULTY for layer in layers) else layers
    if kind == "layers":
        return _read_layer(entry, value, report, declared)
    if kind == "initializers" and is_weight_file(value):
        filled = read_weight_file(value, report)
        return filled if filled is not None else FAULTY
    if isinstance(value.value, str | Mapping):
        made = read_object(kind, value, report, declared)
        return made if made is not None else FAULTY
    return plain(value.value)


def _read_layer(entry: catalog.Entry, written: Located, report: Report, declared: Scope | None) -> Any:
    """A layer as an argument: one that the spec declares, by its name, or one written in place."""
    if isinstance(written.value, str) and declared is not None and declared.declares(written.value):
        found = declared.find(written.value, written.span)
        if found is not None and entry.name in COPYING_WRAPPERS:
            report.add(
                COPIED_LAYER,
                f"`{entry.name}` copies its layer, so `{written.value}` would not be shared",
                written.span,
                expected="a layer written here",
                help=f"write the layer in place, or declare the whole `{entry.name}` under `layers`",
            )
        return found if found is not None else FAULTY
    made = read_object("layers", written, report, declared)
    return Layer(made, made.span) if made is not None else FAULTY


_FORM = re.compile(r"[^>\s]+>[^>\s]+")


def is_custom(name: str) -> bool:
    """Whether an object of this name is one that a plugin registers."""
    return ">" in name


def read_custom(kind: Kind, name: Located, arguments: Located, report: Report, declared: Scope | None) -> Object | None:
    """The custom object `name` with `arguments`; None, with findings, where it is not written as one."""
    if not _FORM.fullmatch(name.value):
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
            values[key.value] = _custom_argument(argument_kind(key.value), value, report, declared)
    elif arguments.value is not None:
        values[FIRST] = _custom_argument("layers" if kind == "layers" else None, arguments, report, declared)
    return Object(kind, name.value, values, name.span) if watch.is_clean else None


def _custom_argument(kind: Kind | None, value: Located, report: Report, declared: Scope | None) -> Any:
    """The value of an argument that may hold an object of `kind`; where it names none, it is plain data."""
    if kind == "layers" and isinstance(value.value, Sequence):
        items = list(value.value.entries())
        if items and all(_names_one(kind, item, declared) for item in items):
            return [_custom_argument(kind, item, report, declared) for item in items]
    if kind is None or not _names_one(kind, value, declared):
        return plain(value.value)
    if kind != "layers":
        return read_object(kind, value, report, declared)
    if isinstance(value.value, str) and declared is not None and declared.declares(value.value):
        return declared.find(value.value, value.span)
    made = read_object("layers", value, report, declared)
    return Layer(made, made.span) if made is not None else None


def _names_one(kind: Kind, value: Located, declared: Scope | None) -> bool:
    """Whether `value` is written as an object of `kind` that is known, or as a custom one."""
    name = value.value
    if isinstance(name, Mapping) and len(name) == 1:
        name = next(iter(name))
    elif not isinstance(name, str):
        return False
    is_declared = kind == "layers" and declared is not None and declared.declares(name)
    known = catalog.find(kind, name) is not None or catalog.is_identifier(kind, name)
    return is_declared or known or is_custom(name)
