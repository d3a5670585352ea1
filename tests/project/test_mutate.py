"""A change of the code that matters is noticed: a sample of `scripts/mutate.py`, with changes made by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..mutation.coverage_map import statement_lines
from ..mutation.equivalents import Equivalent, read_equivalents
from ..mutation.mutants import Module, Mutant, draw, modules
from ..mutation.results import summarise
from ..mutation.server import Server
from ..mutation.trial import Tree, Trials

ROOT = Path(__file__).parents[2]
LISTED = read_equivalents(ROOT / "scripts" / "equivalent_mutants.toml")
SCOPE, STEPS, NAMING = (
    "graphspec/language/lower/scope.py",
    "graphspec/language/lower/steps.py",
    "graphspec/language/lower/naming.py",
)
REPEATED = "tests/language/test_lower.py::test_repeat_makes_layers_of_their_own"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tests are run in forks")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """A place to try mutants in, whose process has imported nothing that these tests would not use."""
    tree = Tree(ROOT, tmp_path_factory.mktemp("tree"))
    server = Server(tree.folder, preloaded=("pydantic", "yaml", "hypothesis"))
    yield Trials(tree, server)
    server.close()


def changed(path: str, before: str, after: str) -> Mutant:
    """A mutant with one line exchanged."""
    source = (ROOT / path).read_text(encoding="utf-8")
    assert source.count(before) == 1
    return Mutant(
        path, source[: source.index(before)].count("\n") + 1, "", before, after, source.replace(before, after)
    )


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (STEPS, "for number in range(repeat):", "for number in range(repeat + 1):"),
        (STEPS, "return repeat.value\n", "while True: pass\n"),
        (NAMING, "import re\n", "import nothing_of_this_name\n"),
    ],
    ids=["another result", "no end", "no import"],
)
def test_change_that_matters_is_noticed(
    path: str, before: str, after: str, trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mutant is noticed whether a test fails, never ends or cannot begin; the repository itself is left as it is."""
    if "while True" in after:  # the others end by themselves, on a busy machine later than after 4 s
        monkeypatch.setattr("tests.mutation.trial.MIN_SECONDS", 4)
    verdict = trials.try_mutant(changed(path, before, after), [REPEATED], {REPEATED: 0.1})
    assert (verdict.noticed, verdict.covering) == (True, 1)
    assert (trials.tree.folder / path).read_text("utf-8") == (ROOT / path).read_text("utf-8")


def test_change_that_nobody_sees_is_listed_unless_it_is_known(trials: Trials) -> None:
    """What no test notices is listed and counts against the share, unless it is known to change no behaviour."""
    mutant = changed(SCOPE, "MAX_NODES = 20_000", "MAX_NODES = 20_001")
    verdict = trials.try_mutant(mutant, [REPEATED], {REPEATED: 0.1})
    assert (verdict.noticed, verdict.ran) == (False, 1)
    text, share = summarise([mutant], {str(mutant): verdict}, [])
    assert share == 0
    assert f"{SCOPE}:{mutant.line}" in text
    assert mutant.after in text
    known = Equivalent(SCOPE, "", mutant.before, mutant.after, "for the sake of this test")
    text, _ = summarise([mutant], {str(mutant): verdict}, [known])
    assert "0 not noticed, 1 equivalent" in text
    assert mutant.after not in text


def test_test_that_fails_by_itself_notices_nothing(trials: Trials) -> None:
    """A test counts only when it passes without the mutant; the tests after it still count."""
    failing = "tests/test_that_fails.py::test_fails"
    (trials.tree.folder / "tests" / "test_that_fails.py").write_text("def test_fails() -> None:\n    assert False\n")
    seconds = {failing: 0.1, REPEATED: 0.1}
    harmless = changed(SCOPE, "MAX_NODES = 20_000", "MAX_NODES = 20_001")
    assert not trials.try_mutant(harmless, [failing], seconds).noticed
    harmful = changed(STEPS, "for number in range(repeat):", "for number in range(repeat + 1):")
    assert trials.try_mutant(harmful, [failing, REPEATED], seconds).test == REPEATED


@pytest.mark.parametrize("listed", LISTED, ids=lambda each: f"{Path(each.path).stem}: {each.after}")
def test_listed_mutant_stands_in_the_code(listed: Equivalent) -> None:
    """What is listed as equivalent is about code that is there, and has a reason."""
    assert listed.stands_in((ROOT / listed.path).read_text(encoding="utf-8"))
    assert listed.before != listed.after
    assert len(listed.reason) > 20


def test_lines_of_a_statement() -> None:
    """A line stands for its whole statement, and for the head only of one that has a body; then for its function."""
    source = "def f(\n    a: int,\n) -> int:\n    return (\n        a\n        + 1\n    )\n"
    assert statement_lines(source, 2) == [{1, 2, 3}, {1, 2, 3}]
    assert statement_lines(source, 6) == [{4, 5, 6, 7}, {1, 2, 3}]
    assert statement_lines("def f():\n    def g():\n        return 1\n    return g\n", 3) == [{3}, {2}, {1}]


def test_drawn_mutants_change_the_program_once() -> None:
    """Mutants are programs that differ from the code in what they do; a sample depends on its seed alone."""
    pytest.importorskip("cosmic_ray")
    paths = modules(ROOT, ["graphspec/language/expand/variables.py", "graphspec/checks"])
    found = [Module(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths]
    drawn = draw(found, 12, seed=3)
    assert len({(mutant.path, mutant.line) for mutant in drawn}) == 12
    assert drawn == draw(found, 12, seed=3) != draw(found, 12, seed=4)
    for mutant in drawn:
        compile(mutant.text, mutant.path, "exec")
        assert mutant.text != (ROOT / mutant.path).read_text(encoding="utf-8")
        assert mutant.before != mutant.after


def test_annotations_are_no_places_to_change() -> None:
    """What only a type checker reads cannot be noticed, so it is not changed."""
    pytest.importorskip("cosmic_ray")
    source = "if TYPE_CHECKING:\n    import re\n\ndef f(a: int | None = None, *, b: int) -> int | str: ...\n"
    module = Module("module.py", source)
    assert [mutant for place in module.places() if (mutant := module.mutant(place))] == []
    module = Module("module.py", "def f(a, b):\n    return [c for c in a if c in b]\n")
    assert {mutant.after for place in module.places() if (mutant := module.mutant(place))} == {
        "return [c for c in a if c not in b]",
        "return [c for c in a if (not (c in b))]",
    }
