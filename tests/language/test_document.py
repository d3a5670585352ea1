"""Text → tree: what scalars mean, where everything stands, and that hostile or broken text is refused at its place."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml

import graphspec
from graphspec.diagnostics import Report, SourceText, Span, SpecError
from graphspec.diagnostics.render import render
from graphspec.language.document import read
from graphspec.language.document.limits import MAX_LINES
from graphspec.language.document.read_json import read_json
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Mapping
from graphspec.spec import inspect


def yaml(text: str) -> Any:
    """The value of a YAML text without findings."""
    report = Report()
    value = read_yaml(SourceText("spec.yaml", text), report)
    assert not len(report)
    return value


def read_whole(path: Path) -> None:
    """Read a file, and raise for findings that left a tree as well."""
    report = Report()
    read(path, report)
    report.raise_if_errors()


def refusal(text: str | bytes, path: Path) -> SpecError:
    """What reading `text` from a file raises, which must not take long."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    start = time.monotonic()
    with pytest.raises(SpecError) as caught:
        read_whole(path)
    assert time.monotonic() - start < 3
    assert render(caught.value.report)
    return caught.value


def only(error: SpecError) -> tuple[str, int, int]:
    """Code, line and column of the only finding."""
    (finding,) = error.report
    assert finding.span is not None
    return finding.rule.code, finding.span.line, finding.span.column


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("0b1", "0b1"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("+3", 3),
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.2.3", "1.2.3"),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("inf", "inf"),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("None", "None"),
        ("2001-12-14", "2001-12-14"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("٣", "٣"),
        ("²", "²"),
        ("9" * 101, "9" * 101),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    """A plain scalar has the value of YAML's core schema, and a quoted one is text."""
    read = yaml(f"key: {text}")["key"]
    assert (read, type(read)) == (value, type(value))


def test_empty_value_is_null() -> None:
    """A key without a value holds null, and `.nan` is no number."""
    assert yaml("key:") == {"key": None}
    assert math.isnan(yaml("[.nan]")[0])


def test_keys_are_text() -> None:
    """Keys are text, as in JSON, whatever they look like."""
    assert list(yaml("{0: a, true: b, 1.5: c, ~: d, &x 7: e}")) == ["0", "true", "1.5", "~", "7"]


def place(span: Span) -> tuple[int, int, int, int]:
    """Where a span starts and ends."""
    return span.line, span.column, span.end_line, span.end_column


YAML_PLACES = "a: 1\nlist:\n  - x\n  - {b: 'q', c: [1, 2]}\nlast: |\n  text\n"
JSON_PLACES = '{\n  "a": 1,\n  "list": ["x", {"b": "q"}]\n}\n'


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_yaml_places(newline: str) -> None:
    """Each key and value knows its first and last character, at any kind of line end."""
    tree = yaml(YAML_PLACES.replace("\n", newline))
    assert place(tree.key_spans["a"]) == (1, 1, 1, 2)
    assert place(tree.value_spans["a"]) == (1, 4, 1, 5)
    inner = tree["list"][1]
    assert place(tree["list"].item_spans[0]) == (3, 5, 3, 6)
    assert place(inner.value_spans["b"]) == (4, 9, 4, 12)
    assert place(inner["c"].item_spans[1]) == (4, 21, 4, 22)
    assert place(inner.span) == (4, 5, 4, 24)
    assert tree["last"] == "text\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_json_places(newline: str) -> None:
    """JSON has places as YAML has."""
    report = Report()
    tree = read_json(SourceText("spec.json", JSON_PLACES.replace("\n", newline)), report)
    assert tree == {"a": 1, "list": ["x", {"b": "q"}]}
    assert place(tree.key_spans["a"]) == (2, 3, 2, 6)
    assert place(tree.value_spans["a"]) == (2, 8, 2, 9)
    assert place(tree["list"].item_spans[0]) == (3, 12, 3, 15)
    assert place(tree["list"][1].value_spans["b"]) == (3, 23, 3, 26)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_report_shows_the_line(newline: str, tmp_path: Path) -> None:
    """The line that a report shows is the line that its number names."""
    text = "graphspec: 1\ninputs: {x: [1]}\noutputs: {y: {from: x, aply: Flatten}}\n".replace("\n", newline)
    path = tmp_path / "spec.yaml"
    path.write_bytes(text.encode())
    shown = render(inspect(path)[1]).splitlines()
    assert shown[0].startswith(f"{path}:3:24: error[GS101]")
    assert shown[2:4] == [
        "3 | outputs: {y: {from: x, aply: Flatten}}",
        "  | " + " " * 23 + "^^^^ one of the 11 keys here",
    ]


def test_mark_at_the_start_is_passed_over(tmp_path: Path) -> None:
    """A byte order mark counts neither as a character nor as a column."""
    for name, text in (("a.yaml", "graphspec: 2\n"), ("a.json", '{"graphspec": 2}')):
        path = tmp_path / name
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert read(path, Report()) == {"graphspec": 2}


def test_astral_characters_count_as_one_column() -> None:
    """A character outside the basic plane is one column wide, in YAML and in JSON."""
    assert place(yaml('{"🙂": 1}').value_spans["🙂"]) == (1, 7, 1, 8)
    assert place(read_json(SourceText("a.json", '{"🙂": 1}'), Report()).value_spans["🙂"]) == (1, 7, 1, 8)


def test_shared_alias_is_one_value() -> None:
    """An alias stands for the anchor's own value, and the alias has a place of its own."""
    tree = yaml("a: &x {k: 1}\nb: *x\nc: [*x]")
    assert tree["a"] is tree["b"] is tree["c"][0]
    assert place(tree.value_spans["b"]) == (2, 4, 2, 6)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3", ("GS003", 3, 1)),
        ("a: 1\n---\nb: 2", ("GS004", 2, 1)),
        ("a: !!str 1", ("GS005", 1, 4)),
        ("a: !local [1]", ("GS005", 1, 4)),
        ("a: *nothing", ("GS009", 1, 4)),
        ("a: &x [*x]", ("GS009", 1, 8)),
        ("a: &x {b: {c: *x}}", ("GS009", 1, 15)),
        ("<<: {a: 1}", ("GS007", 1, 1)),
        ("? [a]\n: 1", ("GS007", 1, 3)),
        ("a: {b: 1", ("GS002", 1, 9)),
        ("a: 'b", ("GS002", 1, 4)),
        ("a: b: c", ("GS002", 1, 5)),
        ("a:\n\t- b", ("GS002", 2, 1)),
        ("a: \x00", ("GS002", 1, 4)),
        ("a: \x07", ("GS002", 1, 4)),
        ("", ("GS008", 1, 1)),
        ("# nothing\n", ("GS008", 1, 1)),
        ("[1]", ("GS008", 1, 1)),
        ("text", ("GS008", 1, 1)),
        ("%YAML 1.3\n%FOO", ("GS002", 1, 1)),
        (b"a: \xff\xfe", ("GS001", 1, 4)),
        (b"a: 1\nb: \xe9", ("GS001", 2, 4)),
        ("a: b".encode("utf-16"), ("GS001", 1, 1)),
    ],
)
def test_broken_yaml_is_refused_at_its_place(text: str | bytes, found: tuple[str, int, int], tmp_path: Path) -> None:
    """Each way in which a YAML text can be no spec is one finding at its place."""
    assert only(refusal(text, tmp_path / "spec.yaml")) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1, "a": 2}', ("GS003", 1, 10)),
        ('{"a": NaN}', ("GS002", 1, 7)),
        ('{"a": -Infinity}', ("GS002", 1, 7)),
        ('{"a": NaNa}', ("GS002", 1, 7)),
        ('{"a": 1,}', ("GS002", 1, 8)),
        ('{"a": 1', ("GS002", 1, 8)),
        ("{'a': 1}", ("GS002", 1, 2)),
        ('{"a": "\x00"}', ("GS002", 1, 8)),
        ('{"a": 1} 2', ("GS002", 1, 10)),
        ("", ("GS002", 1, 1)),
        ("[]", ("GS008", 1, 1)),
        ("3", ("GS008", 1, 1)),
        ("null", ("GS008", 1, 1)),
    ],
)
def test_broken_json_is_refused_at_its_place(text: str, found: tuple[str, int, int], tmp_path: Path) -> None:
    """Each way in which a JSON text can be no spec is one finding at its place."""
    assert only(refusal(text, tmp_path / "spec.json")) == found


def test_json_surrogates() -> None:
    """A pair of escaped surrogates is one character; a lone one, which no file can hold, is a finding."""
    assert read_json(SourceText("a.json", r'{"a": "\ud83d\ude42"}'), Report()) == {"a": "🙂"}
    report = Report()
    assert read_json(SourceText("a.json", r'{"a": "\ud83d"}'), report) == {"a": "\N{REPLACEMENT CHARACTER}"}
    assert [(each.rule.code, each.span.column) for each in report if each.span] == [("GS002", 7)]


@pytest.fixture(params=["CBaseLoader", "BaseLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by each of PyYAML's parsers: the one in C refuses depth itself since 6.0.4, the one in Python does not."""
    if not hasattr(pyyaml, request.param):
        pytest.skip("this PyYAML has no parser in C")
    monkeypatch.setattr(sys.modules["graphspec.language.document.read_yaml"], "_LOADER", getattr(pyyaml, request.param))


@pytest.mark.smoke
@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "{", "[{", "&a [", "!t ["])
def test_deep_yaml_is_refused(opening: str, tmp_path: Path) -> None:
    """Nested collections are refused where they go too deep, however deep, without recursing."""
    before = "# é🙂\r\nx: [*y, 1]\nx: !t 1\ny: " + ("\n  " if opening in ("- ", "? ") else "")
    for depth, after in ((101, "@"), (1_001, ""), (100_000, "]}")):
        last = refusal(before + opening * depth + after, tmp_path / "spec.yaml").report.errors[-1]
        assert last.rule.code == "GS006", (depth, after)
        assert last.span is not None
        assert last.span.line == before.count("\n") + 1


@pytest.mark.usefixtures("loader")
def test_broken_yaml_that_is_not_deep_is_broken(tmp_path: Path) -> None:
    """Brackets in texts and comments, and many beside each other, are not taken for depth where the syntax is wrong."""
    for text in ('a: "' + "[" * 2_000 + '"\nb: [', "# " + "[" * 2_000 + "\nb: [", "a: [" + "[1], " * 2_000):
        assert only(refusal(text, tmp_path / "spec.yaml"))[0] == "GS002"


@pytest.mark.smoke
@pytest.mark.parametrize("opening", ["[", '{"a": '])
@pytest.mark.parametrize("after", ["", "1", "@", "]]}", '"'])
def test_deep_json_is_refused(opening: str, after: str, tmp_path: Path) -> None:
    """The same in JSON, closed, wrong or not, at the first bracket that is too deep."""
    closing = {"[": "]", '{"a": ': "}"}[opening]
    for depth in (102, 999, 1_001, 100_000):
        for text in (opening * depth + after, opening * depth + "1" + closing * depth):
            assert only(refusal(text, tmp_path / "spec.json")) == ("GS006", 1, 100 * len(opening) + 1)


def test_broken_json_that_is_not_deep_is_broken(tmp_path: Path) -> None:
    """Brackets in texts are not taken for depth, in texts that never end either."""
    for text in ('{"a": "' + "[" * 2_000 + '", b}', '{"a": "' + "[" * 2_000, '{"a": "' + "[" * 2_000 + '\n"}'):
        assert only(refusal(text, tmp_path / "spec.json"))[0] == "GS002"


def test_alias_bomb_is_refused(tmp_path: Path) -> None:
    """Aliases that expand to billions of values are refused as soon as they pass the limit."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert only(refusal("\n".join(lines), tmp_path / "spec.yaml"))[0] == "GS006"


def test_large_file_is_refused(tmp_path: Path) -> None:
    """A file of ten megabytes is refused before it is parsed."""
    path = tmp_path / "spec.yaml"
    error = refusal(b"a: " + b"x" * 10_000_000, path)
    assert [finding.rule.code for finding in error.report] == ["GS006"]


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder, and a file that is not there, are named with the reason."""
    for path, reason in ((tmp_path, "is a directory"), (tmp_path / "no.yaml", "no such file or directory")):
        spec, report = inspect(path)
        (finding,) = report
        assert spec is None
        assert (finding.rule.code, finding.message) == ("GS001", f"cannot read {path}: {reason}")


def test_several_findings_are_all_reported(tmp_path: Path) -> None:
    """Findings that leave the rest readable do not hide each other, nor a syntax error below them."""
    error = refusal("a: 1\na: 2\nb: !x 3\nc: *d\n<<: 1\ne: [", tmp_path / "spec.yaml")
    assert [finding.rule.code for finding in error.report] == ["GS003", "GS005", "GS009", "GS007", "GS002"]


def test_tree_types() -> None:
    """Containers of the tree are dicts and lists, so that later stages take them as plain data."""
    tree = yaml("{a: [1]}")
    assert isinstance(tree, Mapping)
    assert isinstance(tree, dict)
    assert isinstance(tree["a"], list)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_bounded(end: str, tmp_path: Path) -> None:
    """As many lines as there may be are read; one more is refused where it begins."""
    path = tmp_path / "spec.yaml"
    text = end.join(["graphspec: 1", "inputs: {x: [4]}", "outputs: {y: {from: x, apply: {Dense: 2}}}", ""])
    path.write_bytes((text + end * (MAX_LINES - 3)).encode())
    assert len(graphspec.validate(path)) == 0
    path.write_bytes((text + end * (MAX_LINES - 3) + "#").encode())
    (found,) = graphspec.validate(path)
    assert found.span is not None
    assert (found.rule.code, found.span.line, found.span.column) == ("GS006", MAX_LINES + 1, 1)
