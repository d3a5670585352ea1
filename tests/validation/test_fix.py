"""`--fix`: what it mends, what it leaves alone, and that no file is ever harmed by it."""

from __future__ import annotations

import json
import random
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import Edit, Fix, SourceText, Span
from graphspec.diagnostics.edits import edited
from graphspec.language.document import read
from graphspec.language.document.tree import plain

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted([*ROOT.glob("specs/*.yaml"), *ROOT.glob("specs/zoo/*.yaml")])

WRONG = """\
graphspec: 1   # kept
inputs: {x: [2]}

graph:
  a:
    from: x
    aply: {Dense: {unit: "3"}}   # kept too
  b: {from: a, apply: {dense: {units: 4, init: zeros}}}
outputs:
  y: {from: b, apply: {Dense: 1}, loss: mse}  # graphspec: ignore[GS409]
training: {optimizer: {adam: {lr: 0.1}}, nb_epoch: '3', jit_compile: auto}
"""
RIGHT = """\
graphspec: 1   # kept
inputs: {x: [2]}

graph:
  a:
    from: x
    apply: {Dense: {units: 3}}   # kept too
  b: {from: a, apply: {Dense: {units: 4, kernel_initializer: zeros}}}
outputs:
  y: {from: b, apply: {Dense: 1}, loss: mse}
training: {optimizer: {adam: {learning_rate: 0.1}}, epochs: 3, jit_compile: auto}
"""


def call(*arguments: object, stdin: str | bytes | None = None) -> Result:
    """Run `graphspec validate` in this process."""
    runner = CliRunner(env={"GITHUB_ACTIONS": None, "NO_COLOR": "1"})
    return runner.invoke(main, ["validate", *map(str, arguments)], input=stdin)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def names(folder: Path) -> list[str]:
    """Everything that lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec with many mistakes of which none leaves a doubt."""
    return write(tmp_path / "spec.yaml", WRONG)


def test_what_leaves_no_doubt_is_mended(spec: Path) -> None:
    """Misspelled keys and arguments, old names, quoted numbers, `yes`, unused comments; all else stays as it is."""
    result = call(spec, "--fix")
    assert spec.read_text(encoding="utf-8") == RIGHT
    assert result.stdout == "9 findings fixed, 1 spec is valid.\n"
    assert result.exit_code == 0
    assert call(spec).stdout == "1 spec is valid.\n"


def test_a_difference_is_shown_and_nothing_written(spec: Path) -> None:
    """`--diff` is what `--fix` would do, as patches are written, and its status says that there is something to do."""
    result = call(spec, "--diff")
    assert spec.read_text(encoding="utf-8") == WRONG
    assert result.exit_code == 1
    assert result.stdout.startswith(f"--- {spec}\n+++ {spec} (fixed)\n@@ ")
    assert "-    aply: {Dense:" in result.stdout
    assert "+    apply: {Dense: {units: 3" in result.stdout
    assert result.stderr == "9 findings would be fixed, 1 spec is valid.\n"
    write(spec, RIGHT)
    result = call(spec, "--diff")
    assert (result.exit_code, result.stdout) == (0, "")


def test_what_is_only_likely_needs_to_be_asked_for(tmp_path: Path) -> None:
    """Names of layers and tensors that are near are mended by `--unsafe-fixes`, not by `--fix` alone."""
    wrong = "graphspec: 1\ninputs: {image: [2]}\noutputs: {y: {from: imag, apply: [{Dens: 1}, relu]}}\n"
    spec = write(tmp_path / "spec.yaml", wrong)
    result = call(spec, "--fix")
    assert "1 finding fixed, 2 errors left, 2 fixable with `--fix --unsafe-fixes`." in result.stdout
    assert spec.read_text(encoding="utf-8") == wrong.replace("relu", "ReLU")
    assert call(spec, "--fix", "--unsafe-fixes").exit_code == 0
    right = wrong.replace("imag,", "image,").replace("Dens:", "Dense:").replace("relu", "ReLU")
    assert spec.read_text(encoding="utf-8") == right


@pytest.mark.parametrize(
    "text",
    [
        "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: {unit: 1, units: 2}}}}\n",
        "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}, aply: ReLU}}\n",
        "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: {u: 1}}}}\n",
        'graphspec: 1\nvars: {n: "3"}\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: "${n}"}}}\n',
        "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Conv: 1}}}\n",
        "graphspec: [1\n",
    ],
)
def test_what_is_in_doubt_is_left_alone(tmp_path: Path, text: str) -> None:
    """A key that is there already, a far one, a value from an expression, a broken document: nothing is touched."""
    spec = write(tmp_path / "spec.yaml", text)
    assert call(spec, "--fix").exit_code == 1
    assert spec.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("word", ["yes", "on", '"true"', "'Yes'"])
def test_a_truth_of_yaml_1_1_becomes_one_of_1_2(tmp_path: Path, word: str) -> None:
    """Where Keras takes a truth value, `yes` is one, whatever it is to YAML 1.2."""
    text = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: {units: 1, use_bias: WORD}}}}\n"
    spec = write(tmp_path / "spec.yaml", text.replace("WORD", word))
    assert call(spec, "--fix").stdout == "1 finding fixed, 1 spec is valid.\n"
    assert spec.read_text(encoding="utf-8") == text.replace("WORD", "true")


@pytest.mark.parametrize("name", ["spec.json", "spec.yaml"])
def test_json_stays_json(tmp_path: Path, name: str) -> None:
    """Quotes stay around names, and leave numbers."""
    wrong = '{"graphspec": 1, "inputs": {"x": [2]}, "outputs": {"y": {"from": "x", "aply": {"Dense": {"unit": "3"}}}}}'
    spec = write(tmp_path / name, wrong)
    assert call(spec, "--fix").exit_code == 0
    assert spec.read_text() == wrong.replace("aply", "apply").replace("unit", "units").replace('"3"', "3")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_stay(tmp_path: Path, end: str, mark: str) -> None:
    """Nothing but the mistakes changes in the bytes of a file."""
    spec = write(tmp_path / "spec.yaml", mark + WRONG.replace("\n", end))
    call(spec, "--fix")
    assert spec.read_bytes() == (mark + RIGHT.replace("\n", end)).encode("utf-8")


def test_mode_and_link_stay(tmp_path: Path, spec: Path) -> None:
    """A link goes on leading to the file, whose permissions stay, and nothing is left beside it."""
    spec.chmod(0o640)
    link = tmp_path / "links" / "link.yaml"
    link.parent.mkdir()
    link.symlink_to(spec)
    call(link, "--fix")
    assert link.is_symlink()
    assert spec.read_text(encoding="utf-8") == RIGHT
    assert stat.S_IMODE(spec.stat().st_mode) == 0o640
    assert names(tmp_path) == ["links", "spec.yaml"]
    assert names(link.parent) == ["link.yaml"]


def test_standard_input_is_mended_to_standard_output() -> None:
    """An editor gets the text back, mended or not, and what is left to say on standard error."""
    result = call("-", "--fix", stdin=WRONG)
    assert result.stdout == RIGHT
    assert result.stderr == "9 findings fixed, 1 spec is valid.\n"
    assert call("-", "--fix", stdin=RIGHT).stdout == RIGHT
    broken = call("-", "--fix", "--stdin-filename", "x.yaml", stdin="graphspec: [1\n")
    assert (broken.stdout, broken.exit_code) == ("graphspec: [1\n", 1)
    assert "GS002" in broken.stderr


def test_only_files_that_were_named_change(tmp_path: Path) -> None:
    """A mistake in an included file is mended where that file is asked for, and then seen by who includes it."""
    shared = write(tmp_path / "shared.yaml", "graphspec: 1\nlayers: {head: {Dense: {unit: 1}}}\n")
    text = "graphspec: 1\ninclude: shared.yaml\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: head}}\n"
    spec = write(tmp_path / "spec.yaml", text)
    assert call(spec, "--fix").exit_code == 1
    assert "unit:" in shared.read_text(encoding="utf-8")
    assert call(tmp_path, "--fix").stdout == "1 finding fixed, 2 specs are valid.\n"
    assert "units:" in shared.read_text(encoding="utf-8")


def test_what_is_ignored_is_not_mended(tmp_path: Path) -> None:
    """A comment, an option or a setting that hides a finding keeps its text as it is."""
    text = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, aply: ReLU}}  # graphspec: ignore[GS101]\n"
    spec = write(tmp_path / "spec.yaml", text)
    call(spec, "--fix")
    assert spec.read_text(encoding="utf-8") == text
    write(spec, text.partition("  #")[0])
    call(spec, "--fix", "--ignore", "GS101")
    assert "aply" in spec.read_text(encoding="utf-8")


def test_an_unused_rule_leaves_its_comment(tmp_path: Path) -> None:
    """Of several rules the unused ones go; a comment of which nothing is left goes with its line."""
    text = "graphspec: 1\n{}inputs: {{x: [2], z: [1]}}\noutputs: {{y: {{from: x, apply: ReLU}}}}\n"
    spec = write(tmp_path / "spec.yaml", text.format("# graphspec: ignore[GS301, unused, GS409] for now\n"))
    assert call(spec, "--fix").exit_code == 0
    assert spec.read_text() == text.format("# graphspec: ignore[unused] for now\n")
    write(spec, text.format("# graphspec: ignore[GS301]\n"))
    call(spec, "--fix")
    assert spec.read_text() == text.format("")


def test_a_file_that_cannot_be_written_is_told_of(tmp_path: Path, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are written all the same, and the status is 1."""
    other = write(tmp_path / "other.yaml", WRONG)
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if Path(target).name == "other.yaml":
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    result = call(tmp_path, "--fix")
    assert result.exit_code == 1
    assert "cannot write" in result.output
    assert other.read_text(encoding="utf-8") == WRONG
    assert spec.read_text(encoding="utf-8") == RIGHT
    assert names(tmp_path) == ["other.yaml", "spec.yaml"]


def test_editors_can_make_the_same_fixes(spec: Path) -> None:
    """The edits in JSON and in SARIF, made by hand, give what `--fix` gives."""
    text = spec.read_text(encoding="utf-8")
    for _ in range(5):
        findings = json.loads(call("-", "--stdin-filename", spec, "--format", "json", stdin=text).stdout)["findings"]
        edits = [edit for finding in findings if finding["fix"] for edit in finding["fix"]["edits"]]
        lines = text.splitlines(keepends=True)
        for edit in sorted(edits, key=lambda edit: tuple(edit["range"]["start"].values()), reverse=True):
            start, end = edit["range"]["start"], edit["range"]["end"]
            line = lines[start["line"] - 1]
            lines[start["line"] - 1] = line[: start["column"] - 1] + edit["text"] + line[end["column"] - 1 :]
        text = "".join(lines)
    assert text == RIGHT


def misspelled(path: Path, seed: int) -> Iterator[str]:
    """The text of a spec with one letter left out of one of its words."""
    text = path.read_text(encoding="utf-8")
    draw = random.Random(f"{path.name}-{seed}")
    for _ in range(4):
        at = draw.choice([place for place in range(len(text)) if text[place].isalpha()])
        yield text[:at] + text[at + 1 :]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_fix_never_harms(path: Path, tmp_path: Path) -> None:
    """Of specs with a letter missing, fixing leaves a document that reads as well, and has no more to do then."""
    (tmp_path / "data").symlink_to(ROOT / "specs" / "data")
    for number, text in enumerate(misspelled(path, 1)):
        spec = write(tmp_path / f"{number}.yaml", text)
        before = graphspec.validate(spec)
        call(spec, "--fix", "--unsafe-fixes")
        after = graphspec.validate(spec)
        if not any(finding.fix for finding in before):
            assert spec.read_text(encoding="utf-8") == text
        unread = [len([each for each in report if each.rule.code < "GS1"]) for report in (before, after)]
        assert unread[1] <= unread[0]
        assert not any(finding.fix for finding in after)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_sound_specs_are_not_touched(path: Path) -> None:
    """There is nothing to fix in the shipped specs."""
    result = call(path, "--diff", "--unsafe-fixes")
    assert result.stdout == ""


def test_fixing_keeps_the_meaning_of_all_else(spec: Path) -> None:
    """Beside what was wrong the tree is the same."""
    from graphspec.diagnostics import Report

    write(spec, WRONG)
    before = plain(read(spec, Report()))
    call(spec, "--fix")
    after = plain(read(spec, Report()))
    assert {key: before[key] for key in ("graphspec", "inputs", "outputs")} == {
        key: after[key] for key in ("graphspec", "inputs", "outputs")
    }


PLACES = st.tuples(st.integers(0, 12), st.integers(0, 6), st.text("xyz", max_size=3))


@given(st.text("ab\n\r", min_size=1, max_size=12), st.lists(PLACES, max_size=6))
def test_edits_that_touch_are_made_one_after_the_other(text: str, places: list[tuple[int, int, str]]) -> None:
    """Of edits that overlap one is made; each that is made is there, and all between them stays."""
    source = SourceText("x.yaml", text)
    starts = [
        0,
        *(
            place + 1
            for place, each in enumerate(text)
            if each == "\n" or (each == "\r" and text[place + 1 : place + 2] != "\n")
        ),
    ]

    def position(offset: int) -> tuple[int, int]:
        line = max(number for number, start in enumerate(starts) if start <= offset)
        return line + 1, offset - starts[line] + 1

    fixes, spans = [], {}
    for start, length, new in places:
        first = min(start, len(text))
        last = min(first + length, len(text))
        fix = Fix("x", (Edit(Span(source, *position(first), *position(last)), new),))
        fixes.append(fix)
        spans[fix] = (first, last, new)
    data, made = edited(text.encode(), source, fixes)
    chosen = sorted(spans[fix] for fix in made)
    assert all(one[1] <= other[0] for one, other in pairwise(chosen))
    expected, at = "", 0
    for first, last, new in chosen:
        expected += text[at:first] + new
        at = last
    assert data.decode() == expected + text[at:]
    assert bool(made) == bool(fixes)
