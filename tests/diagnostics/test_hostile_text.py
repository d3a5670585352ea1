"""Text from outside is shown and obeyed in nothing: whatever a spec, a path or a word of the data is called."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main
from graphspec.console.streams import Stream
from graphspec.diagnostics import Diagnostic, SourceText, Span
from graphspec.diagnostics.escapes import escaped, spreadsheet_cell
from graphspec.diagnostics.formats import FORMATS
from graphspec.diagnostics.render import render_one
from graphspec.diagnostics.rules import UNDEFINED_NAME

HOSTILE = (
    "x\n::stop-commands::t\r\n ::add-mask::u\r::debug::v\x0b\x0c\x1b[31m\x1b]0;t\x07\x1bc\x9b2J\x85\u2028\u2029"
    "\u202e\u2066\u200f\u061c\u200b\ufeff\U000e0041\x7f[red][link=http://e.org]##[error]##vso[x]y:bomb:"
)
LEADING = ("::add-mask::x", " \t::add-mask::x", "##[add-mask]x", "\n::add-mask::x", "x\0y", "=1+1")
TEXTS = (HOSTILE, *LEADING)
NAMES = tuple(each for each in TEXTS if "\0" not in each)
"""What a spec, an argument and a file may be called."""

TREE: dict[str, Any] = {
    "graphspec": 1,
    "name": "n",
    "description": "d",
    "vars": {"width": 3},
    "inputs": {"x": [2]},
    "blocks": {"wide": {"params": {"n": 3}, "inputs": "i", "output": {"from": "i", "apply": {"Dense": "${n}"}}}},
    "models": {"m": {"inputs": {"h": [3]}, "outputs": {"o": {"from": "h", "apply": {"Dense": "${width}"}}}}},
    "graph": {
        "a": {"from": "x", "apply": [{"Dense": {"units": 3, "activation": "relu", "name": "d"}}, {"wide": {"n": 3}}]},
        "b": {"from": "a", "apply": "m"},
    },
    "outputs": {"y": {"from": "b", "apply": {"Dense": 1}, "loss": "mse", "metrics": ["mae"]}},
    "training": {
        "optimizer": {"Adam": {"learning_rate": 0.1}},
        "epochs": 1,
        "freeze": ["d"],
        "callbacks": [{"CSVLogger": "log.csv"}, {"EarlyStopping": {"monitor": "loss"}}],
    },
    "search": {"parameters": {"training.epochs": [1, 2]}, "trials": 2},
    "data": {
        "train": {
            "file": "rows.csv",
            "inputs": {"x": {"columns": ["a", "b"]}},
            "outputs": {"y": {"column": "y", "vocabulary": ["u", "v"]}},
        }
    },
    "plugins": ["json"],
}
WORKFLOW_COMMAND = re.compile(r"::(error|warning) file=[^:]*,title=graphspec GS\d\d\d [a-z-]+::.*")


def call(*arguments: object, stdin: str | bytes | None = None, actions: bool = False, columns: str = "80") -> Result:
    """Run `graphspec` in this process, in GitHub Actions or outside of any CI service."""
    service: dict[str, str | None] = {"GITHUB_ACTIONS": "true" if actions else None, "GITHUB_WORKSPACE": None}
    runner = CliRunner(
        env={**service, "CI_PROJECT_DIR": None, "NO_COLOR": None, "FORCE_COLOR": None, "COLUMNS": columns}
    )
    return runner.invoke(main, [str(each) for each in arguments], input=stdin)


def assert_harmless(text: str, *, commands: bool = False) -> None:
    """Nothing in `text` is invisible or obeyed; commands: annotations of findings are what it is for."""
    for character in re.sub(r"[\n\t]", "", text):
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), (hex(ord(character)), text)
    for line in text.split("\n"):
        if line.lstrip().startswith("::"):
            assert commands, line
            assert WORKFLOW_COMMAND.fullmatch(line), line
        else:
            assert not re.search(r"##\S*\[", line), line
    assert "\N{BOMB}" not in text


def assert_answered(done: Result, *, commands: bool = False) -> None:
    """The command has ended in order, with harmless output."""
    assert done.exit_code in (0, 1, 2), done.output
    assert "Traceback" not in done.output, done.output
    assert_harmless(done.stdout, commands=commands)
    assert_harmless(done.stderr)


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value and every key of `tree`."""
    yield at
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield (*at, key, None)
            yield from places(value, (*at, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from places(value, (*at, index))


def replaced(at: tuple[Any, ...], text: str) -> Any:
    """TREE with `text` at that place; a place that ends with None is that of a key."""
    tree: Any = copy.deepcopy(TREE)
    if not at:
        return text
    *path, last = at if at[-1] is not None else at[:-1]
    holder = tree
    for step in path:
        holder = holder[step]
    if at[-1] is not None:
        holder[last] = text
    else:
        items = [(text if key == last else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
    return tree


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the data of TREE."""
    (tmp_path / "rows.csv").write_text("a,b,y\n1,2,u\n3,4,v\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_spec_of_these_tests_is_valid(folder: Path) -> None:
    """What is put into it is the only fault of it, so that every stage comes to see it."""
    Path("s.json").write_text(json.dumps(TREE), encoding="utf-8")
    assert call("validate", "s.json").stdout == "1 spec is valid.\n"


@pytest.mark.parametrize("at", list(places(TREE)), ids=lambda at: ".".join(map(str, at)))
def test_no_place_of_a_spec_gets_anything_obeyed(folder: Path, at: tuple[Any, ...]) -> None:
    """A hostile name, key or value is shown by each command that reads specs, as JSON and as YAML, escaped."""
    for number, text in enumerate(TEXTS):
        written = json.dumps(replaced(at, text))
        Path("s.json").write_text(written, encoding="utf-8")
        Path("s.yaml").write_text(written.replace(r"\udb40\udc41", r"\U000e0041"), encoding="utf-8")
        assert_answered(call("validate", "s.json", actions=True), commands=True)
        assert_answered(call("validate", "s.yaml"))
        assert_answered(call("data", "s.yaml", "--headers"))
        if number == 0:
            assert_answered(call("validate", "s.yaml", "--diff", "--unsafe-fixes"))
            assert_answered(call("fmt", "s.yaml", "--diff", "--check"))
            assert_answered(call("data", "s.yaml", "--json"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("text", NAMES, ids=ascii)
def test_no_format_holds_anything_that_is_obeyed(folder: Path, format: str, text: str) -> None:
    """Each format escapes in its own way, stays well-formed, and those for programs give back the very text."""
    name = text.replace("\0", "").replace("/", "")
    Path(name).mkdir()
    path = f"{name}/{name[:60]}.json"
    tree = replaced(("graph", "a", "apply", 0, "Dense", None), text)
    Path(path).write_text(json.dumps(tree), encoding="utf-8")
    done = call("validate", path, "--format", format)
    assert done.exit_code == 1, done.output
    assert_answered(done, commands=format == "github")
    if format == "github":
        assert done.stdout.count("\n") == len(WORKFLOW_COMMAND.findall(done.stdout)) > 0
    elif format == "json":
        found = json.loads(done.stdout)
        assert found["files"] == [path]
        assert any(text in each["message"] for each in found["findings"])
    elif format == "gitlab":
        assert any(text in each["description"] for each in json.loads(done.stdout))
    elif format == "sarif":
        (run,) = json.loads(done.stdout)["runs"]
        assert any(text in each["message"]["text"] for each in run["results"])
        assert re.fullmatch(r"[A-Za-z0-9%/._~-]+", run["artifacts"][0]["location"]["uri"])
    elif format == "junit":
        (case,) = ElementTree.fromstring(done.stdout).findall("./testsuite/testcase")
        assert case.get("name") == re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", lambda each: escaped(each[0]), path)
    else:
        assert escaped(text) in done.stdout


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_raw_spec_gets_nothing_obeyed(folder: Path, text: str) -> None:
    """What stands in a file as it is, a document or not, is escaped in excerpts and in differences."""
    for name in ("s.yaml", "s.json"):
        for written in (
            text,
            f"graphspec: 1\n{text}: 1\n",
            f"graphspec: 1\ndescription:   |\n  {text}\ninputs: {{x: [2]}}\n",
        ):
            Path(name).write_bytes(written.encode())
            for arguments in (["validate"], ["validate", "--diff"], ["fmt", "--diff"], ["fmt", "--check"], ["summary"]):
                assert_answered(call(*arguments, name, actions=True), commands=True)


ARGUMENTS = """
@
--@
validate @
validate --@ x
validate - --stdin-filename @
validate s.json --set @
validate s.json --set @=1
validate s.json --set training.epochs=@
validate s.json --set training=@
validate s.json --select @
validate s.json --format @
validate s.json --jobs @
validate s.json -o s.json/@
fmt @
summary @
data @
data s.json --split @
data s.json -o s.json/@.png
schema -o s.json/@
train @
train --resume @
train --resume x --set @
tune @
tune --resume @
verify-resume @
runs @
runs @ @
runs --sort @
runs compare @ @
evaluate @
evaluate x -i @
predict @ --split test
predict x -i @
predict x --rows @
predict x --split test -o @
export @ --to keras
export x --to @
report @
layers @
layers --kind @
explain @
explain --format @
cache @
"""
"""Calls, with text from outside for every `@`."""


@pytest.mark.parametrize("text", NAMES, ids=ascii)
def test_no_argument_gets_anything_obeyed(folder: Path, text: str) -> None:
    """What stands on the command line is shown escaped: names of files, values of options, unknown commands."""
    Path("s.json").write_text(json.dumps(TREE), encoding="utf-8")
    name = text.replace("/", "")
    for line in ARGUMENTS.split("\n")[1:-1]:
        arguments = [word.replace("@", name) for word in line.split(" ")]
        for actions in (False, True):
            assert_answered(call(*arguments, stdin="graphspec: 1\n", actions=actions), commands=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a hostile name, with a hostile spec of hostile words, trained twice; the current folder."""
    folder = tmp_path_factory.mktemp("trained")
    tree = copy.deepcopy(TREE)
    tree["description"] = HOSTILE
    tree["training"]["callbacks"][1]["EarlyStopping"]["verbose"] = 1
    outputs = tree["data"]["train"]["outputs"]["y"]
    tree["outputs"]["y"] = {"from": "b", "apply": {"Dense": len(TEXTS)}, "metrics": ["accuracy"]}
    tree["outputs"]["y"]["loss"] = {"SparseCategoricalCrossentropy": {"from_logits": True}}
    outputs |= {"column": HOSTILE, "vocabulary": [*NAMES, "u"]}
    tree["data"]["train"] |= {"file": f"{NAME}.csv", "inputs": {"x": {"columns": ["::add-mask::x", "=1+1"]}}}
    tree["data"]["test"] = copy.deepcopy(tree["data"]["train"])
    del tree["plugins"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path(f"{NAME}.json").write_text(json.dumps(tree), encoding="utf-8")
        with open(f"{NAME}.csv", "w", encoding="utf-8", newline="") as file:
            rows = [[number, -number, word] for number, word in enumerate(NAMES)]
            csv.writer(file).writerows([["::add-mask::x", "=1+1", HOSTILE], *rows])
        for number in (1, 2):
            assert_answered(call("train", f"{NAME}.json", "--run-dir", f"{NAME}/{number}", actions=True))
            assert Path(NAME, str(number), "model.keras").exists()
        yield folder


NAME = HOSTILE.replace("/", "")


@pytest.mark.parametrize(
    "line",
    [
        *("validate @.json --deep", "summary @.json", "data @.json", "data @.json --json"),
        *("train --resume @/1", "train @.json --run-dir @/1", "runs @", "runs @"),
        *("runs @ --sort loss", "runs @ --sort @", "runs @ --json"),
        *("runs compare @/1 @/2", "runs compare @/1 @/2 --json", "evaluate @/1 --split train", "evaluate @ --json"),
        *("predict @/1 --split train", "predict @/1 --split train -o @.csv --force"),
        *("predict @/1 --split train -o @.npy", "predict @/1 --split train -o @.jsonl --force"),
        *("predict @/1 -i x=@.csv#@", "predict @/1 -i x=@.csv"),
        *("export @/1 --to keras --force", "export @/1 --to keras -o @.keras --force --json", "evaluate @.keras"),
        *("report @/1", "report @/1 -o @.html"),
    ],
)  # fmt: skip
def test_what_is_trained_from_hostile_words_gets_nothing_obeyed(trained: Path, line: str) -> None:
    """Paths of runs, columns and words of data come to the terminal escaped, in tables and progress too."""
    arguments = [word.replace("@", NAME) for word in line.split(" ")]
    for columns in ("9", "90"):
        done = call(*arguments, actions=True, columns=columns)
        assert_answered(done, commands=line.startswith("validate"))
        if done.exit_code == 0 and "--json" in line:
            assert all(json.loads(each) for each in done.stdout.splitlines())


def test_files_of_a_run_hold_nothing_that_is_obeyed(trained: Path) -> None:
    """A log, a table and a page are read on terminals and opened in spreadsheets and browsers."""
    run = Path(NAME, "1")
    assert_harmless((run / "log.txt").read_text(encoding="utf-8"))
    assert_harmless((run / "metrics.csv").read_text(encoding="utf-8"))
    assert call("report", run, "-o", "page.html").exit_code == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert not re.search(
        "[\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\u200b-\\u200f\\ufeff\\U000e0041]", page
    )


def test_a_table_of_predictions_runs_no_formula(trained: Path) -> None:
    """Words that a spreadsheet would compute are quoted in `.csv`, unless asked for; other formats keep them."""
    assert call("predict", f"{NAME}/1", "--split", "train", "-o", "out.csv").exit_code == 0
    assert call("predict", f"{NAME}/1", "--split", "train", "-o", "raw.csv", "--raw-text").exit_code == 0
    assert call("predict", f"{NAME}/1", "--split", "train", "-o", "out.jsonl").exit_code == 0
    with open("out.csv", encoding="utf-8", newline="") as file:
        heads, *rows = csv.reader(file)
    with open("raw.csv", encoding="utf-8", newline="") as file:
        raw_heads, *raw_rows = csv.reader(file)
    lines = [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["y"] for row in lines] == [row[1] for row in raw_rows]
    assert set(lines[0]) >= {"sample", "y", "y_=1+1", f"y_{HOSTILE}"}
    for head in (*heads, *raw_heads):
        assert_harmless(head)
    for row, raw in zip(rows, raw_rows, strict=True):
        assert row[1] == spreadsheet_cell(raw[1])
        assert row[2:] == raw[2:]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *[(each, each) for each in ("word", "-1.5", "+2", "1e-3", "-inf", "a=b", "a - b", "", "x@y", "1;2")],
        *[(f"{sign}cmd|' /C calc'!A0", f"'{sign}cmd|' /C calc'!A0") for sign in "=+-@\uff1d\uff0b\uff0d\uff20"],
        *[(f"{blank}=1", f"'{blank}'=1") for blank in "\t\r\n"],
        *[(f"{blank}=1", f"'{blank}=1") for blank in (" ", '"', "\u200b", "\ufeff", "\x00")],
        *[("\tx", "'\tx"), ("\rx", "'\rx"), ("a;=1", "a;'=1"), ("a\t-x", "a\t'-x"), ("a\n@x", "a\n'@x")],
        *[("-1_0", "'-1_0"), ("-1 ", "'-1 "), ("-1+1", "'-1+1"), ("--1", "'--1")],
    ],
    ids=ascii,
)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str, shown: str) -> None:
    """A formula may begin a cell, behind what is trimmed, or behind what other settings take for the end of a cell."""
    assert spreadsheet_cell(text) == shown


def test_carets_stand_under_what_they_mark() -> None:
    """Where a character is shown by its escape, or takes two columns, or none, the caret is where the text is."""
    for before, width in (
        ("plain", 5),
        ("a\u202eb", 8),
        ("\x1b[", 5),
        ("\t", 1),
        ("\u5b57", 2),
        ("e\u0301", 1),
        ("##[", 6),
    ):
        line = f"{before}wrong\u2066 rest"
        span = Span(SourceText("s.yaml", line), 1, len(before) + 1, 1, len(before) + 7)
        _, _, shown, below, *_ = render_one(Diagnostic(UNDEFINED_NAME, "m", span)).split("\n")
        start = below.index("^") - len("  | ")
        assert start == width
        assert below.strip(" |\t") == "^" * len("wrong\\u2066")
        assert shown.endswith("wrong\\u2066 rest")
        assert_harmless(shown + below)


def test_a_terminal_keeps_its_bars_and_nothing_else() -> None:
    """Colours pass everywhere, cursor movements on a terminal, and no other sequence: titles, links, clipboards."""
    written = "\r\x1b[2K\x1b[31mred\x1b[0m\x1b]8;;http://e.org\x07\x1b]52;c;eA==\x07\x1bP\x9b2J\x07\n"
    shown = {}
    for is_terminal in (False, True):
        text = io.StringIO()
        text.isatty = lambda answer=is_terminal: answer  # type: ignore[method-assign, misc]
        Stream(text, ends=True).write(written)
        shown[is_terminal] = text.getvalue()
    rest = r"\x1b]8;;http://e.org\x07\x1b]52;c;eA==\x07\x1bP\x9b2J\x07"
    assert shown[True] == f"\r\x1b[2K\x1b[31mred\x1b[0m{rest}\n"
    assert shown[False] == r"\r\x1b[2K" + f"\x1b[31mred\x1b[0m{rest}\n"
    text = io.StringIO()
    stream = Stream(text, ends=True)
    for part in ("  ", "::add-mask::x", "::y\r\n", " \u3000", "::z\n", "a ", "::b\n"):
        stream.write(part)
    assert text.getvalue() == "  \\x3a:add-mask::x::y\r\n \u3000\\x3a:z\na ::b\n"
