"""What graphspec says of an argument's value against Keras: a known use, one argument of it replaced at random.

Where graphspec says that a value is wrong, Keras must refuse it; what the constructor of Keras refuses, graphspec must
say. `EXCEPTIONS` lists where the two part, each with its reason.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.arguments import CALLBACK_PATHS, argument_kind
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.catalog.values import accepted, takes
from graphspec.diagnostics import Report, SourceText, Span
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import Located
from graphspec.language.lower.objects import read_object

from ..catalog.test_catalog import same_keras
from ..scripts import SCRIPTS, load_script
from ..trials import MODULES, Outcome, contexts, is_loaded_again, trial

narrowed = load_script(SCRIPTS / "documented_types.py").narrowed

UNTRIED = {
    "OrbaxCheckpoint": "it needs the package orbax-checkpoint",
    "Equalization": "Keras traces it to its own input",
}
CLASSES: list[tuple[Kind, str]] = [
    (kind, name)
    for kind in MODULES
    for name in catalog.names(kind)
    if name not in {*CODE_CARRYING, *NOT_APPLIED, *UNTRIED}
]


@dataclass(frozen=True)
class Try:
    """One argument of a class, and a value for it."""

    kind: Kind
    name: str
    argument: str
    value: Any

    @property
    def default(self) -> Any:
        entry = catalog.find(self.kind, self.name)
        assert entry is not None
        return entry.arguments[self.argument]

    @property
    def surroundings(self) -> dict[str, Any]:
        entry = catalog.find(self.kind, self.name)
        assert entry is not None
        return contexts(self.kind, self.name, entry.required)[0]

    @property
    def arguments(self) -> dict[str, Any]:
        return {**self.surroundings, self.argument: self.value}

    def is_taken_by_graphspec(self) -> bool:
        """Whether a spec with the value in the place of the argument has no finding."""
        text = json.dumps({self.name: self.arguments})
        report, source = Report(), SourceText("spec", text)
        tree = read_yaml(source, report)
        read_object(self.kind, Located(tree, Span(source, 1, 1, 1, len(text) + 1)), report)
        return not report.found

    def outcome(self) -> Outcome:
        """How far Keras goes with it."""
        return trial(self.kind, self.name, self.arguments)


def _holds_truth(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, list) and any(map(_holds_truth, value)))


def _is_undocumented(each: Try) -> bool:
    said = narrowed(None, catalog.argument_docs(each.kind, each.name).get(each.argument, ""), each.default)
    return said is not None and not takes(said, each.value)


Reason = Callable[[Try], bool]

EXCEPTIONS: dict[str, Reason] = {
    "Keras takes anything for a truth value; a text such as `no` would be true": lambda each: (
        isinstance(each.default, bool) and not isinstance(each.value, bool)
    ),
    "true is a number to Python, and 1 where Keras computes with it": lambda each: _holds_truth(each.value),
    "some classes make a number of a text; in others the same text fails later": lambda each: (
        isinstance(each.value, str) and isinstance(resolve(each.value.strip() or "x"), int | float)
    ),
    "what is false, empty or zero is nothing to Keras where it asks `if value:`": lambda each: (
        not each.value and each.value is not None
    ),
    "its documentation rules it out, and Keras makes something else of it, or looks at it later": _is_undocumented,
    "Keras takes it and cannot load what it saves of it": lambda each: (
        each.kind == "layers" and not is_loaded_again("layers", each.name, each.arguments)
    ),
}
"""Why graphspec refuses a value that Keras takes."""

OTHERWISE: dict[str, dict[str, str]] = {
    "RandomColorJitter": {"value_range": "it is looked at where another argument needs it"},
    "AdditiveAttention": {"seed": "it is looked at where there is a dropout"},
    "TextVectorization": {
        "max_tokens": "room for the words",
        "idf_weights": "one for each word",
        "sparse": "not with every output mode",
    },
    "StringLookup": {"idf_weights": "one for each word", "vocabulary": "it must not hold the mask"},
    "IntegerLookup": {
        "idf_weights": "one for each word",
        "vocabulary": "its entries must be unlike",
        "sparse": "not with every output mode",
    },
    "Discretization": {"num_bins": "not with boundaries"},
    "AUC": {"num_labels": "with several labels alone"},
    "Normalization": {"mean": "as many as there are variances", "variance": "as many as there are means"},
    "MelSpectrogram": {"fft_length": "at least the length of a sequence"},
    "STFTSpectrogram": {"fft_length": "at least the length of a frame"},
    "CategoryEncoding": {"num_tokens": "it may be left out with one output mode"},
    "PiecewiseConstantDecay": {"boundaries": "one less than values", "values": "one more than boundaries"},
    "BinaryIoU": {"target_class_ids": "there are two classes"},
    "IoU": {"target_class_ids": "each is one of the classes, whose number is given"},
    "OneHotIoU": {"target_class_ids": "each is one of the classes, whose number is given"},
    "TensorBoard": {"profile_batch": "a text holds one or two numbers"},
    "Reshape": {"target_shape": "the sizes must make up what comes in"},
}
"""Why graphspec takes a value that the constructor of Keras refuses: mostly, it does not fit another argument."""


def values(source: random.Random, default: Any) -> Any:
    """A value as a spec may hold it: of any sort, often near to what is usual."""
    scalars: list[Callable[[], Any]] = [
        lambda: None,
        lambda: source.random() < 0.5,
        lambda: source.randint(-3, 12),
        lambda: source.choice([-1000, 100, 1000]),
        lambda: round(source.uniform(-1.5, 2.5), 2),
        lambda: float(source.randint(-2, 4)),
        lambda: source.choice(["same", "valid", "relu", "float32", "sum", "mean", "auto", "channels_last", "int"]),
        lambda: "".join(source.choices("abcxyz_5. ", k=source.randint(0, 5))),
    ]
    sort = source.random()
    if sort < 0.6:
        return source.choice(scalars)()
    if sort < 0.9:
        scalar = source.choice(scalars)
        return [scalar() for _ in range(source.randint(0, 4))]
    if sort < 0.94:
        return [source.choice(scalars)() for _ in range(source.randint(1, 3))]
    if sort < 0.97:
        return [[source.randint(0, 3) for _ in range(source.randint(1, 3))] for _ in range(source.randint(1, 3))]
    return {source.choice(["a", "0", "1"]): source.choice(scalars)()}


def tries(seed: int, count: int) -> Iterator[Try]:
    """So many random values of random arguments."""
    source = random.Random(seed)
    while count:
        kind, name = source.choice(CLASSES)
        entry = catalog.find(kind, name)
        assert entry is not None
        plain = [each for each in entry.arguments if argument_kind(each) != "layers" and each not in CALLBACK_PATHS]
        if not plain:
            continue
        argument = source.choice(plain)
        value = values(source, entry.arguments[argument])
        if argument_kind(argument) is None or not isinstance(value, str | dict):
            count -= 1
            yield Try(kind, name, argument, value)


def disagreements(seed: int, count: int) -> Iterator[tuple[Try, Outcome]]:
    """The values of which graphspec and Keras say different things, without the known exceptions."""
    for each in tries(seed, count):
        is_taken, outcome = each.is_taken_by_graphspec(), each.outcome()
        false_alarm = not is_taken and outcome is Outcome.TAKEN
        missed = is_taken and outcome is Outcome.REFUSED
        if false_alarm and not any(reason(each) for reason in EXCEPTIONS.values()):
            yield each, outcome
        if missed and each.argument not in OTHERWISE.get(each.name, {}):
            yield each, outcome


@same_keras
@pytest.mark.parametrize("seed", range(4))
def test_values_are_wrong_where_keras_refuses_them(seed: int) -> None:
    """Of random values of random arguments, graphspec and Keras say the same."""
    assert list(disagreements(seed, 400)) == []


@same_keras
@pytest.mark.slow
def test_what_is_known_of_values_is_not_stale() -> None:
    """Measured again, the installed Keras takes what the file says; `make values` measures all, which takes minutes."""
    script = Path(__file__).parents[2] / "scripts" / "make_values.py"
    some = ["Dense", "EarlyStopping", "Huber"]
    done = subprocess.run([sys.executable, script, "--check", *some], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "default", "taken", "refused"),
    [
        ("Integer, the axis to normalize.", -1, [-1, 2.0], [1.5, "1", None, [1], True]),
        ("Integer, or list of Integers, axis.", -1, [1, [1, 2]], [1.5, ["1"], [1.0], None]),
        ("Number of epochs with no improvement.", 0, [3], [1.5, "3", [3]]),
        ("Int or None, defaults to None.", None, [2, None], [0.5, "2"]),
        ("Target shape. Tuple of integers.", catalog.REQUIRED, [[3, -1]], [[3, "1"], [3, 1.0], "31", {"3": 1}]),
        ("Float, the scale.", catalog.REQUIRED, [2, 0.5, [0.5, 1]], ["2", [1, "2"], None, {"a": 1}]),
        ("Tuple of 2 floats.", [0, 255], [[0, 1.5]], [[0], [0, "1"], 255, "ab"]),
        ("String, the window.", "hann", ["hamming"], [1, None, ["hann"]]),
        ("A float, or a tensor.", None, [0.5, None], ["0.5"]),
    ],
)
def test_documentation_types_what_no_trial_does(text: str, default: Any, taken: list[Any], refused: list[Any]) -> None:
    """The first words on an argument say what sort of value it is, where Keras takes any."""
    said = narrowed(None, text, default)
    assert said is not None
    assert [value for value in taken if not takes(said, value)] == []
    assert [value for value in refused if takes(said, value)] == []


@pytest.mark.parametrize("text", ["", "Whether to do it.", "A callable.", "See the paper.", "Either a tensor or None."])
def test_documentation_that_says_no_type_types_nothing(text: str) -> None:
    """What nothing is known of takes whatever is written."""
    assert narrowed(None, text, None) is None
    assert narrowed({"number": {"min": 0}}, text, None) == {"number": {"min": 0}}


MISTYPED: list[tuple[str, str, str]] = [
    ("[6]", '{Reshape: [3, "2"]}', "text"),
    ("[6]", "{Reshape: [3, 2.0]}", "2.0"),
    ("[6]", "{Reshape: [[3], 2]}", "list"),
    ("[6]", '{Discretization: {bin_boundaries: ["1", 2]}}', "text"),
    ("[6]", '{Discretization: {bin_boundaries: ["1", "2"]}}', "text"),
    ("[6]", '{Rescaling: {scale: [1, 2, 3, 4, 5, "6"]}}', "text"),
    ("[6]", "{ELU: {alpha: abc}}", "text"),
    ("[6]", "{BatchNormalization: {axis: 0.5}}", "0.5"),
    ("[6]", "{Masking: {mask_value: zero}}", "text"),
    ("[8, 8, 3]", "{MaxPooling2D: {pool_size: [1.5, 2]}}", "1.5"),
    ("[8, 8, 3]", "{Conv2D: {filters: 1, kernel_size: 1, strides: [1.0, 1]}}", "1.0"),
    ("[6]", '{ops.reshape: {newshape: [-1, "6"]}}', "text"),
    ("[6]", "{ops.elu: {alpha: abc}}", "text"),
    ("[6]", '{ops.moveaxis: {source: [1, "2"], destination: [2, 1]}}', "text"),
]


@pytest.mark.parametrize(("shape", "layer", "said"), MISTYPED)
def test_values_and_items_of_another_type_are_found(shape: str, layer: str, said: str, tmp_path: Path) -> None:
    """A value of another type is found in a list as well as alone, whatever Keras makes of it, once each."""
    path = tmp_path / "spec.yaml"
    path.write_text(f"graphspec: 1\ninputs: {{x: {shape}}}\noutputs: {{y: {{from: x, apply: {layer}}}}}\n")
    found = graphspec.validate(path).found
    assert [each.rule.code in ("GS213", "GS103") for each in found] == [True]
    assert said in found[0].message


def test_half_an_epoch_is_none(tmp_path: Path) -> None:
    """What counts epochs takes whole numbers, though Keras compares with any."""
    text = (
        "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}\n"
        "training: {optimizer: adam, epochs: 4, callbacks: [{CALLBACK: {monitor: loss, ARGUMENT}}]}\n"
    )
    path = tmp_path / "spec.yaml"
    for callback, argument, is_wrong in (
        ("EarlyStopping", "patience: 1.5", True),
        ("EarlyStopping", "patience: 2", False),
        ("EarlyStopping", "min_delta: 0.5", False),
        ("EarlyStopping", "start_from_epoch: 0.5", True),
        ("ReduceLROnPlateau", "cooldown: 2.5", True),
        ("ReduceLROnPlateau", 'min_lr: "low"', True),
    ):
        path.write_text(text.replace("CALLBACK", callback).replace("ARGUMENT", argument))
        codes = [each.rule.code for each in graphspec.validate(path).found]
        assert codes == (["GS213"] if is_wrong else []), argument


def test_defaults_are_taken() -> None:
    """What Keras itself puts in the place of an argument is no wrong value of it."""
    judged = 0
    for kind, name in CLASSES:
        entry = catalog.find(kind, name)
        assert entry is not None
        for argument, default in entry.arguments.items():
            described = accepted(kind, name, argument)
            is_object = argument_kind(argument) is not None
            if described is not None and default not in (catalog.REQUIRED, None) and not is_object:
                judged += 1
                assert takes(described, default), (name, argument)
    assert judged > 700


@pytest.mark.parametrize(
    ("described", "taken", "refused"),
    [
        ({"int": {"min": 1}}, [1, 7], [0, -1, 1.0, True, "1", None, [1], {}]),
        ({"int": {}, "whole_float": True}, [-3, 2.0], [2.5, "2"]),
        ({"number": {"above": 0, "max": 1}, "bool": [True]}, [0.1, 1, True], [0, 1.1, False]),
        ({"number": {"min": 0, "below": 1}, "null": True}, [0, 0.99, None], [1, 1.0, float("nan")]),
        ({"float": {}}, [0.1, 1.0], [1, True]),
        ({"truth": True}, [True, False], [0, 1, 2, "true", "no", None, [], 1.0]),
        ({"words": ["same", "valid"]}, ["same"], ["Same", "", "smae", 1]),
        ({"words": ["same", "valid"], "any_case": True}, ["SAME", "Valid"], ["smae"]),
        ({"words": ["float32"], "containing": "_from_"}, ["float32", "int8_from_float32"], ["float12"]),
        ({"text": True}, ["", "anything"], [1, None]),
        ({"list": {"lengths": [2], "items": {"int": {"min": 1}}}}, [[1, 2]], [[], [1], [1, 0], [1, 2, 3], 1]),
        ({"list": {"at_least": 1}}, [["a"], [1, None]], [[]]),
        ({"list": {"items": {"list": {"lengths": [2]}}}}, [[], [[1, 2]]], [[1], [[1]]]),
        ({"mapping": True}, [{}, {"a": 1}], [[], "a"]),
        ({}, [], [None, True, 0, 0.5, "", [], {}]),
    ],
)
def test_descriptions_mean_what_they_say(described: dict[str, Any], taken: list[Any], refused: list[Any]) -> None:
    """Each sort of value, and each limit, of a description."""
    assert [value for value in taken if not takes(described, value)] == []
    assert [value for value in refused if takes(described, value)] == []
