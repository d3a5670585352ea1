"""No text of a spec, a path or a data file reaches a terminal or a CI service as anything but text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .cases.case import Case
from .cases.texts import FORBIDDEN, INJECTIONS
from .sandbox import Sandbox

_FORMATS = ("concise", "json", "gitlab", "sarif", "junit", "github", "full")
_COMMANDS = ("::add-mask", "::stop-commands", "::set-output", "::warning::y", "::error::y", "##[")


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Commands as a job of GitHub Actions runs them."""
    with Sandbox(tmp_path_factory.mktemp("home"), GITHUB_ACTIONS="true") as made:
        yield made


@pytest.mark.parametrize("number", range(len(INJECTIONS)), ids=[case.name for case in INJECTIONS])
def test_hostile_text_stays_text(number: int, place: Path, actions: Sandbox) -> None:
    """Control characters and line ends are escaped in the full text and in every format; no line starts a command."""
    case: Case = INJECTIONS[number]
    case.lay_out(place)
    chosen = _FORMATS[number % len(_FORMATS)]
    for command in (
        ["validate", "spec.yaml"],
        ["validate", "--format", chosen, "spec.yaml"],
        ["fmt", "--diff", "spec.yaml"],
        ["render", "spec.yaml"],
    ):
        result = actions.run(place, command, case.limits(place))
        assert result.wrong() == []
        if command[0] != "fmt":  # a diff shows the file as it is
            assert [hex(ord(sign)) for sign in FORBIDDEN if sign in result.output] == []
        assert [line for line in result.output.splitlines() if line.lstrip().startswith(_COMMANDS)] == []
