"""Lower models that are defined elsewhere: `{file: ...}`, `{application: ...}`, `{preset: ...}` and `{spec: ...}`.

The inputs and outputs of a file, an application or a preset are known when the model is built. Another spec is read
here, in a scope of its own, and becomes a graph like that of any nested model.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from graphspec import catalog
from graphspec.catalog.history import versions_where
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import (
    ARGUMENT_VALUE,
    BAD_TAP,
    BAD_VALUE,
    MISSING_KEY,
    RECURSION,
    TOO_LARGE,
    UNKNOWN_ARGUMENT,
    UNKNOWN_KEY,
    UNKNOWN_OBJECT,
    WRONG_TYPE,
)
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document import read
from graphspec.language.document.tree import Located, plain
from graphspec.language.expand import Library, expand
from graphspec.language.graph import ExternalModel
from graphspec.language.lower.files import read_path, read_weights
from graphspec.language.lower.other_versions import report_other_version
from graphspec.language.lower.presets import read_preset, read_preset_part
from graphspec.language.lower.scope import MAX_NESTED, Scope
from graphspec.language.objects import Pattern, Weights
from graphspec.language.schema import SpecModel, parse
from graphspec.language.schema.desugar import desugar
from graphspec.language.schema.model import ORIGINS, PRESET_PARTS, ExternalModelSpec, NestedModelSpec

MODEL_FILE = ".keras"
MAX_OPENED = 100
_SETTINGS = ("weights", "trainable")
_TAPS = "taps"
_TAPPED = ("file", "preset")
IMAGENET = "imagenet"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def read_external(model: ExternalModelSpec, scope: Scope, report: Report) -> ExternalModel | None:
    """Return the saved model, application or preset, None after a diagnostic."""
    part = next((each for each in PRESET_PARTS if model.states(each)), None)
    if part is not None:
        return read_preset_part(model, part, scope, report)
    external: ExternalModel | None
    if model.states("preset"):
        _refuse_other_keys(model, "preset", report)
        external = read_preset(model.located("preset"), scope, report)
    else:
        external = _file(model, scope, report) if model.states("file") else _application(model, report)
    taps = _taps(model, report)
    return replace(external, taps=taps) if external is not None and taps is not None else None


def _taps(model: ExternalModelSpec, report: Report) -> tuple[Pattern, ...] | None:
    """Return the inner layers that are outputs, too; None after a diagnostic."""
    if model.taps is None:
        return ()
    written = model.located(_TAPS)
    watch = report.watch()
    items = written.as_list()
    known: set[str] = set()
    for item in items:
        if not isinstance(item.value, str) or not _NAME.fullmatch(item.value):
            is_text = isinstance(item.value, str)
            report.add(
                BAD_TAP,
                f"`{item.value}` cannot be an output of the model" if is_text else f"a tap is {kind_of(item.value)}",
                item.span,
                expected="the name of a layer inside the model: letters, digits, `_` and `-`",
                help="write a list of names: `taps: [conv4_block6_out]`",
            )
        elif item.value in known:
            report.add(
                BAD_TAP, f"`{item.value}` is tapped twice", item.span, expected="each layer once", help="remove one"
            )
        known.add(str(item.value))
    return tuple(Pattern(item.value, item.span) for item in items) if watch.is_clean else None


def _file(model: ExternalModelSpec, scope: Scope, report: Report) -> ExternalModel | None:
    written = model.located("file")
    _refuse_other_keys(model, "file", report)
    path = read_path(written, f"the path of a `{MODEL_FILE}` file", scope.files[-1].parent, report)
    if path is None:
        return None
    if path.suffix != MODEL_FILE:
        report.add(
            BAD_VALUE, f"`{written.value}` is not a model file", written.span,
            expected=f"a file that ends in `{MODEL_FILE}`",
            help=f"load it with Keras and save it as `model{MODEL_FILE}`; a file of weights goes under `weights`",
        )  # fmt: skip
        return None
    return ExternalModel(span=written.span, source=written.value, source_span=written.span, path=path)


def _application(model: ExternalModelSpec, report: Report) -> ExternalModel | None:
    written = model.located("application")
    known = catalog.applications()
    if written.value not in known:
        versions = versions_where(lambda: written.value in catalog.applications())
        if report_other_version(f"the application `{written.value}`", versions, written.span, report):
            return None
        text = isinstance(written.value, str)
        report.add(
            UNKNOWN_OBJECT,
            f"there is no application `{written.value}`" if text else f"{kind_of(written.value)} is not an application",
            written.span,
            expected=f"a function of `keras.applications`, of Keras {catalog.keras_version()}",
            help=did_you_mean(written.value, known, f"it has {one_of(known, 8)}") if text else "write its name",
        )
        return None
    arguments = catalog.application_arguments(written.value)
    usable = [name for name in arguments if name not in ("input_tensor", *_SETTINGS)]
    constants: dict[str, Any] = {}
    for key, value in model.tree.entries():
        if key.value in ("application", _TAPS, *_SETTINGS):
            continue
        if key.value == "input_tensor":
            help = "name the tensor in `from`, and apply the model"
        elif key.value in usable:
            _refuse_mistaken(f"`{key.value}` of `{written.value}`", value, arguments[key.value], report)
            constants[key.value] = plain(value.value)
            continue
        else:
            versions = versions_where(partial(_application_takes, written.value, key.value))
            if report_other_version(f"`{key.value}` of `{written.value}`", versions, key.span, report):
                continue
            help = did_you_mean(key.value, usable, f"it takes {one_of(usable)}")
        report.add(
            UNKNOWN_ARGUMENT, f"`{written.value}` has no argument `{key.value}` here", key.span,
            expected=f"an argument of `keras.applications.{written.value}`", help=help,
        )  # fmt: skip
    if model.tree.get("weights") == IMAGENET:
        constants["weights"] = IMAGENET
    return ExternalModel(span=written.span, source=written.value, source_span=written.span, arguments=constants)


def _application_takes(name: str, argument: str) -> bool:
    """Return whether the catalogue has an application `name`, and it takes `argument`."""
    return name in catalog.applications() and argument in catalog.application_arguments(name)


def _refuse_mistaken(argument: str, value: Located, default: Any, report: Report) -> None:
    """Refuse a boolean for a number, and a number for a boolean."""
    is_truth, takes_truth = isinstance(value.value, bool), isinstance(default, bool)
    if (is_truth and isinstance(default, int | float) and not takes_truth) or (
        takes_truth and not is_truth and isinstance(value.value, int | float)
    ):
        report.add(
            ARGUMENT_VALUE, f"{argument} is {kind_of(value.value)}", value.span,
            expected="true or false" if takes_truth else "a number",
        )  # fmt: skip


def read_settings(
    model: NestedModelSpec | ExternalModelSpec, scope: Scope, report: Report
) -> tuple[Weights | None, bool]:
    """Return `weights` and `trainable` of a model."""
    weights = None
    pretrained = (
        model.states("application") and model.weights == IMAGENET if isinstance(model, ExternalModelSpec) else False
    )
    if model.weights is not None and not pretrained:
        weights = read_weights(model.located("weights"), scope.files[-1].parent, report)
    if model.trainable is not None and not isinstance(model.trainable, bool):
        written = model.located("trainable")
        report.add(
            WRONG_TYPE, f"`trainable` is {kind_of(written.value)}, not true or false", written.span,
            expected="true or false",
        )  # fmt: skip
    return weights, model.trainable is not False


def open_spec(model: ExternalModelSpec, scope: Scope, report: Report) -> tuple[SpecModel, Library] | None:
    """Read the spec file that `model` names; return None, after a diagnostic, where that fails."""
    written = model.located("spec")
    _refuse_other_keys(model, "spec", report)
    path = read_path(written, "the path of a spec file", scope.files[-1].parent, report)
    if path is None or not _may_open(written, path, scope, report):
        return None
    scope.state.specs += 1
    watch = report.watch()
    try:
        tree = read(path, report)
    except SpecError as error:
        for diagnostic in error.report.found:
            span = diagnostic.span if diagnostic.span is not None else written.span
            report.add(
                diagnostic.rule,
                diagnostic.message,
                span,
                expected=diagnostic.expected or "a spec file",
                help=diagnostic.help,
            )
        return None
    desugar(tree)
    library = expand(tree, path, report, scope.state.work)
    if missing := [key for key in ("inputs", "outputs") if key not in tree]:
        report.add(
            MISSING_KEY, f"{written.value} describes no model: it has no {one_of(missing)}", written.span,
            expected="a spec with `inputs` and `outputs`",
            help="to use what a file declares, name it under `include`",
        )  # fmt: skip
        return None
    if watch.has_errors:
        return None
    desugar(library.tree)
    spec = parse(library.tree, report)
    return (spec, library) if spec is not None else None


def _may_open(written: Located, path: Path, scope: Scope, report: Report) -> bool:
    """Return whether the spec may be read. It must not contain itself."""
    resolved = Path(os.path.realpath(path))
    if resolved in scope.files:
        chain = [*scope.files[scope.files.index(resolved) :], resolved]
        report.add(
            RECURSION,
            f"the spec {written.value} contains itself: {' → '.join(each.name for each in chain)}",
            written.span,
            expected="a spec that does not contain this one",
            help="a model cannot contain itself; move the shared parts into a third file",
        )
        return False
    if len(scope.files) > MAX_NESTED or scope.state.specs >= MAX_OPENED:
        report.add(
            TOO_LARGE, f"specs contain more than {MAX_OPENED} others, or are nested more than {MAX_NESTED} levels deep",
            written.span,
            expected="the limit is exceeded here", help="declare the model once, and apply it several times",
        )  # fmt: skip
        return False
    return True


_WITH_ARTICLE = {"file": "a file", "spec": "a spec", "preset": "a preset"}


def _refuse_other_keys(model: ExternalModelSpec, where: str, report: Report) -> None:
    """Report every key of `model` beside `where`, which names its origin, and its settings."""
    for key, _ in model.tree.entries():
        if key.value in (where, *_SETTINGS) or (key.value == _TAPS and where in _TAPPED):
            continue
        both = key.value in ORIGINS
        report.add(
            UNKNOWN_KEY,
            f"a model has one origin, but this one has both `{where}` and `{key.value}`"
            if both
            else f"there is no key `{key.value}` for a model from {_WITH_ARTICLE[where]}",
            key.span,
            expected=f"one of {one_of((where, *_SETTINGS))}",
            help="remove one of them" if both else _instead(key.value, where),
        )


def _instead(key: str, where: str) -> str:
    """Return the help for a key that a model does not have."""
    if key == _TAPS and where == "spec":
        return "make the inner tensor an output of that spec"
    return did_you_mean(key, (*_SETTINGS, *([_TAPS] if where in _TAPPED else [])), "remove it")
