"""Where Keras says no, validation says no, at the line of the mistake: a sample of `scripts/agreement.py`."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from graphspec.language.document.tree import plain
from graphspec.spec import inspect

from ..agreement.edits import repr_sorted
from ..agreement.mutate import KINDS, mutate
from ..agreement.naive import ask
from ..agreement.places import Text, read_tree
from ..agreement.verdicts import AGREED, Outcome, draw, judge, shipped

SPECS = Path(__file__).parents[2] / "specs"
SEED, SAMPLE = 5, 150


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """What both say of a sample of mutations."""
    scratch = tmp_path_factory.mktemp("agreement") / "specs"
    shutil.copytree(SPECS, scratch)
    return [judge(SPECS, scratch, SEED, number) for number in range(SAMPLE)]


@pytest.mark.parametrize("path", shipped(SPECS), ids=lambda path: path.stem)
def test_keras_takes_every_shipped_spec(path: Path) -> None:
    """The oracle reads the whole language that the shipped specs use."""
    assert ask(path).yes


def test_oracle_asks_keras_and_no_check(tmp_path: Path) -> None:
    """Keras and not graphspec is what the oracle hears: it refuses what Keras does, and lets pass what Keras does."""
    text = (SPECS / "mlp.yaml").read_text(encoding="utf-8")
    path = tmp_path / "spec.yaml"
    for old, new, yes, by in (
        ("units: 64", "units: -64", False, "keras"),
        ("softmax", "softmaks", False, "keras"),
        ("from: image", "from: imag", False, "language"),
        ("loss: categorical_crossentropy", "loss: null", True, ""),
        ("units: 64", "unit: 64", False, "keras"),
    ):
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        assert (ask(path).yes, ask(path).by) == (yes, by), new


def test_oracle_reads_what_models_are_made_of(tmp_path: Path) -> None:
    """Operations of any number of tensors, arrays beside a tensor, initializers from files; wrong ones are refused."""
    np.save(tmp_path / "vectors.npy", np.zeros((7, 3), np.float32))
    text = """
graphspec: 1
inputs: {words: {shape: [5], dtype: int32}}
graph:
  vectors: {from: words, apply: {Embedding: {input_dim: 7, output_dim: 3, embeddings_initializer: {file: vectors.npy}}}}
  scores: {from: [vectors, vectors], apply: {ops.einsum: "bik,bjk->bij"}}
  mixed: {from: scores, apply: {ops.einsum: "bij->bji"}}
  first: {from: vectors, apply: {ops.get_item: ":, -1, ::2"}}
  moved: {from: vectors, apply: {ops.tensordot: {x2: [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], axes: [[2], [0]]}}}
  joined: {from: [mixed, moved], apply: [ops.matmul, Flatten]}
outputs: {y: {from: [joined, first], merge: concat, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd}
"""
    path = tmp_path / "spec.yaml"
    for old, new, yes, by in (
        ("graphspec", "graphspec", True, ""),
        ("bik,bjk->bij", "bik,bjk->bijq", False, "keras"),
        ("bik,bjk->bij", "bik->bij", False, "keras"),
        ("vectors.npy", "nothere.npy", False, "keras"),
        ("vectors.npy", "vectors.txt", False, "language"),
        ("axes: [[2], [0]]", "axes: [[2], [1]]", False, "keras"),
        (":, -1, ::2", ":, 5, ::2", False, "keras"),
        (":, -1, ::2", ":, 0, 0, 0", False, "keras"),
        (":, -1, ::2", ":, first", False, "language"),
    ):
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        answer, report = ask(path), inspect(path, data=True)[1]
        assert (answer.yes, answer.by) == (yes, by), (new, answer.why)
        assert bool(report.errors) != yes, (new, report.errors)


def test_oracle_reads_what_comes_from_no_input(tmp_path: Path) -> None:
    """Constants, weights, `each`, expressions, blocks with `layers` and `call`, losses, in plain Keras."""
    np.save(tmp_path / "table.npy", np.zeros((3, 4), np.float32))
    text = """
graphspec: 1
vars: {width: 4, rates: [1, 2]}
blocks:
  attend:
    inputs: [x, told]
    layers: {once: {Dense: "${width}"}}
    graph: {seen: {from: {query: x, value: told}, apply: {MultiHeadAttention: {num_heads: 1, key_dim: 2}}}}
    output: {from: seen, apply: [once, once]}
inputs: {x: [3, 4]}
graph:
  table: {constant: {file: table.npy}}
  mean: {constant: [1.0, 2.0, 3.0, 4.0], dtype: float32}
  total: {from: [table, mean], apply: [ops.add, {ops.sum: {axis: 0}}]}
  latents: {weight: {shape: [5, "${width}"], initializer: {RandomNormal: {stddev: 0.02}}}}
  moved: {from: [x, total], apply: ops.add}
  joined: {from: [x, table], merge: sum}
  branch: {each: {rate: "${rates}"}, from: moved, apply: {Dense: "${width * rate}"}}
  told: {from: "branch[0]", apply: {Dropout: 0.1}}
  known: {from: latents, apply: {attend: , call: {told: told}, repeat: 2}}
losses: {far: {from: known, apply: {ops.mean: {axis: [1, 2]}}, weight: 0.1}}
outputs:
  y: {from: [known, joined], merge: {concat: {axis: 1}}, apply: [Flatten, {Dense: 1}], loss: mse}
training: {optimizer: sgd}
"""
    path = tmp_path / "spec.yaml"
    for old, new, yes, by in (
        ("graphspec", "graphspec", True, ""),
        ("[1.0, 2.0, 3.0, 4.0]", "[1.0, 2.0, 3.0]", False, "keras"),
        ("[1.0, 2.0, 3.0, 4.0]", "[1.0, [2.0], 3.0]", False, "language"),
        ("dtype: float32", "dtype: int33", False, "keras"),
        ('shape: [5, "${width}"]', 'shape: [5, -1]', False, "language"),
        ("{RandomNormal: {stddev: 0.02}}", "{RandomNormal: {std: 0.02}}", False, "keras"),
        ("axis: 0", "axis: 2", False, "keras"),
        ("from: [x, table], merge", "from: [x, latents], merge", False, "keras"),
        ("attend: , call: {told: told}", "attend: , call: {heard: told}", False, "language"),
        ('from: "branch[0]"', 'from: "branch[2]"', False, "language"),
        ("axis: [1, 2]", "axis: [2]", False, "language"),
    ):  # fmt: skip
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        answer, report = ask(path), inspect(path, data=True)[1]
        assert (answer.yes, answer.by) == (yes, by), (new, answer.why)
        assert bool(report.errors) != yes, (new, report.errors)


def test_oracle_reads_taps(tmp_path: Path) -> None:
    """Inner layers of an application are outputs, too; one that is not there is refused."""
    text = """
graphspec: 1
models: {backbone: {application: MobileNetV2, include_top: false, input_shape: [32, 32, 3], taps: [block_1_expand]}}
inputs: {photo: [32, 32, 3]}
graph: {edges: {from: photo, apply: backbone}}
outputs: {y: {from: edges.block_1_expand, apply: [GlobalAveragePooling2D, {Dense: 1}]}}
"""
    path = tmp_path / "spec.yaml"
    for tap, yes in (("block_1_expand]", True), ("block_99_expand]", False)):
        path.write_text(text.replace("block_1_expand]", tap), encoding="utf-8")
        assert ask(path).yes == yes


@pytest.mark.slow
def test_sample_agrees(outcomes: list[Outcome]) -> None:
    """Of the sample, validation and Keras differ only where graphspec refuses on purpose, but for one in a hundred."""
    differing = [each for each in outcomes if each.verdict not in (*AGREED, "on purpose")]
    assert len(differing) <= SAMPLE // 100, differing


def test_refusals_name_the_mutated_line(outcomes: list[Outcome]) -> None:
    """Where both refuse a mutation, the report points into its lines, in nineteen of twenty."""
    refused = [each for each in outcomes if each.verdict == "both no"]
    assert len(refused) > SAMPLE // 3
    assert sum(each.names_line for each in refused) >= 0.95 * len(refused)


@pytest.mark.parametrize("kind", KINDS)
def test_mutation_changes_one_thing_and_says_where(kind: str) -> None:
    """A mutation is another document, differs from its spec in the lines that it says, and is always the same."""
    seen = 0
    for number in range(200):
        path, mutation = draw(SPECS, 1, number)
        if mutation.kind != kind:
            continue
        seen += 1
        before = path.read_text(encoding="utf-8")
        assert repr_sorted(plain(read_tree(before))) != repr_sorted(plain(read_tree(mutation.text)))
        after = mutation.text.split("\n")
        kept = [line for line_number, line in enumerate(after, 1) if line_number not in mutation.lines]
        assert set(kept) <= set(before.split("\n")) | {""} | {line.rstrip() for line in before.split("\n")}
        assert draw(SPECS, 1, number)[1] == mutation
    assert seen > 10


def test_places_cover_every_value() -> None:
    """Each key and each value of a spec is a place, at the characters that write it."""
    text = Text(
        "graphspec: 1\ninputs: {x: [4, null]}\noutputs:\n  y:\n    from: x   # a comment\n    apply:\n      - ReLU\n"
    )
    written = {place.path: text.text[slice(*place.at)] for place in text.root.walk()}
    assert written[("inputs", "x", 1)] == "null"
    assert written[("outputs", "y")] == "from: x   # a comment\n    apply:\n      - ReLU"
    assert written[("outputs", "y", "apply", 0)] == "ReLU"
    assert all(place.key is None or text.text[slice(*place.key)] == place.name for place in text.root.walk())


def test_mutations_differ() -> None:
    """Every kind is drawn, and hardly any mutation twice."""
    spec = (SPECS / "headline.yaml").read_text(encoding="utf-8")
    mutations = [mutate(spec, random.Random(number)) for number in range(120)]
    assert {each.kind for each in mutations} == set(KINDS)
    assert len({each.text for each in mutations}) > 90
