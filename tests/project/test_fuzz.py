"""Whatever the bytes, validation ends in a report with places, soon: a sample of `scripts/fuzz.py`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import graphspec

from ..fuzzing.cases import Case, make_case
from ..fuzzing.hostile import HOSTILE, SPEC
from ..fuzzing.paths import try_paths
from ..fuzzing.trial import MEGABYTES, try_case
from ..fuzzing.watched import SECONDS

SPECS = Path(__file__).parents[2] / "specs"
SAMPLE = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of the shipped specs."""
    folder = tmp_path_factory.mktemp("fuzz") / "specs"
    shutil.copytree(SPECS, folder)
    return folder


def faults(case: Case, folder: Path) -> list[str]:
    """What is wrong, but for memory and time: other tests have used the process, and others run beside it."""
    tried = try_case(case, folder)
    assert tried.seconds < 5 * SECONDS
    return [fault for fault in tried.faults if not fault.startswith("it took")]


def test_sample_of_cases(folder: Path) -> None:
    """Mutated bytes, tokens, trees and specs end in a report whose findings have places."""
    cases = [make_case(3, number) for number in range(SAMPLE) if number % 400 != 399]
    assert {case.what for case in cases} == {"bytes", "tokens", "tree", "spec"}
    assert {case.suffix for case in cases} == {".yaml", ".json"}
    assert {number: found for number, case in enumerate(cases) if (found := faults(case, folder))} == {}


@pytest.mark.parametrize("number", range(25))
def test_folder_of_odd_files(number: int, tmp_path: Path) -> None:
    """Pipes, devices, links and odd names, and specs that name them, end in reports, and nothing else is changed."""
    assert [fault for fault in try_paths(3, number, tmp_path).faults if not fault.startswith("it took")] == []


@pytest.mark.parametrize("what", list(HOSTILE)[::3])  # the slow tests try all
def test_document_made_to_hurt(what: str, folder: Path) -> None:
    """Deep, large, multiplying and oddly encoded documents end soon, in a report whose findings have places."""
    made = HOSTILE[what]()
    data = made if isinstance(made, bytes) else made.encode("utf-8", errors="surrogatepass")
    assert faults(Case(what, data, ".yaml"), folder) == []
    if data.startswith((b"{", b"[")):
        assert faults(Case(what, data, ".json"), folder) == []


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("[" * 100_000, "GS006", 1, 101),
        (" " * 10 * 2**20, "GS006", 1, 8 * 2**20 + 1),
        ("a: &a [*a]\n" + SPEC, "GS009", 1, 8),
        (SPEC + "description: !!python/object:os.system x\n", "GS005", 4, 14),
        (SPEC + 'include: ["a\\0b"]\n', "GS002", 4, 11),
        (SPEC + "description: a\u2028b\u0085c\nnam: x\n", "GS101", 5, 1),
    ],
    ids=["depth", "size", "alias", "tag", "NUL", "breaks"],
)
def test_place_of_what_is_refused(text: str, code: str, line: int, column: int, tmp_path: Path) -> None:
    """What is refused is found where it stands, by the lines that an editor counts."""
    path = tmp_path / "spec.yaml"
    path.write_bytes(text.encode("utf-8"))
    first = graphspec.validate(path).errors[0]
    assert first.span is not None
    assert (first.rule.code, first.span.line, first.span.column) == (code, line, column)


def test_trial_sees_faults(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial tells of an exception, of lost places, of much time and of much memory."""
    case = Case("sound", SPEC.encode(), ".yaml")
    assert faults(case, folder) == []
    monkeypatch.setattr("tests.fuzzing.watched.SECONDS", 0.0)
    monkeypatch.setattr("tests.fuzzing.trial.MEGABYTES", 1)
    assert [fault.split(" ")[0] for fault in try_case(case, folder).faults] == ["it", "it"]
    monkeypatch.setattr("graphspec.validate", lambda path: 1 / 0)
    assert "ZeroDivisionError" in try_case(case, folder).faults[0]
    assert MEGABYTES == 500
