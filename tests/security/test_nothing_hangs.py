"""No command waits for a pipe, reads a device to its end, or works without end, whatever it is given by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..fuzzing.hostile import HOSTILE
from .cases.case import Case
from .cases.contents import link, pipe
from .sandbox import Sandbox

_ODD = {
    "a pipe": pipe,
    "an endless device": link("/dev/zero"),
    "a terminal": link("/dev/tty"),
    "a link to itself": link("odd"),
}
_COMMANDS = [
    *(["validate", "{odd}"], ["fmt", "--check", "{odd}"], ["fmt", "{odd}"], ["data", "{odd}"], ["summary", "{odd}"]),
    *(["render", "{odd}"], ["new", "out", "--from-data", "{odd}", "--target", "y"]),
    *(
        ["train", "{odd}", "--run-dir", "run"],
        ["train", "--resume", "{odd}"],
        ["launch", "{odd}", "--workers", "2"],
        ["launch", "--resume", "{odd}", "--workers", "2"],
        ["evaluate", "{odd}"],
        ["report", "{odd}"],
    ),
    *(
        ["predict", "{odd}", "-i", "x=x.npy"],
        ["export", "{odd}", "--to", "keras"],
        ["runs", "{odd}"],
        ["tune", "{odd}"],
    ),
    *(["runs", "compare", "{odd}", "{odd}"], ["verify-resume", "{odd}"], ["tune", "--resume", "{odd}"]),
]
_RUN_FILES = ("run.json", "lock.json", "spec.yaml", "metrics.jsonl", "model.keras", "checkpoints", "vocabularies.json")


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda command: " ".join(command).replace("{odd}", "ODD"))
@pytest.mark.parametrize("what", _ODD)
def test_odd_file_by_name_ends_at_once(what: str, command: list[str], place: Path, building: Sandbox) -> None:
    """A pipe, a device or a circle that is named where a command wants a file or a folder is refused at once."""
    case = Case("odd", files={"odd": _ODD[what], "odd.yaml": _ODD[what], "odd.keras": _ODD[what]})
    case.lay_out(place)
    endings = {"predict": ".keras", "evaluate": ".keras", "export": ".keras", "runs": "", "report": "", "--resume": ""}
    ending = next((endings[word] for word in command if word in endings), ".yaml")
    limits = case.limits(place, "run", "../tmp", reads=("/dev/tty", "/dev/zero"))
    result = building.run(place, [word.format(odd=f"odd{ending}") for word in command], limits)
    assert result.wrong() == []
    assert result.status != 0 or command[0] == "runs"  # there are none in what is no folder


@pytest.mark.parametrize("name", _RUN_FILES)
@pytest.mark.parametrize("command", [["runs"], ["report"], ["evaluate"], ["train", "--resume"]], ids=" ".join)
def test_run_with_a_pipe_in_it_ends_at_once(name: str, command: list[str], place: Path, building: Sandbox) -> None:
    """A run one of whose files is a pipe is a damaged run, for every command that reads it."""
    files = {"run/spec.yaml": Case("").spec, "run/run.json": "{}", "run/lock.json": "{}", f"run/{name}": pipe}
    case = Case("odd", files=files)
    case.lay_out(place)
    result = building.run(place, [*command, "run"], case.limits(place, "run", "../tmp"))
    assert result.wrong() == []


@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
def test_document_made_to_hurt_touches_nothing(what: str, place: Path, sandbox: Sandbox) -> None:
    """Deep, large and multiplying documents are looked at under the audit hook, too; `fmt` reads no more of them."""
    made = HOSTILE[what]()
    case = Case(what, made, refused=None)
    case.lay_out(place)
    assert sandbox.run(place, ["validate", "spec.yaml"], case.limits(place, reads=("/dev/zero",))).wrong() == []
