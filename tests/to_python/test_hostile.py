"""Texts of a spec are data in its module, whatever they hold: they change literals and comments, never the code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphspec.spec import Spec, inspect
from graphspec.to_python import python_source
from graphspec.to_python.source import quoted

PIECES = (
    *('"', "'", '"""', "'''", "\\", "\\\\", "\n", "\r", "\t", "{", "}", "{{", "}}", "${", "$${", "{name}", "#", "%s"),
    *("\u2028", "\u202e", "\x85", "\x0c", "\u00e9", "\U0001f600", "é", "`", ";", ")", "]", "import os"),
    *('"""\nimport os\n', "\\N{DIGIT ONE}", '" + __import__("os").getcwd() + "', "{__import__('os')}", "\\", " # x"),
)
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=6).map("".join)


def document(text: str, name: str) -> dict[str, Any]:
    """A spec with the text wherever a spec may hold any, and as a name of a layer."""
    return {
        "graphspec": 1,
        "description": text,
        "plugins": ["my_plugin"],
        "vars": {"word": text, "words": [f"{text}1", "b"]},
        "blocks": {
            "part": {
                "params": {"label": "a", "units": 2},
                "inputs": "x",
                "output": {"from": "x", "apply": [{"Dense": {"units": "${units}", "name": "${label}"}}]},
            }
        },
        "inputs": {"x": [4], "t": {"shape": [1], "dtype": "string"}},
        "graph": {
            "a": {"from": "x", "apply": [{"part": {"label": name}}, {"part": {"label": f"{name}2", "units": 3}}]},
            "b": {"from": "t", "apply": {"StringLookup": {"vocabulary": "${words}", "mask_token": text}}},
            "c": {"from": "b", "apply": [{"Embedding": {"input_dim": 9, "output_dim": 2}}, "Flatten"]},
            "wrapped": {
                "from": "x",
                "apply": [{"Reshape": [2, 2]}, {"TimeDistributed": {"layer": {"Dense": {"units": 2, "name": name}}}}],
            },
            "custom": {"from": "wrapped", "apply": {"my>Thing": {name or "k": text, "n": [text, {text: 1}]}}},
        },
        "outputs": {
            "y": {"from": ["a", "c"], "merge": "concat", "apply": {"Dense": 1}, "loss": "mse"},
            "z": {"from": "custom", "loss": None},
        },
        "training": {
            "optimizer": {"Adam": {"name": text or "adam"}},
            "callbacks": [{"my>Watch": {"text": text}}],
            "freeze": [name or "a"],
        },
        "data": {
            "train": {
                "inputs": {"x": {"file": f"{name}.npz", "key": text}, "t": {"file": "t.csv", "column": text}},
                "outputs": {"y": {"file": "t.csv", "columns": [text]}},
            }
        },
    }


def loaded(written: str, folder: Path) -> Spec | None:
    """The spec in a text; None where a text is not allowed in a spec."""
    path = folder / "spec.yaml"
    path.write_bytes(written.encode("utf-8", "surrogatepass"))
    return inspect(path)[0]


def shape(source: str) -> str:
    """The code of a module without its texts, numbers and names."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = "text"
    return ast.dump(tree)


def called(tree: ast.AST) -> set[str]:
    """The names of the functions that code calls."""
    functions = [ast.unparse(each.func) for each in ast.walk(tree) if isinstance(each, ast.Call)]
    return {each for each in functions if re.fullmatch(r"[\w.]+", each)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
@example('"""\nimport os\n"""')
@example("{name}")
@example("\\")
@example("a\"b'c\\d\n{e}#f")
def test_texts_stay_literals(tmp_path: Path, text: str) -> None:
    """A module is Python, and has the texts of its spec as the values of its constants, and nothing else of them."""
    plain = loaded(json.dumps(document("plain", "plain")), tmp_path)
    name = text.replace("/", "_").replace("${", "_").strip()
    spec = loaded(json.dumps(document(text.replace("${", "$${"), name or "n")), tmp_path)
    assert plain is not None
    if spec is None:
        return
    source = python_source(spec, tmp_path)
    assert all(each.isprintable() or each == "\n" for each in source)
    tree = ast.parse(source)
    expected = ast.parse(python_source(plain, tmp_path))
    assert called(tree) <= called(expected) | {"part_2", "model.get_layer"}
    imports = [ast.unparse(each) for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom)]
    assert imports == [
        ast.unparse(each) for each in ast.walk(expected) if isinstance(each, ast.Import | ast.ImportFrom)
    ]
    values = {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)}
    assert spec.graph.nodes["b"].steps[0].layer.arguments["mask_token"] in values


@given(texts)
@example("'\"")
def test_quoted_text_is_the_text(text: str) -> None:
    """A literal has the value of the text, is one line, and is what `repr` would not break."""
    written = quoted(text)
    assert ast.literal_eval(written) == text
    assert written.isprintable()


COMMENTED = """
# -*- coding: utf-7 -*-
# {text}
graphspec: 1
vars:
  n: 3    # {text}
inputs:
  x: [4]  # {text}
graph:
  # {text}
  a: {{from: x, apply: {{Dense: "${{n}}"}}}}   # {text}
outputs: {{y: {{from: a, apply: [ReLU, {{Dense: 1}}]}}}}  # {text}
"""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
@example('"""')
@example("\u2028import os")
def test_comments_stay_comments(tmp_path: Path, text: str) -> None:
    """A comment of a spec becomes part of a docstring or a comment, and no code."""
    beside = text.replace("\n", " ").replace("\r", " ")
    spec = loaded(COMMENTED.format(text=beside), tmp_path)
    plain = loaded(COMMENTED.format(text="plain"), tmp_path)
    if spec is None:
        return
    assert plain is not None
    assert shape(python_source(spec, tmp_path)) == shape(python_source(plain, tmp_path))


def test_modules_of_hostile_texts_are_formatted(tmp_path: Path) -> None:
    """`ruff format` leaves the modules of odd texts as they are."""
    files = []
    for number, piece in enumerate((*PIECES, "a\"b'c\\d\n{e}#f", "word " * 9, "'" * 3, '"' * 3)):
        name = piece.replace("/", "_").replace("${", "_").strip() or "n"
        spec = loaded(json.dumps(document(piece.replace("${", "$${"), name)), tmp_path)
        if spec is not None:
            files.append(tmp_path / f"made_{number}.py")
            files[-1].write_text(python_source(spec, tmp_path), encoding="utf-8")
    assert len(files) > 15
    for arguments in (["format", "--line-length", "100", "--diff"], ["check"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[:4000] + done.stderr[:1000]


def test_huge_specs_are_written_in_time(tmp_path: Path) -> None:
    """Ten thousand layers are written within seconds, without recursion."""
    chain = {
        f"n{number}": {"from": f"n{number - 1}" if number else "x", "apply": {"Dense": 1}} for number in range(4000)
    }
    tree = {"graphspec": 1, "inputs": {"x": [1]}, "graph": chain, "outputs": {"y": {"from": "n3999", "apply": "ReLU"}}}
    spec = loaded(json.dumps(tree), tmp_path)
    assert spec is not None
    source = python_source(spec, tmp_path)
    assert source.count("layers.Dense(") == 4000
    assert "__main__" in source


@pytest.mark.parametrize("key", ["not an identifier", "class", "a-b", "x=1, **{", "ﬁ"])
def test_argument_names_of_plugins_are_data(tmp_path: Path, key: str) -> None:
    """An argument of a plugin whose name is no keyword of Python goes through a dict."""
    tree = {
        "graphspec": 1,
        "plugins": ["my_plugin"],
        "inputs": {"x": [1]},
        "outputs": {"y": {"from": {key: "x"}, "apply": {"my>Thing": {key: 1}}}},
    }
    spec = loaded(json.dumps(tree), tmp_path)
    if spec is None:
        return
    source = python_source(spec, tmp_path)
    assert f"**{{{quoted(key)}: 1}}" in source
    ast.parse(source)
