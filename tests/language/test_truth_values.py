"""A truth value is no number, and a number is no truth value, though Python takes one for the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog import Entry, Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.refused import CODE_CARRYING, FAILING_OPS, NOT_APPLIED
from graphspec.catalog.values import accepted
from graphspec.diagnostics import Diagnostic, Report, SourceText, Span, SpecError
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Located
from graphspec.language.lower.objects import read_object

Write = Callable[..., Path]
KINDS: tuple[Kind, ...] = (
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "schedules",
    "initializers",
    "regularizers",
    "constraints",
    "callbacks",
)
BOTH = {("BackupAndRestore", "save_freq"), ("GRU", "use_cudnn"), ("LSTM", "use_cudnn")}
"""Arguments that take false beside a number."""


def found(kind: Kind, name: str, argument: str, value: Any) -> list[Diagnostic]:
    """What is said of the value of one argument; that others are missing is not."""
    text = json.dumps({name: {argument: value}})
    report, source = Report(), SourceText("spec", text)
    read_object(kind, Located(read_yaml(source, report), Span(source, 1, 1, 1, len(text) + 1)), report)
    return [each for each in report.found if each.rule.code != "GS203"]


def arguments(kind: Kind) -> Iterator[tuple[Entry, str, Any]]:
    """Each argument of each class that a spec can name, with its default."""
    for name in catalog.names(kind):
        entry = catalog.find(kind, name)
        assert entry is not None
        if name not in {*CODE_CARRYING, *NOT_APPLIED}:
            for argument, default in entry.arguments.items():
                if argument != "name" and argument_kind(argument) is None:
                    yield entry, argument, default


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize("kind", KINDS)
def test_no_argument_takes_a_truth_value_for_a_number(kind: Kind) -> None:
    """Whatever has a number as its default, or is known to take one, refuses `true` and `false`, in lists too."""
    judged = 0
    passed: list[tuple[str, str, Any, list[Diagnostic]]] = []
    for entry, argument, default in arguments(kind):
        described = accepted(kind, entry.name, argument) or {}
        if (entry.name, argument) in BOTH or not (is_number(default) or {"int", "number", "float"} & set(described)):
            continue
        for value in (True, False):
            judged += 1
            said = found(kind, entry.name, argument, value)
            if [each.rule.code for each in said] != ["GS213"] or str(value).lower() not in said[0].message:
                passed.append((entry.name, argument, value, said))
        if "list" in described and found(kind, entry.name, argument, [True, True]) == []:
            passed.append((entry.name, argument, "list", []))
    assert passed == []
    assert judged > 6


@pytest.mark.parametrize("kind", ["layers", "losses", "metrics", "optimizers", "callbacks"])
def test_no_argument_takes_a_number_for_a_truth_value(kind: Kind) -> None:
    """`use_bias: 1` is refused and mended; `true` and `false` are taken."""
    judged, wrong = 0, []
    for entry, argument, default in arguments(kind):
        if not isinstance(default, bool):
            continue
        judged += 1
        for number, truth in ((0, "false"), (1, "true")):
            said = found(kind, entry.name, argument, number)
            fixes = [each.fix.edits[0].text for each in said if each.fix is not None]
            if [each.rule.code for each in said] != ["GS213"] or fixes != [truth]:
                wrong.append((entry.name, argument, number, said))
        wrong += [
            (entry.name, argument, value, said)
            for value in (True, False)
            if (said := found(kind, entry.name, argument, value))
        ]
        if not found(kind, entry.name, argument, 2):
            wrong.append((entry.name, argument, 2, []))
    assert wrong == []
    assert judged > 3


def test_operations_tell_the_two_apart(write: Write) -> None:
    """Arguments of operations that take no tensor: by their defaults, and sizes and axes in lists."""
    tried: list[tuple[str, str, Any, bool]] = []
    for name in catalog.names("ops"):
        entry = catalog.find("ops", name)
        assert entry is not None
        if name in FAILING_OPS or len(catalog.fed(entry, 1)) != 1 or entry.tensors[catalog.fed(entry, 1)[0]] != "one":
            continue
        for argument, default in entry.arguments.items():
            if argument in entry.tensors:
                continue
            if isinstance(default, bool):
                tried += [(name, argument, 1, True), (name, argument, True, False)]
            elif is_number(default):
                tried += [(name, argument, True, True), (name, argument, [1, False], True)]
    refused = 0
    for start in range(0, len(tried), 150):
        part = tried[start : start + 150]
        nodes = "".join(
            f"  n{number}: {{from: x, apply: {{{name}: {{{argument}: {json.dumps(value)}}}}}}}\n"
            for number, (name, argument, value, _) in enumerate(part)
        )
        path = write(f"graphspec: 1\ninputs: {{x: [4, 4, 3]}}\noutputs: {{y: x}}\ngraph:\n{nodes}")
        lines = {each.span.line for each in graphspec.validate(path) if each.rule.code == "GS213" and each.span}
        for number, each in enumerate(part):
            assert (number + 5 in lines) is each[3], each
            refused += each[3]
    assert refused > 100


SPEC = """
graphspec: 1
inputs: {x: {shape: [4], batch_size: 2, sparse: false, optional: false}}
models: {m: {inputs: {a: [4]}, outputs: {b: {from: a, apply: {Dense: 4}}}, trainable: true}}
outputs:
  y:
    {from: x, apply: [m, {Dense: 2, repeat: 1}], loss: mse, loss_weight: 1.5, class_weight: {0: 3.0}}
training:
  optimizer: adam
  epochs: 5
  batch_size: 6
  seed: 7
  steps_per_epoch: 8
  validation_freq: 9
  jit_compile: false
  steps_per_execution: 10
  deterministic: false
  checkpoint: {keep: 11}
data:
  train:
    inputs: {x: {file: x.csv, columns: [a], pad: 13, scale: 14, window: {size: 15, stride: 16, horizon: 17}}}
    outputs: {y: {files: "*.png", decode: image, size: [18, 19], channels: 3, one_hot: 20}}
  validation: {split: 0.5}
search:
  parameters:
    training.epochs: {int: {low: 21, high: 23, step: 22}}
    training.seed: {float: {low: 0.25, high: 25, log: false, step: 0.125}}
  trials: 26
  timeout: 27
"""


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        *((key, f"{key.partition(': ')[0]}: true") for key in (
            "batch_size: 2", "loss_weight: 1.5", "repeat: 1", "epochs: 5", "batch_size: 6", "seed: 7",
            "steps_per_epoch: 8", "validation_freq: 9", "steps_per_execution: 10", "keep: 11", "pad: 13", "scale: 14",
            "size: 15", "stride: 16", "horizon: 17", "channels: 3", "one_hot: 20", "split: 0.5", "low: 21", "high: 23",
            "step: 22", "low: 0.25", "step: 0.125", "trials: 26", "timeout: 27",
        )),
        *((key, f"{key.partition(': ')[0]}: 1") for key in (
            "sparse: false", "optional: false", "trainable: true", "jit_compile: false", "deterministic: false",
            "log: false",
        )),
        ("graphspec: 1", "graphspec: true"),
        ("shape: [4]", "shape: [true]"),
        ("seed: 7", "seed: false"),
        ("{0: 3.0}", "{0: true}"),
        ("{0: 3.0}", "{true: 3.0}"),
        ("size: [18, 19]", "size: [true, 19]"),
        ("models: {m:", "models: {z: {application: MobileNetV2, alpha: true}, m:"),
        ("models: {m:", "models: {z: {application: MobileNetV2, include_top: 1}, m:"),
        ("models: {m:", "models: {z: {application: MobileNetV2, trainable: 1}, m:"),
    ],
)  # fmt: skip
def test_keys_of_the_language_tell_the_two_apart(written: str, wrong: str, write: Write) -> None:
    """No key that takes a number takes `true`, and none that takes a truth value takes 1."""
    text = SPEC.strip("\n")
    assert text.count(written) == 1
    before = {each.message for each in graphspec.validate(write(text)).errors}
    after = [
        each for each in graphspec.validate(write(text.replace(written, wrong))).errors if each.message not in before
    ]
    assert {each.rule.code for each in after} <= {"GS103", "GS104", "GS213"}
    assert len(after) == 1


@pytest.mark.parametrize(("wrong", "expected"), [("alpha: true", "a number"), ("include_top: 1", "true or false")])
def test_arguments_of_an_application_say_what_they_take(wrong: str, expected: str, write: Write) -> None:
    """The finding says which of the two was expected."""
    path = write(SPEC.replace("models: {m:", f"models: {{z: {{application: MobileNetV2, {wrong}}}, m:").strip("\n"))
    (found,) = [each for each in graphspec.validate(path).errors if "MobileNetV2" in each.message]
    assert found.expected == expected


@pytest.mark.parametrize("value", ['"2"', '"no"', "[]"])
def test_sizes_by_any_name_are_numbers(write: Write, value: str) -> None:
    """`rearrange` takes sizes under names that its pattern chooses: text is no size, whatever it reads like."""
    path = write(f"""
        graphspec: 1
        inputs: {{image: {{shape: [28, 3], batch_size: 2}}}}
        outputs: {{y: {{from: image, apply: {{ops.rearrange: {{pattern: "b (h w) c -> b h w c", h: {value}}}}}}}}}
    """)
    with pytest.raises(SpecError, match=r"`h` of `ops\.rearrange` is"):
        graphspec.load(path)
