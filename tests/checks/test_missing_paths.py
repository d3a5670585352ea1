"""Every path of a spec starts at the spec, and a missing file is one finding there, before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]

WORDS = "{shape: [3], dtype: int32}"
TEXT = "{shape: [1], dtype: string}"
EMBED = "Embedding: {input_dim: 4, output_dim: 2, embeddings_initializer: {file: lost.npy}}"


def spec(apply: str = "[Flatten, {Dense: 1}]", inputs: str = WORDS, more: str = "", output: str = "") -> str:
    return f"""
        graphspec: 1
        inputs: {{x: {inputs}}}
        outputs: {{y: {{from: x, apply: {apply}, loss: mse{output}}}}}
        {more}
        """


MODEL = "models: {m: {VALUE}}"
PATHS: list[tuple[str, str, str]] = [
    ("weights of the model", spec(more="weights: lost.keras"), "lost.keras"),
    ("initial weights", spec(more="training: {optimizer: sgd, initial_weights: lost.weights.h5}"), "lost.weights.h5"),
    ("a saved model", spec("[m, Flatten]", more="models: {m: {file: lost.keras}}"), "lost.keras"),
    ("another spec", spec("[m, Flatten]", more="models: {m: {spec: lost.yaml}}"), "lost.yaml"),
    (
        "the weights of a nested model",
        spec(
            "m",
            more="models: {m: {weights: lost.keras, inputs: {a: [3]}, outputs: {b: {from: a, apply: {Dense: 1}}}}}",
        ),
        "lost.keras",
    ),
    ("an initializer", spec(f"[{{{EMBED}}}, Flatten]"), "lost.npy"),
    ("an archive", spec("[{Dense: {units: 1, bias_initializer: {file: lost.npz, key: b}}}]"), "lost.npz"),
    (
        "an initializer in a wrapper",
        spec(f"[{{TimeDistributed: {{layer: {{{EMBED}}}}}}}, Flatten]", "[2, 3]"),
        "lost.npy",
    ),
    (
        "an initializer of a declared layer",
        spec("[words, Flatten]", more=f"layers: {{words: {{{EMBED}}}}}"),
        "lost.npy",
    ),
    (
        "an initializer of a layer in a nested model",
        spec(
            "[m, Flatten]",
            more=f"models: {{m: {{inputs: {{a: {WORDS}}}, outputs: {{b: {{from: a, apply: {{{EMBED}}}}}}}}}}}",
        ),
        "lost.npy",
    ),
    ("the words of StringLookup", spec("[{StringLookup: {vocabulary: lost.txt}}]", TEXT), "lost.txt"),
    ("the words of IntegerLookup", spec("[{IntegerLookup: {vocabulary: lost.txt}}]"), "lost.txt"),
    ("the words of TextVectorization", spec("[{TextVectorization: {vocabulary: lost.txt}}]", TEXT), "lost.txt"),
    ("data", spec(more="data: {train: {inputs: {x: lost.npy}, outputs: {y: {file: here.npy}}}}"), "lost.npy"),
    (
        "the file of a split",
        spec(more="data: {train: {file: lost.csv, inputs: {x: {columns: [a]}}, outputs: {}}}"),
        "lost.csv",
    ),
    ("an include", spec(more="include: [lost.yaml]"), "lost.yaml"),
]


@pytest.mark.parametrize(("text", "path"), [each[1:] for each in PATHS], ids=[each[0] for each in PATHS])
def test_a_missing_file_is_found_at_its_path(
    text: str, path: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a spec names a file that is not there, `validate` says so at the path, from any folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / path).write_bytes(b"")  # a file of the current folder is not the one that is meant
    monkeypatch.chdir(elsewhere)
    report = graphspec.validate(write(text))
    found = [each for each in report.errors if each.span is not None and each.span.text.strip("\"'") == path]
    assert len(found) == 1, [each.message for each in report]
    assert found[0].rule.code in ("GS601", "GS001")
    assert path in found[0].message


@pytest.mark.parametrize("name", ["an initializer", "an archive", "an initializer in a wrapper"])
def test_a_build_names_the_missing_file(name: str, write: Write) -> None:
    """A build says the same as `validate`, not that a layer failed."""
    text = next(text for each, text, _ in PATHS if each == name)
    path = write(text)
    with pytest.raises(SpecError) as refused:
        graphspec.build(path)
    assert [each.message for each in refused.value.report] == [each.message for each in graphspec.validate(path).errors]
    assert graphspec.build(path, weightless=True).count_params() > 0


def test_words_are_read_beside_the_spec(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary lies at the spec, wherever a command runs: it is the same for `validate`, `summary` and `build`."""
    (tmp_path / "words.txt").write_text("a\nb\nc\n", encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "words.txt").write_text("z\n", encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    path = write(spec("[{StringLookup: {vocabulary: words.txt, output_mode: multi_hot}}]", TEXT))
    assert not list(graphspec.validate(path, deep=True))
    assert graphspec.summarize(path).parameters == 0
    assert graphspec.build(path).output["y"].shape == (None, 4)
