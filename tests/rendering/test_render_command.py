"""`graphspec render`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main

GOOD = """graphspec: 1
inputs: {x: [4]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small spec."""
    (tmp_path / "spec.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path / "spec.yaml"


def run(*arguments: str | Path, text: str | None = None) -> Result:
    """The command with these arguments, and `text` as its standard input."""
    return CliRunner().invoke(main, ["render", *map(str, arguments)], input=text)


def test_the_spec_is_printed(path: Path) -> None:
    """Standard output is the spec alone, and standard input is read for `-`."""
    done = run(path)
    assert done.exit_code == 0
    assert "          units: 1  # line 3\n" in done.stdout
    assert "          use_bias: true  # default of Keras\n" in done.stdout
    assert done.stderr == ""
    assert run("-", text=GOOD).stdout.splitlines()[1:3] == done.stdout.splitlines()[1:3]


def test_json_holds_spec_and_origins(path: Path) -> None:
    """Programs get the values, and the place of each by its path."""
    found = json.loads(run(path, "--json", "--set", "training.epochs=3").stdout)
    assert found["spec"]["outputs"]["y"]["apply"][0]["Dense"]["units"] == 1
    origin = found["origins"]["outputs.y.apply[0].Dense.units"]
    assert origin == {"kind": "spec", "text": "line 3", "place": f"{path}:3:39"}
    assert found["origins"]["training.epochs"]["kind"] == "set"


def test_findings_are_shown(path: Path) -> None:
    """Errors are shown in the place of a spec, warnings beside it."""
    path.write_text(GOOD.replace("Dense", "Dens"), encoding="utf-8")
    done = run(path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "GS201" in done.stderr
    path.write_text(GOOD.replace("inputs: {", "inputs: {unused: [2], "), encoding="utf-8")
    done = run(path)
    assert done.exit_code == 0
    assert "GS305" in done.stderr
    assert "unused:" in done.stdout


def test_nothing_is_replaced_unasked(path: Path) -> None:
    """A file that is there stays, unless `--force` is given."""
    other = path.with_name("full.yaml")
    assert run(path, "-o", other).exit_code == 0
    written = other.read_text(encoding="utf-8")
    assert written.startswith("# ")
    done = run(path, "-o", other)
    assert (done.exit_code, "GS904" in done.stderr) == (1, True), done.stderr
    other.write_text("mine", encoding="utf-8")
    assert run(path, "-o", other, "--force").exit_code == 0
    assert other.read_text(encoding="utf-8") == written


def test_a_file_of_declarations_is_no_model(tmp_path: Path) -> None:
    """A file that only declares parts for others is not rendered, and says so."""
    (tmp_path / "library.yaml").write_text("graphspec: 1\nlayers: {d: {Dense: 1}}\n", encoding="utf-8")
    done = run(tmp_path / "library.yaml")
    assert done.exit_code == 1
    assert "describes no model" in done.stderr
