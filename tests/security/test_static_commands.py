"""Validating, formatting and looking up run no code, open no connection, read what the spec names, and write nothing.

Every hostile case ends in findings, within 2 s and 500 MB, whatever lies where it names a file.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .cases import CASES, SHIPPED
from .cases.case import BASE, Case, each
from .cases.models import MODELS
from .sandbox import Sandbox


@each(CASES)
def test_hostile_case_is_looked_at_and_nothing_else_happens(case: Case, place: Path, sandbox: Sandbox) -> None:
    """A hostile spec is refused where it must be; nothing is executed, connected to, written, or read beside it."""
    case.lay_out(place)
    limits = case.limits(place)
    commands = [
        ["validate", *case.options, "spec.yaml"],
        ["validate", "--data", "--jobs", "1", "."],
        ["fmt", "--check", "."],
    ]
    single = [["fmt", "--check", "spec.yaml"], ["plot", "spec.yaml", "--format", "html"]]
    for command in commands[: 3 if case.folder else 1] + ([] if case.folder else single):
        result = sandbox.run(place, command, limits, seconds=case.seconds)
        assert result.wrong() == []
        assert not [text for text in case.hides if text in result.output]
        if command is commands[0] and case.refused is not None:
            assert ("error[" in result.output) == case.refused, result.output[:500]


@each(MODELS)
def test_hostile_model_is_decompiled_and_not_executed(case: Case, place: Path, sandbox: Sandbox) -> None:
    """A saved model gives a spec or findings, and nothing is written but what is asked for."""
    case.lay_out(place)
    (place / "project" / "out").mkdir()
    limits = case.limits(place, "out")
    weights = [] if "a gigabyte" in case.name else ["--weights"]  # which takes as much as the weights do
    for command in (["decompile", "m.keras"], ["decompile", "m.keras", "-o", "out/spec.yaml", *weights]):
        result = sandbox.run(place, command, limits)
        assert result.wrong() == []
        assert result.status in (0, 1)
        assert not [text for text in ("hunter2", "precious") if text in result.output]


_LOOKING_UP = [
    *(["schema"], ["explain"], ["explain", "GS201", "GS901"], ["explain", "--format", "json"], ["layers"]),
    *(["layers", "LSTM"], ["layers", "../../etc/passwd"], ["layers", "--kind", "ops"], ["layers", "__import__"]),
    *(["explain", "../../../etc/passwd"], ["cache"], ["runs"], ["runs", "../outside"], ["--version"], ["--help"]),
    *(["validate", "-"], ["fmt", "-"], ["fmt", "--diff", "spec.yaml"], ["validate", "--fix", "--diff", "spec.yaml"]),
    *(
        ["validate", "--stdin-filename", "../outside/secret.env", "-"],
        ["data", "spec.yaml"],
        ["data", "--headers", "spec.yaml"],
        ["plot", "spec.yaml"],
        ["plot", "spec.yaml", "--format", "html"],
    ),
    *(["validate", "--format", format, "."] for format in ("concise", "json", "github", "gitlab", "sarif", "junit")),
]


@pytest.mark.parametrize("command", _LOOKING_UP, ids=" ".join)
def test_looking_up_touches_nothing(command: list[str], place: Path, sandbox: Sandbox) -> None:
    """A command that looks something up, or reads standard input, does so and nothing else."""
    case = Case("plain", refused=False)
    case.lay_out(place)
    limits = case.limits(place, reads=("../outside", "../cache"))
    assert sandbox.run(place, command, limits, BASE).wrong() == []


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_spec_is_looked_at_and_nothing_else_happens(name: str, place: Path, sandbox: Sandbox) -> None:
    """A shipped spec is validated with its data and formatted, and nothing else happens."""
    case = Case("plain", refused=False)
    case.lay_out(place)
    specs = SHIPPED[name].parents[name.count("/")]
    shutil.copytree(specs, place / "project", dirs_exist_ok=True)
    for command in (["validate", "--data", name], ["fmt", "--check", name]):
        result = sandbox.run(place, command, case.limits(place))
        assert (result.wrong(), result.status) == ([], 0), result.output
