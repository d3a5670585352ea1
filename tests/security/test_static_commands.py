"""Validating, formatting and looking up run no code, open no connection, read what the spec names, and write nothing.

Every hostile case ends in findings, within 2 s and 500 MB, whatever lies where it names a file.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .cases import CASES, SHIPPED
from .cases.case import BASE, Case, Content, each
from .cases.contents import link, pipe, sparse
from .cases.models import MODELS
from .cases.texts import FORBIDDEN
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
    single += [] if case.refused else [["render", "spec.yaml"]]  # which stops at an error as `plot` does
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
    *(
        ["layers", "LSTM", "--since"],
        ["layers", "--since", "--kind", "losses"],
        ["layers", "x\x1b", "--since", "--json"],
    ),
    *(["new", "--list"], ["new", "."], ["new", "spec.yaml"], ["completion", "zsh"], ["completion", "fish"]),
    *(
        ["render", "spec.yaml"],
        ["render", "--json", "spec.yaml"],
        ["render", "-"],
        ["render", "-o", "x.npy", "spec.yaml"],
    ),
    *(
        ["validate", "--keras", "3.9", "."],
        ["validate", "--keras", "../../x", "."],
        ["layers", "--keras", "3.9", "LSTM"],
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


_NAMES = (
    "$(touch pwned).yaml",
    "`touch pwned`.yaml",
    "a\ntouch pwned\n.yaml",
    "\x1b[31mred.yaml",
    "a,b.yaml",
    "-x;y.yaml",
)


@pytest.mark.parametrize(
    "words", ["validate ", "validate '$(touch pwned)", "train --resume ", "layers L", "render ../"]
)
def test_words_for_a_shell_are_looked_up_and_nothing_else_happens(words: str, place: Path, sandbox: Sandbox) -> None:
    """A key in a hostile folder lists it, reads specs up to a bound, and gives each name on a line of its own."""
    files: dict[str, Content] = {
        **dict.fromkeys(_NAMES, BASE),
        "pipe.yaml": pipe,
        "zero.yaml": link("/dev/zero"),
        "up": link("."),
    }
    case = Case("plain", files={**files, "huge.yaml": sparse(2**34)})
    case.lay_out(place)
    asked = {
        "_GRAPHSPEC_COMPLETE": "bash_complete",
        "COMP_WORDS": f"graphspec {words}",
        "COMP_CWORD": str(words.count(" ", 0, words.find("'")) + 1),
    }
    result = sandbox.run(place, [], case.limits(place, reads=("..",)), environment=asked)
    assert (result.wrong(), result.status) == ([], 0)
    assert all(line.startswith("plain,") for line in result.output.splitlines() if line)
    assert not [sign for sign in FORBIDDEN if sign in result.output]


_COLUMNS = {
    "YAML": "\"'{a: ${b}} [x], - ? & * ! | > % @ `",
    "lines": "a\nb: !!python/object:os.system\rc",
    "an ignore": "# graphspec: ignore[GS3]",
    "escapes": "\x1b]0;owned\x07\u202e",
    "a megabyte": "x" * 2**20,
}


@pytest.mark.parametrize("what", _COLUMNS)
def test_spec_of_a_hostile_table_has_no_findings(what: str, place: Path, sandbox: Sandbox) -> None:
    """`new --from-data` writes into its folder alone, and its spec holds the names of columns as text."""
    rows = "".join(f"{number * 1.5 % 7},{'pq'[number % 2]}\n" for number in range(40))
    name = '"' + _COLUMNS[what].replace('"', '""') + '"'
    case = Case("table", files={"table.csv": f"{name},y\n{rows}"})
    case.lay_out(place)
    (place / "project" / "out").mkdir()
    limits = case.limits(place, "out")
    result = sandbox.run(place, ["new", "out/it", "--from-data", "table.csv", "--target", "y"], limits)
    assert result.wrong() == []
    assert not [sign for sign in FORBIDDEN if sign in result.output]
    if result.status == 0:
        checked = sandbox.run(place, ["validate", "--data", "out/it/spec.yaml"], case.limits(place))
        assert (checked.wrong(), checked.status) == ([], 0), checked.output
    else:
        assert what == "a megabyte"
        assert os.listdir(place / "project" / "out") == []


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
