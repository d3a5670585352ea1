"""Random texts, altered specs and random trees are read or refused, each finding with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec.diagnostics import Report
from graphspec.diagnostics.render import render
from graphspec.spec import inspect

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


def well_placed(report: Report) -> bool:
    """Whether every finding is on a line of its source, and can be shown."""
    spans = [finding.span for finding in report if finding.span is not None]
    return all(1 <= span.line <= len(span.source.lines) and span.column >= 1 for span in spans) and bool(
        render(report) or not len(report)
    )


def check(text: str, path: Path) -> None:
    """Inspecting `text` gives a spec or an error, and never raises."""
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    spec, report = inspect(path, data=True)
    assert (spec is None) == bool(report.errors)
    assert well_placed(report)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A shipped spec with some lines or characters dropped, doubled, moved or replaced."""
    text = draw(st.sampled_from(SPECS)).read_text(encoding="utf-8")
    for _ in range(draw(st.integers(1, 4))):
        pieces: list[str] = text.splitlines(keepends=True) if draw(st.booleans()) else list(text)
        if not pieces:
            break
        at = draw(st.integers(0, len(pieces) - 1))
        change = draw(st.sampled_from(["drop", "double", "move", "replace", "insert"]))
        piece = draw(st.sampled_from([*"{}[]:,-#&*!|>'\"%@`?~ \n\t0aé", "null", "name", "- ", ": ", "1e9", "<<: "]))
        if change == "drop":
            del pieces[at]
        elif change == "double":
            pieces.insert(at, pieces[at])
        elif change == "move":
            pieces.insert(draw(st.integers(0, len(pieces) - 1)), pieces.pop(at))
        elif change == "replace":
            pieces[at] = piece
        else:
            pieces.insert(at, piece)
        text = "".join(pieces)
    return text


WORDS = (
    "graphspec name inputs outputs graph layers models training data from merge apply loss metrics call repeat train "
    "shape dtype file columns column key split validation optimizer callbacks class_weight epochs x y Dense units LSTM "
    "TimeDistributed Bidirectional layer concat dot name int bool [key]"
)
KEYS = st.sampled_from(WORDS.split())
SCALARS = st.sampled_from(
    [None, True, 0, 1, -1, 1.5, 10**30, "", "x", "y", "x[0]", "x.y", "Dense", "a/b", "no", "3", "mse", "t.csv", "x\ny"]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
SMALL = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all generated specs."""
    return tmp_path_factory.mktemp("generated")


@SMALL
@given(text=st.text(max_size=200) | st.text(alphabet="{}[]:,-#&*!|>'\"%@`? \n\tab1", max_size=80))
def test_random_text_never_crashes(text: str, folder: Path) -> None:
    """Any text at all gives a report, as YAML and as JSON."""
    check(text, folder / "spec.yaml")
    check(text, folder / "spec.json")


@SMALL
@given(text=mutated())
def test_mutated_spec_never_crashes(text: str, folder: Path) -> None:
    """A spec that was cut and pasted wrongly gives a report."""
    check(text, folder / "spec.yaml")


@SMALL
@given(
    tree=st.fixed_dictionaries(
        {"graphspec": st.just(1), "inputs": st.just({"x": [3]}) | TREES, "outputs": TREES},
        optional=dict.fromkeys(("graph", "layers", "models", "training", "data", "name"), TREES),
    )
)
def test_random_trees_never_crash(tree: dict[str, Any], folder: Path) -> None:
    """Known keys with any values below them give a report."""
    check(json.dumps(tree), folder / "spec.json")
