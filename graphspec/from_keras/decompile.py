"""A model → the spec that a person would have written of it, checked against the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import CODE_CARRYING, NO_EQUIVALENT, NOT_A_MODEL
from graphspec.from_keras.body import BodyWriter, Context
from graphspec.from_keras.compiling import CompileWriter
from graphspec.from_keras.config_form import UnknownFormError, check_form, is_of_keras
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.graph_losses import take_losses
from graphspec.from_keras.layer_state import LearnedState
from graphspec.from_keras.names import DifferentWiringError, differing_names
from graphspec.from_keras.nodes import as_name
from graphspec.from_keras.objects import literal
from graphspec.from_keras.records import read_body
from graphspec.from_keras.spec_text import spec_text, with_fractions
from graphspec.spec import Spec, inspect_text

_GRAPHS = ("Functional", "Sequential", "Model")
"""Classes of models that layers and their calls describe; any other is code."""


@dataclass(kw_only=True)
class Decompiled:
    """A spec of a model.

    Attributes:
        text: The spec.
        spec: The same, read.
        files: The text of each file beside it that it names: vocabularies.
        warnings: What the spec has not, or has in another way.
    """

    text: str
    spec: Spec
    files: dict[str, str] = field(default_factory=dict)
    warnings: Report = field(default_factory=Report)


def decompile_config(
    written: dict[str, Any],
    findings: Findings,
    learned: LearnedState,
    path: Path,
    *,
    weights: str = "",
    plugins: Iterable[str] = (),
) -> Decompiled:
    """Return the spec of a model.

    Args:
        written: The model as Keras serialises it: its class, `config` and `compile_config`.
        findings: Receives the diagnostics.
        learned: The state of its preprocessing layers.
        path: The place of the spec.
        weights: The file of weights that the spec is to name; none if empty.
        plugins: The modules that register its custom layers.

    Raises:
        SpecError: No spec can hold the model; it has every finding.
    """
    writer, context = _body(written, Context(findings, learned, list(plugins)))
    tree = {"graphspec": 1, "name": as_name(writer.body.name)}
    compiled = written.get("compile_config")

    def text() -> str:
        body = with_fractions(writer.write())
        training = _training(compiled, writer, body["outputs"], findings)
        parts = {
            **({"plugins": context.plugins} if context.plugins else {}),
            **body,
            **({"weights": literal(weights)} if weights else {}),
            **({"training": training} if training else {}),
        }
        return spec_text({**tree, **parts})

    return _checked(writer, text, path, findings, learned=learned)


def _body(written: dict[str, Any], context: Context) -> tuple[BodyWriter, Context]:
    """Return the writer of a model. Raises SpecError if no spec can hold it."""
    findings = context.findings
    try:
        check_form(written)
    except UnknownFormError as error:
        findings.add(NOT_A_MODEL, f"the configuration is not of the form that Keras writes: {error}")
        raise SpecError(findings.report) from None
    class_name = str(written.get("class_name"))
    config = written.get("config")
    is_graph = class_name in _GRAPHS and is_of_keras(str(written.get("module") or ""))
    if not is_graph or not isinstance(config, dict) or "layers" not in config:
        findings.add(
            CODE_CARRYING,
            f"the model is a `{class_name}`, whose code decides what it computes",
            expected="a functional or Sequential model",
            help="make a functional model of it: `keras.Model(inputs, model(inputs))`; what is a layer of its own "
            "becomes one of a plugin",
        )
        raise SpecError(findings.report)
    try:
        body = read_body(class_name, config)
        take_losses(body)
        writer = BodyWriter(body, context)
    except UnknownFormError as error:
        findings.add(NOT_A_MODEL, f"the configuration is not of the form that Keras writes: {error}")
        raise SpecError(findings.report) from None
    findings.report.raise_if_errors()
    return writer, context


def _training(compiled: Any, writer: BodyWriter, outputs: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """Return `training` of a compiled model, and state losses at its outputs; empty if it is not compiled."""
    if not isinstance(compiled, dict) or not compiled.get("optimizer"):
        return {}
    names = [(name, tensor.layer) for name, tensor in writer.body.outputs.items()]
    bodies = [outputs[writer.output_keys[name]] for name, _ in names]
    return CompileWriter(names, findings).write(compiled, bodies)


def _checked(
    writer: BodyWriter, text: Callable[[], str], path: Path, findings: Findings, *, learned: LearnedState
) -> Decompiled:
    """Return the spec without the names that follow, after its graph was held against the model."""
    text()  # finds the names that may be implied
    for each in writer.writers():
        each.implied = set(each.candidates)
    attempts = 0
    while True:
        attempts += 1
        if attempts == _MAX_ATTEMPTS:
            for each in writer.writers():
                each.implied = set()
        written = text()
        spec, report = inspect_text(written, path)
        if spec is None:
            raise SpecError(_invalid(report, findings))
        try:
            different = differing_names(spec.graph, writer)
        except DifferentWiringError as error:
            findings.add(NO_EQUIVALENT, f"the model cannot be written as a spec: {error}")
            raise SpecError(findings.report) from None
        if different and attempts == _MAX_ATTEMPTS:
            names = ", ".join(f"`{name}`" for _, name in sorted(different, key=lambda each: each[1]))
            findings.add(NO_EQUIVALENT, f"the model cannot be written as a spec that keeps the names {names[:200]}")
            raise SpecError(findings.report)
        if not different:
            return Decompiled(text=written, spec=spec, files=learned.files, warnings=findings.report)
        for body, name in different:
            body.implied.discard(name)


_MAX_ATTEMPTS = 5


def _invalid(report: Report, findings: Findings) -> Report:
    """Return the findings about a spec that is not valid, as those of the model: Keras would refuse it as well."""
    for each in report.errors:
        findings.add(each.rule, f"the model has no valid spec: {each.message}", expected=each.expected, help=each.help)
    return findings.report
