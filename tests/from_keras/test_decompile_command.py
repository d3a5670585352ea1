"""`graphspec decompile`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import marshal
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from tests.from_keras.configs import SMALL, SMALL_SPEC, layer, sequential, write_archive, write_json

WORDS = [f"word{number}" for number in range(20)]


@pytest.fixture(autouse=True)
def within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["decompile", *arguments])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A model that Keras saved, with its weights."""
    import keras

    keras.backend.clear_session()
    layers = [keras.layers.Dense(2, activation="relu", name="hidden"), keras.layers.Dense(1, name="score")]
    model = keras.Sequential([keras.Input((4,), name="x"), *layers], name="small")
    model.save(tmp_path / "saved.keras")
    return tmp_path / "saved.keras"


def test_spec_goes_to_standard_output() -> None:
    """Without -o the spec is printed, whichever file the model is in, and nothing is written."""
    write_json(Path("config.json"), SMALL)
    write_archive(Path("model.keras"), SMALL)
    for name in ("config.json", "model.keras"):
        result = call(name)
        assert (result.exit_code, result.stdout, result.stderr) == (0, SMALL_SPEC, "")
    assert sorted(path.name for path in Path().iterdir()) == ["config.json", "model.keras"]


def test_spec_goes_to_a_file() -> None:
    """With -o the spec is written, in a folder that need not be there, and the lines are counted."""
    write_json(Path("config.json"), SMALL)
    result = call("config.json", "-o", "specs/small.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("specs/small.yaml").read_text(encoding="utf-8") == SMALL_SPEC
    lines = len(json.dumps(SMALL, indent=2).splitlines())
    assert result.stderr == f"Wrote specs/small.yaml: 10 lines, where the configuration of Keras has {lines}\n"


def test_spec_in_json() -> None:
    """A name that ends in `.json` gives the same spec in JSON."""
    write_json(Path("config.json"), SMALL)
    assert call("config.json", "-o", "spec.json").exit_code == 0
    assert call("config.json", "-o", "spec.yaml").exit_code == 0
    written = json.loads(Path("spec.json").read_text(encoding="utf-8"))
    assert list(written) == ["graphspec", "name", "inputs", "outputs"]
    assert graphspec.load("spec.json").tree == graphspec.load("spec.yaml").tree


def test_files_are_not_replaced() -> None:
    """A file that is there is named and kept, and nothing else is written; --force replaces it."""
    write_json(Path("config.json"), sequential(layer("StringLookup", "look", vocabulary=WORDS), dtype="string"))
    Path("spec.look.txt").write_text("mine\n", encoding="utf-8")
    result = call("config.json", "-o", "spec.yaml")
    assert result.exit_code == 1
    assert "GS904" in result.stderr
    assert "spec.look.txt is there already" in result.stderr
    assert "--force" in result.stderr
    assert not Path("spec.yaml").exists()
    assert Path("spec.look.txt").read_text(encoding="utf-8") == "mine\n"
    assert call("config.json", "-o", "spec.yaml", "--force").exit_code == 0
    assert Path("spec.look.txt").read_text(encoding="utf-8").split() == WORDS
    assert call("config.json", "-o", "spec.yaml").exit_code == 1


def test_weights_are_written_beside_the_spec(saved: Path) -> None:
    """With --weights the spec names a file of the model's weights, and builds the model with them."""
    import keras
    import numpy as np

    result = call("saved.keras", "-o", "out/spec.yaml", "--weights")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "Wrote out/spec.weights.h5"
    assert Path("out/spec.yaml").read_text(encoding="utf-8") == SMALL_SPEC + "weights: spec.weights.h5\n"
    for ours, theirs in zip(
        keras.models.load_model(saved).weights, graphspec.build("out/spec.yaml").weights, strict=True
    ):
        assert np.array_equal(ours, theirs)


def test_weights_need_a_place_and_a_model_that_has_them() -> None:
    """--weights without -o is wrong usage, and so it is where the file holds none."""
    write_json(Path("config.json"), SMALL)
    write_archive(Path("model.keras"), SMALL)
    assert call("config.json", "--weights").exit_code == 2
    for name in ("config.json", "model.keras"):
        result = call(name, "-o", "spec.yaml", "--weights")
        assert result.exit_code == 1
        assert f"{name} holds no weights" in result.stderr
    assert not Path("spec.yaml").exists()


GATE = {**layer("Gate", "gate", module="", rate=0.5), "registered_name": "my>Gate"}


def test_plugins_are_named(tmp_path: Path) -> None:
    """A custom layer is written by its registered name, with the module that --plugin or the file says."""
    Path("gates.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    write_json(Path("config.json"), sequential(GATE))
    write_json(Path("told.json"), sequential({**GATE, "module": "gates"}))
    by_option, by_file, by_package = call("config.json", "--plugin", "gates"), call("told.json"), call("config.json")
    for result, module in ((by_option, "gates"), (by_file, "gates"), (by_package, "my")):
        assert result.exit_code == 0
        assert f"plugins: [{module}]\n" in result.stdout
        assert "my>Gate: {rate: 0.5}" in result.stdout
    assert (by_option.stderr, by_file.stderr) == ("", "")
    assert "warning[GS705]" in by_package.stderr
    assert "--plugin" in by_package.stderr


def test_package_under_its_own_name_is_one_plugin() -> None:
    """A package that registers its layers under its name is named once, whichever of its modules defines them."""
    gates = [
        {**layer("Gate", f"gate_{name}", module=f"shop.layers.{name}", rate=0.5), "registered_name": "shop>Gate"}
        for name in ("one", "two")
    ]
    write_json(Path("config.json"), sequential(*gates))
    assert "plugins: [shop]\n" in call("config.json").stdout


def test_warnings_do_not_mix_with_the_spec() -> None:
    """Warnings go to standard error, and the command succeeds."""
    renamed = json.loads(json.dumps(SMALL).replace('"score"', '"score.1"'))
    write_json(Path("config.json"), renamed)
    result = call("config.json")
    assert result.exit_code == 0
    assert "warning[GS703]" in result.stderr
    assert "the output `score.1` is called `score_1" in result.stderr
    assert result.stdout.startswith("graphspec: 1\n")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"class_name": "')
        file.truncate(65 * 2**20)


def _truncated(path: Path) -> None:
    data = write_archive(path, SMALL).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _without_config(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")


BAD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: None, "GS001"),
    "empty": (lambda path: path.write_bytes(b""), "GS701"),
    "a folder": (lambda path: path.mkdir(), "GS001"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 9), "GS701"),
    "an archive without a model": (_without_config, "GS701"),
    "a truncated archive": (_truncated, "GS701"),
    "an archive of no JSON": (lambda path: write_archive(path, None).write_bytes(b"PK\x03\x04"), "GS701"),
    "a list": (lambda path: write_json(path, [SMALL]), "GS701"),
    "a spec": (lambda path: path.write_text(SMALL_SPEC, encoding="utf-8"), "GS701"),
    "a number": (lambda path: write_json(path, 5), "GS701"),
    "no class": (lambda path: write_json(path, {"config": {"name": "small"}}), "GS"),
    "layers that are a number": (lambda path: write_json(path, {**SMALL, "config": {"layers": 7}}), "GS"),
    "a class that is a number": (lambda path: write_json(path, sequential({"class_name": 5, "config": {}})), "GS"),
    "a configuration that is a list": (lambda path: write_json(path, sequential({**GATE, "config": []})), "GS"),
    "units that are text": (lambda path: write_json(path, sequential(layer("Dense", "y", units="many"))), "GS213"),
    "an unknown argument": (
        lambda path: write_json(path, sequential(layer("Dense", "y", units=1, wide=True))),
        "GS702",
    ),
    "an unknown layer": (lambda path: write_json(path, sequential(layer("Dnse", "y", units=1))), "GS211"),
    "no layers": (lambda path: write_json(path, {**SMALL, "config": {"name": "a", "layers": []}}), "GS"),
    "a huge file": (_huge, "GS701"),
    "100,000 levels": (lambda path: path.write_text("[" * 100_000, encoding="utf-8"), "GS701"),
    "5,000 levels": (
        lambda path: path.write_text('{"class_name": "Sequential", "config": ' + '{"a":' * 5_000 + "1" + "}" * 5_001),
        "GS7",  # Python 3.13 reads as deep, and what is in it is no configuration
    ),
}


@pytest.mark.parametrize(("write", "code"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file_is_a_finding(write: Callable[[Path], Any], code: str) -> None:
    """A file that holds no model, or none that a spec can hold, is named in a finding; nothing is written."""
    write(Path("model"))
    result = call("model", "-o", "spec.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"error[{code}" in result.stderr
    assert "model" in result.stderr
    assert "Traceback" not in result.stderr
    assert max(map(len, result.stderr.splitlines())) < 400
    assert not Path("spec.yaml").exists()


CANARY = "open('executed', 'w').close()"
CODE = {"class_name": "__lambda__", "config": {"code": b64encode(marshal.dumps(compile(CANARY, "a", "exec"))).decode()}}

CODE_CARRYING: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "a Lambda": (
        sequential(layer("Lambda", "cut", function=CODE), layer("Dense", "score", units=1)),
        *("GS205", "layer `cut` is a `Lambda`", "use operations"),
    ),
    "a Lambda in a wrapper": (
        sequential(layer("TimeDistributed", "steps", layer=layer("Lambda", "cut", function=CODE))),
        *("GS205", "layer `steps` is a `Lambda`", "use operations"),
    ),
    "a function of a layer": (
        sequential(layer("Dense", "score", units=1, activation=CODE)),
        *("GS205", "layer `score` is a `lambda`", "in a plugin"),
    ),
    "a subclassed model": (
        {"class_name": "Net", "module": "canary", "registered_name": "Net", "config": {"name": "net"}},
        *("GS205", "the model is a `Net`, whose code decides", "keras.Model(inputs, model(inputs))"),
    ),
    "an unregistered layer": (
        sequential({**layer("Gate", "gate", module="canary", rate=0.5), "registered_name": "Gate"}),
        *("GS211", "layer `gate` is a `Gate` of the module `canary`", "register_keras_serializable"),
    ),
}


@pytest.mark.parametrize(("model", "code", "said", "help"), CODE_CARRYING.values(), ids=CODE_CARRYING)
def test_code_is_refused_by_the_name_of_its_layer(
    model: dict[str, Any], code: str, said: str, help: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What code carries is a finding that names the layer and says what to do; nothing is executed or imported."""
    Path("canary.py").write_text(CANARY, encoding="utf-8")
    monkeypatch.syspath_prepend(Path().resolve())
    write_archive(Path("model.keras"), model)
    write_json(Path("config.json"), model)
    for name in ("model.keras", "config.json"):
        result = call(name, "-o", "spec.yaml")
        assert result.exit_code == 1
        assert f"error[{code}]" in result.stderr
        assert said in result.stderr
        assert help in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["canary.py", "config.json", "model.keras"]


def test_layer_is_found_in_the_file() -> None:
    """A finding of a readable file shows the line of the layer."""
    model = sequential(layer("Dense", "hidden", units=2), layer("Lambda", "cut", function=CODE))
    text = json.dumps(model, indent=1)
    Path("config.json").write_text(text, encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if '"name": "cut"' in each)
    assert f"config.json:{line}:" in call("config.json").stderr


def test_text_from_a_model_is_escaped() -> None:
    """A name that would move the cursor of a terminal is shown with its characters visible."""
    write_json(Path("config.json"), sequential(layer("Lambda", "\x1b[31mcut", function=CODE)))
    result = call("config.json")
    assert "\x1b" not in result.stderr
    assert "\\x1b[31mcut" in result.stderr


def test_vocabulary_stays_beside_the_spec() -> None:
    """A name of a layer that is a path leads to no file elsewhere."""
    write_json(Path("config.json"), sequential(layer("StringLookup", "../../out", vocabulary=WORDS), dtype="string"))
    call("config.json", "-o", "a/b/spec.yaml")
    assert not list(Path().rglob("*out*"))


def test_all_findings_come_at_once() -> None:
    """Each layer that no spec can hold is a finding of its own."""
    write_json(
        Path("config.json"), sequential(*(layer("Lambda", f"cut{number}", function=CODE) for number in range(3)))
    )
    result = call("config.json")
    assert result.exit_code == 1
    assert [f"layer `cut{number}`" in result.stderr for number in range(3)] == [True, True, True]
    assert "Found 3 errors" in result.stderr


def test_help_shows_examples() -> None:
    """The help says which files are taken, and shows commands."""
    result = call("--help")
    assert result.exit_code == 0
    assert "graphspec decompile model.keras" in result.stdout
    assert call().exit_code == 2
