"""The JSON Schema of the language: fresh, sound, never stricter than validation, and strict where it can be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from graphspec import catalog
from graphspec.catalog import REQUIRED
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.cli import main
from graphspec.diagnostics import Report, SpecError
from graphspec.editor.json_schema import as_text, language_schema, schema_text
from graphspec.editor.json_schema.texts import TEXTS
from graphspec.language.document import read
from graphspec.language.document.tree import plain
from graphspec.language.schema import model, search, training
from graphspec.language.schema.part import Part
from graphspec.spec import inspect

from ..known_uses import CASES

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "specs").rglob("*.yaml"))
FIXTURES = sorted((ROOT / "tests" / "rules").rglob("*.yaml"))
SCHEMA = json.loads(schema_text())
VALIDATOR = Draft7Validator(SCHEMA)


def refusal(tree: Any) -> tuple[list[Any], str] | None:
    """Where the schema refuses `tree` and why; None where it does not."""
    error = best_match(VALIDATOR.iter_errors(json.loads(json.dumps(tree))))
    return (list(error.absolute_path), error.message) if error is not None else None


def test_the_shipped_schema_is_fresh() -> None:
    """What the package ships is what the models and the catalogue give: else run scripts/make_schema.py."""
    assert as_text(language_schema()) == schema_text()


def test_it_is_a_schema_of_draft_7_and_of_reasonable_size() -> None:
    """Validators take it, every reference leads somewhere, and editors load it at once."""
    Draft7Validator.check_schema(SCHEMA)
    references = {each["$ref"] for each in _mappings(SCHEMA) if "$ref" in each}
    assert references <= {f"#/definitions/{name}" for name in SCHEMA["definitions"]}
    assert len(schema_text()) < 1_500_000


def _mappings(value: Any) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(each)


def test_every_key_has_a_text() -> None:
    """Editors show a line on every key of the language, and no text is left of a key that is gone."""
    declared = vars(model) | vars(search) | vars(training)
    parts = {part.__name__: part for part in declared.values() if isinstance(part, type) and issubclass(part, Part)}
    for name, texts in TEXTS.items():
        keys = {field.alias or key for key, field in parts[name].model_fields.items()}
        assert set(texts) - {"each", "when", "otherwise"} == keys, name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_specs_pass_and_name_the_schema(path: Path) -> None:
    """A shipped spec passes, and its first line leads editors to the schema of the checkout."""
    assert refusal(plain(read(path, Report()))) is None
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    mark, _, named = first.partition("$schema=")
    assert mark == "# yaml-language-server: "
    assert (path.parent / named).read_text(encoding="utf-8") == schema_text()


def test_examples_of_the_language_pass(tmp_path: Path) -> None:
    """Every whole spec on the page of the language passes."""
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    found = re.findall(r"^```yaml\n(graphspec: 1\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(found) >= 3
    for text in found:
        path = tmp_path / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        assert refusal(plain(read(path, Report()))) is None


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nothing_that_validates_is_refused(path: Path) -> None:
    """A fixture of a rule in which validation finds no error passes the schema."""
    try:
        tree = plain(read(path, Report()))
    except SpecError:
        return
    if not inspect(path)[1].errors:
        assert refusal(tree) is None


def layer_spec(step: Any) -> dict[str, Any]:
    """A spec whose node applies `step`."""
    return {"graphspec": 1, "inputs": {"x": [8]}, "graph": {"n": {"from": "x", "apply": step}}, "outputs": {"y": "n"}}


@pytest.mark.parametrize("name", sorted(CASES))
def test_known_uses_of_layers_pass(name: str) -> None:
    """A use of a layer that Keras builds passes, as a step alone and in a list."""
    step = {name: plain(CASES[name].written)}
    assert refusal(layer_spec(step)) is None
    assert refusal(layer_spec([step])) is None


VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        -1,
        0.5,
        2,
        "a",
        "no",
        "1",
        "relu",
        "zeros",
        "${n}",
        [],
        [1, 2],
        ["a"],
        {},
        {"L2": 0.1},
        {"a": 1},
    ]
)


@st.composite
def objects(draw: st.DrawFn) -> tuple[str, Any]:
    """A class of some kind with some of its arguments, by keyword or the first alone."""
    kind: catalog.Kind = draw(
        st.sampled_from(["layers", "losses", "metrics", "optimizers", "callbacks", "initializers", "regularizers"])
    )
    names = [name for name in catalog.names(kind) if name not in {**CODE_CARRYING, **NOT_APPLIED}]
    entry = catalog.find(kind, draw(st.sampled_from(names)))
    assert entry is not None
    if draw(st.integers(0, 3)) == 0:
        return kind, draw(st.sampled_from([entry.name, {entry.name: draw(VALUES)}]))
    chosen = draw(st.lists(st.sampled_from(list(entry.arguments)), unique=True, max_size=4)) if entry.arguments else []
    written = {}
    for argument in dict.fromkeys([*entry.required, *chosen]):
        default = entry.arguments[argument]
        usual = [default] if default is not REQUIRED else [3]
        written[argument] = draw(VALUES if argument_kind(argument) is None else st.sampled_from(usual)) or usual[0]
    return kind, {entry.name: written}


@given(objects())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_uses_that_validate_are_never_refused(tmp_path_factory: pytest.TempPathFactory, drawn: tuple[str, Any]) -> None:
    """Whatever a spec gives an object of Keras: where validation has no word against it, the schema has none."""
    kind, written = drawn
    spec = layer_spec({"Dense": {"units": 2}})
    spec["vars"] = {"n": 3}
    spec["outputs"] = {"y": {"from": "n", "apply": {"Dense": 1}, "loss": "mse"}}
    spec["training"] = {"optimizer": "adam"}
    if kind == "layers":
        spec["graph"]["n"]["apply"] = written
    elif kind in ("losses", "metrics"):
        spec["outputs"]["y"]["loss" if kind == "losses" else "metrics"] = written
    elif kind == "callbacks":
        spec["training"]["callbacks"] = [written]
    elif kind == "optimizers":
        spec["training"]["optimizer"] = written
    else:
        spec["graph"]["n"]["apply"]["Dense"]["kernel_" + kind.removesuffix("s")] = written
    path = tmp_path_factory.getbasetemp() / "use.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    if not inspect(path)[1].errors:
        assert refusal(spec) is None


GOOD: dict[str, Any] = {
    "graphspec": 1,
    "inputs": {"x": {"shape": [8], "dtype": "float32"}},
    "graph": {"n": {"from": ["x", "x"], "merge": "concat", "apply": [{"Dense": {"units": 3}, "repeat": 2}]}},
    "outputs": {"y": {"from": "n", "loss": "mse", "metrics": ["mae"]}},
    "training": {"optimizer": "adam", "epochs": 2, "callbacks": [{"EarlyStopping": {"patience": 2}}]},
    "data": {"train": {"inputs": {"x": "x.npy"}, "outputs": {"y": {"file": "t.csv", "column": "y"}}}},
}
WRONG: list[tuple[list[Any], Any, list[Any]]] = [
    (["graphspec"], 2, ["graphspec"]),
    (["grph"], {}, []),
    (["inputs"], {}, ["inputs"]),
    (["inputs", "x", "shape"], 8, ["inputs", "x"]),
    (["inputs", "x", "dtype"], "int", ["inputs", "x", "dtype"]),
    (["inputs", "x y"], [8], ["inputs"]),
    (["graph", "n", "input"], "x", ["graph", "n"]),
    (["graph", "n", "from"], "x y", ["graph", "n", "from"]),
    (["graph", "n", "merge"], "conct", ["graph", "n", "merge"]),
    (["graph", "n", "merge"], {"concat": {"axes": 1}}, ["graph", "n", "merge", "concat"]),
    (["graph", "n", "apply", 0], {"Dense": {"unit": 3}}, ["graph", "n", "apply", 0, "Dense"]),
    (["graph", "n", "apply", 0], {"Dense": {"units": "3"}}, ["graph", "n", "apply", 0, "Dense", "units"]),
    (
        ["graph", "n", "apply", 0],
        {"Dense": {"units": 3, "use_bias": "no"}},
        ["graph", "n", "apply", 0, "Dense", "use_bias"],
    ),
    (["graph", "n", "apply", 0], "Dense", ["graph", "n", "apply", 0]),
    (["graph", "n", "apply", 0], {"Conv2D": 3}, ["graph", "n", "apply", 0, "Conv2D"]),
    (["graph", "n", "apply", 0], {"Lambda": None}, ["graph", "n", "apply", 0, "Lambda"]),
    (["graph", "n", "apply", 0], {"ops.sqare": None}, ["graph", "n", "apply", 0]),
    (["graph", "n", "apply", 0, "repeat"], 0, ["graph", "n", "apply", 0, "repeat"]),
    (
        ["graph", "n", "apply", 0],
        {"Dense": {"units": 3, "kernel_regularizer": {"L2": {"l3": 1}}}},
        ["graph", "n", "apply", 0, "Dense", "kernel_regularizer", "L2"],
    ),
    (
        ["graph", "n", "apply", 0],
        {"TimeDistributed": {"layer": {"Dense": {"unit": 1}}}},
        ["graph", "n", "apply", 0, "TimeDistributed", "layer", "Dense"],
    ),
    (["outputs", "y", "loss"], "msee", ["outputs", "y", "loss"]),
    (["outputs", "y", "metrics", 0], "acuracy", ["outputs", "y", "metrics", 0]),
    (["outputs", "y", "loss_weight"], -1, ["outputs", "y", "loss_weight"]),
    (["training", "optimizer"], {"Adam": {"lr": 1}}, ["training", "optimizer", "Adam"]),
    (["training", "epochs"], 0, ["training", "epochs"]),
    (["training", "epochs"], "2", ["training", "epochs"]),
    (["training", "nb_epoch"], 2, ["training"]),
    (["training", "callbacks", 0], {"EarlyStopping": {"patence": 2}}, ["training", "callbacks", 0, "EarlyStopping"]),
    (["data", "train", "inputs", "x"], {"file": "t.csv", "colum": "x"}, ["data", "train", "inputs", "x"]),
    (["data", "validation"], {"split": 2}, ["data", "validation", "split"]),
]


@pytest.mark.parametrize(("path", "value", "place"), WRONG, ids=lambda each: str(each)[:60])
def test_what_is_wrong_is_refused_where_it_stands(path: list[Any], value: Any, place: list[Any]) -> None:
    """A mistake is refused, and a complaint stands at its place."""
    spec = json.loads(json.dumps(GOOD))
    assert refusal(spec) is None
    within = spec
    for step in path[:-1]:
        within = within[step]
    within[path[-1]] = value
    errors = [error for top in VALIDATOR.iter_errors(spec) for error in _leaves(top)]
    assert errors
    assert place in [list(error.absolute_path) for error in errors]


def _leaves(error: Any) -> list[Any]:
    """The complaints that an error of alternatives is made of."""
    return [leaf for each in error.context for leaf in _leaves(each)] if error.context else [error]


def test_a_file_that_only_declares_needs_no_inputs() -> None:
    """A library has no inputs and outputs; a spec that describes a model has both."""
    assert refusal({"graphspec": 1, "layers": {"a": {"Dense": 2}}}) is None
    assert refusal({"graphspec": 1, "inputs": {"x": [1]}}) is not None
    assert refusal({"graphspec": 1}) is not None


@pytest.mark.parametrize(
    "step",
    [
        "encoder",
        {"encoder": None, "repeat": 3},
        {"residual": {"filters": 3, "anything": [1]}},
        {"residual": 64, "when": "${n > 1}"},
        {"my>Layer": {"a": 1}},
        {"MultiHeadAttention": {"num_heads": 2, "key_dim": "${width // 2}"}, "call": {"use_causal_mask": True}},
        {"LSTM": "${units}", "call": {"initial_state": ["e[1]", "e[2]"]}},
        {"ops.transpose": {"axes": [0, 2, 1]}},
        {"ops.nn.relu": None},
        {"Bidirectional": {"layer": {"LSTM": {"units": 3, "kernel_initializer": {"file": "a.npy"}}}}},
        {"TimeDistributed": "vision"},
    ],
    ids=str,
)
def test_what_a_schema_cannot_know_is_taken(step: Any) -> None:
    """Declared layers, models and blocks, custom objects and expressions pass, whatever they are given."""
    assert refusal(layer_spec(step)) is None


def test_the_command_prints_and_writes_it(tmp_path: Path) -> None:
    """`graphspec schema` prints the schema, and `-o` writes it to a file."""
    assert CliRunner().invoke(main, ["schema"]).stdout == schema_text()
    path = tmp_path / "new" / "graphspec.schema.json"
    done = CliRunner().invoke(main, ["schema", "-o", str(path)])
    assert done.exit_code == 0
    assert path.read_text(encoding="utf-8") == schema_text()


def test_schema_of_another_keras() -> None:
    """It has the arguments of that version."""
    runner = CliRunner()
    older = json.loads(runner.invoke(main, ["schema", "--keras", "3.9"]).stdout)
    assert "as of Keras 3.9." in older["description"]
    assert '"lora_alpha"' not in json.dumps(older)
    assert '"lora_alpha"' in schema_text()
    assert '"rms_scaling"' in json.dumps(older)
