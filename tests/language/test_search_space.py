"""`search` in the static half: what `validate` finds is shown in tests/rules/GS513; here, what it takes and costs."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec.diagnostics import Report, SourceText, SpecError
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import plain
from graphspec.language.document.write_yaml import write_value
from graphspec.language.search_space import Choices, Range
from graphspec.spec import inspect

Write = Callable[..., Path]

HEAD = """
graphspec: 1
vars: {hidden: 16}
inputs: {x: [2]}
outputs: {y: {from: x, apply: [{Dense: "${hidden}"}, {Dense: 1}], loss: mse}}
training: {optimizer: {Adam: {learning_rate: 0.01}}}
"""


@pytest.mark.parametrize(("count", "found"), [(100, []), (101, ["GS513"])])
def test_a_search_has_bounded_parameters_and_twenty_trials(count: int, found: list[str], write: Write) -> None:
    """A hundred parameters may be searched, and twenty trials are made where the spec says nothing."""
    names = [f"v{number}" for number in range(count)]
    text = HEAD.replace("hidden: 16", ", ".join(["hidden: 16", *(f"{name}: 1" for name in names)]))
    text += "search: {parameters: {" + ", ".join(f"vars.{name}: [1, 2]" for name in names) + "}}\n"
    path = write(text)
    assert [each.rule.code for each in graphspec.validate(path).errors] == found
    if not found:
        space = graphspec.load(path).search
        assert space is not None
        assert space.trials == 20


def test_search_is_read(write: Write) -> None:
    """Ranges, choices of any kind, budget, sampler and pruner, as they are written, expressions resolved."""
    text = """
    search:
      parameters:
        training.optimizer.Adam.learning_rate: {float: {low: 0.001, high: 0.1, log: true}}
        vars.hidden: {int: {low: 8, high: "${hidden * 4}", step: 8}}
        training.optimizer: [adam, {SGD: {learning_rate: 0.1}}]
      trials: 7
      timeout: 60
      sampler: RandomSampler
      pruner: {PercentilePruner: {percentile: 25.0}}
    """
    path = write(HEAD)
    lines = [line for line in text.splitlines() if "Adam" not in line]
    path.write_text(HEAD + "\n".join(line[4:] for line in lines), encoding="utf-8")
    space = graphspec.load(path).search
    assert space is not None
    width, optimizer = space.parameters
    assert width.path == "vars.hidden"
    assert width.values == Range("int", 8, 64, log=False, step=8)
    assert optimizer.values == Choices(("adam", {"SGD": {"learning_rate": 0.1}}))
    assert (space.trials, space.timeout, space.monitor, space.prunes) == (7, 60.0, None, True)
    assert space.sampler is not None
    assert space.pruner is not None
    assert (space.sampler.name, space.pruner.name) == ("RandomSampler", "PercentilePruner")
    assert space.pruner.arguments == {"percentile": 25.0}


@pytest.mark.parametrize(
    ("written", "trials", "timeout", "prunes"),
    [
        ("", 20, None, True),
        ("trials: 3", 3, None, True),
        ("timeout: 9", None, 9, True),
        ("pruner: null", 20, None, False),
    ],
)
def test_budget_and_pruner_have_defaults(
    write: Write, written: str, trials: int | None, timeout: float | None, prunes: bool
) -> None:
    """Without a budget there are 20 trials; a time is a budget of its own; only `null` says that nothing is pruned."""
    space = graphspec.load(write(f"{HEAD}search:\n  parameters: {{vars.hidden: [8, 16]}}\n  {written}\n")).search
    assert space is not None
    assert (space.trials, space.timeout, space.prunes) == (trials, timeout, prunes)


def test_a_spec_with_a_search_is_else_the_same(write: Write) -> None:
    """`search` changes nothing of the model and its training."""
    bare = graphspec.summarize(write(HEAD, "bare.yaml"))
    searched = graphspec.summarize(write(HEAD + "search: {parameters: {vars.hidden: [8, 99]}}\n"))
    assert bare.parameters == searched.parameters


def test_edges_are_bounded(write: Write) -> None:
    """A search of a thousand wrong choices is one finding, and takes no longer than a few specs do."""
    choices = ", ".join(str(number) for number in range(1_000))
    path = write(f"{HEAD}search: {{parameters: {{vars.hidden: [{choices}]}}}}\n")
    (finding,) = inspect(path, data=True)[1]
    assert finding.rule.code == "GS513"
    assert finding.message.startswith("the spec is not valid with `0` for `vars.hidden`")
    path = write(f"{HEAD}search: {{parameters: {{vars.hidden: [{choices[3:]}]}}}}\n")
    assert len(inspect(path, data=True)[1]) == 0


def test_overrides_reach_the_search(write: Write) -> None:
    """`--set search.trials=3` is an override like any other."""
    path = write(HEAD + "search: {parameters: {vars.hidden: [8, 16]}}\n")
    space = graphspec.load(path, ["search.trials=3", "search.parameters.vars=[1]"][:1]).search
    assert space is not None
    assert space.trials == 3


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcN1.-: ", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_written_value_is_read_as_it_was(value: Any) -> None:
    """What a study writes into a spec, or hands to `--set`, is read as the very same value."""
    text = write_value(value)
    assert "\n" not in text
    alone = read_yaml(SourceText("value", text), Report())
    under_key = read_yaml(SourceText("value", f"key: {text}"), Report())["key"]
    assert repr(plain(alone)) == repr(plain(under_key)) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-05, "1.0e-05"),
        (0.1, "0.1"),
        ("relu", "relu"),
        ("no", '"no"'),
        (True, "true"),
        (math.inf, ".inf"),
        ({"L2": [1]}, "{L2: [1]}"),
    ],
)
def test_a_written_value_is_as_one_writes_it(value: Any, text: str) -> None:
    """Plain words stay plain, and numbers are numbers to YAML 1.1 as well."""
    assert write_value(value) == text


TYPES: list[tuple[str, str]] = [
    ("sampler: {TPESampler: {seed: 1, multivariate: true, n_startup_trials: 3, group: false}}", ""),
    ("sampler: {TPESampler: {seed: null, multivariate: null}}", ""),
    ("sampler: {TPESampler: {seed: true}}", "a whole number or `null`"),
    ("sampler: {TPESampler: {seed: 1.5}}", "a whole number or `null`"),
    ("sampler: {TPESampler: {multivariate: no}}", "true or false or `null`"),
    ("sampler: {TPESampler: {multivariate: 1}}", "true or false or `null`"),
    ("sampler: {TPESampler: {n_startup_trials: 1.5}}", "a whole number"),
    ("sampler: {TPESampler: {n_startup_trials: null}}", "a whole number"),
    ('sampler: {TPESampler: {n_startup_trials: "3"}}', "a whole number"),
    ("sampler: {TPESampler: {n_startup_trials: [3]}}", "a whole number"),
    ("sampler: {CmaEsSampler: {sigma0: 1, restart_strategy: ipop}}", ""),
    ("sampler: {CmaEsSampler: {restart_strategy: 3}}", "text or `null`"),
    ("sampler: {CmaEsSampler: {independent_sampler: {RandomSampler: {seed: true}}}}", "a whole number or `null`"),
    ("pruner: {PercentilePruner: {percentile: 25}}", ""),
    ("pruner: {PercentilePruner: {percentile: true}}", "a number"),
    ("pruner: {SuccessiveHalvingPruner: {min_resource: auto}}", ""),
    ("pruner: {SuccessiveHalvingPruner: {min_resource: 1.5}}", "text or a whole number"),
    ("pruner: {PatientPruner: {wrapped_pruner: {MedianPruner: {n_warmup_steps: 0.5}}, patience: 3}}", "a whole number"),
    ("pruner: {MedianPruner: {n_min_trials: true}}", "a whole number"),
    ("sampler: {SamplerOfANewerOptuna: {seed: true}}", ""),
]


@pytest.mark.parametrize(("line", "expected"), TYPES)
def test_arguments_of_samplers_and_pruners_are_typed(line: str, expected: str, write: Write) -> None:
    """What optuna annotates is what it is given: to Python, true is 1 and any text is true."""
    path = write(HEAD + f"search:\n  parameters: {{vars.hidden: [8, 16]}}\n  {line}\n")
    found = graphspec.validate(path).found
    assert [(each.rule.code, each.expected) for each in found] == ([("GS513", expected)] if expected else [])


def test_types_of_optuna_are_not_stale() -> None:
    """The file holds what the installed optuna annotates, where it is the one that the file was made of."""
    optuna = pytest.importorskip("optuna")
    from graphspec.catalog.generated import read_file

    if optuna.__version__ != read_file("optuna.json")["optuna"]:
        pytest.skip("another optuna is installed")
    script = Path(__file__).parents[2] / "scripts" / "make_optuna.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_of_the_installed_optuna_hold_when_a_study_begins(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument that the file does not know is judged by the signature at hand, before anything is written."""
    pytest.importorskip("optuna")
    np.save(tmp_path / "x.npy", np.zeros((4, 2), np.float32))
    np.save(tmp_path / "y.npy", np.zeros((4, 1), np.float32))
    data = "data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}\n"
    monkeypatch.setattr("graphspec.language.lower.search.annotations_of", lambda _: {})
    for line, expected in TYPES:
        if not expected:
            continue
        path = write(HEAD + data + f"search:\n  parameters: {{vars.hidden: [8, 16]}}\n  {line}\n")
        assert not graphspec.validate(path).errors
        with pytest.raises(SpecError) as refused:
            graphspec.tune(path, study_dir=tmp_path / "study")
        assert [each.rule.code for each in refused.value.report] == ["GS513"], line
        assert not (tmp_path / "study").exists()
