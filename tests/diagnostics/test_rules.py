"""Every mistake that `graphspec validate` finds, shown as a user meets it.

A folder below `tests/rules/` is a rule: `bad.yaml` makes the mistake, `good.yaml` is the same spec mended, and
`expected.txt` is the whole report, word for word. Further ways to make the mistake lie beside them, `<variant>.yaml`
with `<variant>.expected.txt`. A line `# set: key=value` at the top of a spec stands for a `--set` argument, and
`# read: data` for `--data`; `# keras: 3.9` stands for `--keras 3.9`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import graphspec
from graphspec.diagnostics.render import render
from graphspec.diagnostics.rules import RULES

FOLDER = Path(__file__).parents[1] / "rules"
BAD = sorted(path for path in FOLDER.glob("GS*/*") if path.suffix in (".yaml", ".json") and path.stem != "good")
GOOD = sorted(FOLDER.glob("GS*/good.yaml"))

NOT_STATIC = {
    "GS209": "Keras itself refuses the arguments, when a model is built",
    "GS401": "Keras itself refuses the call, when a model is built",
    "GS212": "validation imports no plugin",
    "GS504": "Keras itself refuses to compile or train",
    "GS505": "a spec without training describes a model, and is valid",
    "GS510": "files of weights are read when a model is built",
    "GS701": "a model of Keras is no spec",
    "GS702": "a model of Keras is no spec",
    "GS703": "a model of Keras is no spec",
    "GS704": "a model of Keras is no spec",
    "GS705": "a model of Keras is no spec",
    **dict.fromkeys((f"GS71{number}" for number in range(7)), "a model of an older Keras is no spec"),
    "GS901": "what is installed matters to commands that build",
    "GS902": "graphspec's own failure is no mistake in a spec",
    "GS512": "a loss is known when a model is trained",
    "GS903": "a run is no spec",
    "GS904": "validating writes nothing",
    "GS907": "settings are no part of a spec",
    "GS908": "an export is made of a trained model",
    "GS909": "a run is no spec",
    "GS910": "a revision is no spec",
    "GS911": "a training is started by a command",
    "GS912": "the environment of a process is no part of a spec",
    "GS913": "workers are processes of a training",
    "GS914": "workers are processes of a training",
    "GS915": "a job is started by a command",
    "GS916": "workers are processes of a job",
    "GS917": "the installed Keras is none that can be trained with",
    "GS918": "workers share a study by a command",
    "GS919": "workers share a study by a command",
    "GS920": "a preset is looked up by what builds it",
}
"""The rules that have no folder, each with the reason."""


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _reads_data(path: Path) -> bool:
    return path.read_bytes().startswith(b"# read: data")


def _overrides(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.removeprefix("# set: ") for line in lines if line.startswith("# set: ")]


def _keras(path: Path) -> str | None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.removeprefix("# keras: ") for line in lines if line.startswith("# keras: ")), None)


@pytest.mark.parametrize("path", BAD, ids=_name)
def test_mistake_is_found_once_and_explained(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong spec gives one finding: its folder's rule, with a mend, in exactly the expected words."""
    monkeypatch.chdir(path.parent)
    report = graphspec.validate(path.name, _overrides(path), values=_reads_data(path), keras=_keras(path))
    expected = path.with_name("expected.txt" if path.stem == "bad" else f"{path.stem}.expected.txt")
    assert render(report) + "\n" == expected.read_text(encoding="utf-8")
    assert [finding.rule.code for finding in report] == [path.parent.name]
    assert all(finding.span is not None and (finding.expected or finding.help) for finding in report)


@pytest.mark.parametrize("path", GOOD, ids=_name)
def test_mended_spec_is_clean(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mended spec has no finding at all, so the bad one has no mistake but its own."""
    monkeypatch.chdir(path.parent)
    assert render(graphspec.validate(path.name)) == ""


def test_every_static_rule_is_shown() -> None:
    """A rule that validation can report has a folder with a wrong and a mended spec."""
    shown = {folder.name for folder in FOLDER.iterdir() if (folder / "bad.yaml").exists()}
    assert shown == set(RULES) - set(NOT_STATIC)
    assert shown == {path.parent.name for path in GOOD}


def test_nothing_lies_about() -> None:
    """Every expected report belongs to a wrong spec."""
    reports = {path.name.removesuffix("expected.txt") or "bad." for path in FOLDER.glob("GS*/*expected.txt")}
    assert reports <= {f"{path.stem}." for path in BAD}
