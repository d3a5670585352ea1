"""Open texts: positions in every encoding, edits, and what is no spec."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import (
    Position,
    Range,
    TextDocumentContentChangePartial,
    TextDocumentContentChangeWholeDocument,
)

from graphspec.diagnostics import Report, SpecError
from graphspec.editor.server.document import Document
from graphspec.editor.server.positions import Encoding, Lines
from graphspec.editor.server.shift import Shift
from graphspec.editor.server.syntax import parse
from graphspec.editor.server.values import Value
from graphspec.editor.server.workspace import Workspace
from graphspec.language.document import read
from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import plain
from tests.editor.server.editor import Editor

ROOT = Path(__file__).parents[3]
TEXTS = st.text(st.sampled_from("ab: -\n\r\u2028\x85{}[]\"'#é😀\t,|&*${}"), max_size=60)


def document(text: str, encoding: Encoding = "utf-16") -> Document:
    return Document("file:///spec.yaml", "/spec.yaml", text, encoding=encoding)


@pytest.mark.parametrize(("encoding", "unit"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)])
def test_positions_count_units_of_the_encoding(encoding: Encoding, unit: int) -> None:
    """A character beyond the first 65,536 is two units of UTF-16; a position inside of it is its start."""
    lines = Lines("name: 😀x\n", encoding)
    assert lines.position(7) == Position(0, 6 + unit)
    assert lines.offset(Position(0, 6 + unit)) == 7
    assert lines.offset(Position(0, 6 + unit - 1)) == 6


@pytest.mark.parametrize(
    ("position", "offset"), [(Position(9, 0), 6), (Position(0, 99), 2), (Position(1, 2_000_000_000), 5)]
)
def test_positions_past_the_end_are_the_end(position: Position, offset: int) -> None:
    """The end of a line or of the text stands for whatever lies behind it."""
    assert Lines("ab\r\ncd"[:2] + "\r\nc\n").offset(position) == offset


@given(TEXTS, st.integers(0, 70))
def test_offsets_and_positions_are_inverse(text: str, offset: int) -> None:
    """Every offset outside of a line end has a position that leads back to it."""
    lines = Lines(text)
    offset = min(offset, len(text))
    position = lines.position(offset)
    at_line_end = text[offset - 1 : offset + 1] == "\r\n"
    assert at_line_end or lines.offset(position) == offset


@given(TEXTS, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40), st.integers(0, 9), st.integers(0, 40), TEXTS)))
def test_edits_in_pieces_give_the_same_as_the_whole_text(text: str, edits: list[Any]) -> None:
    """After any edits the document is the one that is opened with the last text."""
    edited, expected = document(text), text
    for line, column, last, end, new in edits:
        lines = Lines(expected)
        start, stop = sorted((lines.offset(Position(line, column)), lines.offset(Position(last, end))))
        expected = expected[:start] + new + expected[stop:]
        change = TextDocumentContentChangePartial(Range(Position(line, column), Position(last, end)), new)
        edited = edited.changed([change], edited.version + 1)
    assert edited.text == expected
    assert document("").changed([TextDocumentContentChangeWholeDocument(expected)], 2).text == expected


@pytest.mark.parametrize(
    ("text", "name", "language", "is_spec"),
    [
        ("graphspec: 1\n", "a.yaml", "yaml", True),
        ("services: {}\n", "docker-compose.yaml", "yaml", False),
        ("", "new.graphspec.yaml", "yaml", True),
        ("", "a.yaml", "graphspec", True),
        ('{"graphspec": 1}', "a.json", "json", True),
        ("\ud800", "a.yaml", "yaml", False),
    ],
)
def test_what_is_a_spec(text: str, name: str, language: str, is_spec: bool, editor: Editor) -> None:
    """A document is a spec by its first key, by its name, or because the editor says so."""
    assert editor.open(text, name, language).is_spec is is_spec


def test_a_document_stays_a_spec(editor: Editor) -> None:
    """The findings do not vanish because the first key is edited."""
    opened = editor.open("graphspec: 1\n", language="yaml")
    assert editor.edit(opened, 0, 4, "").is_spec


@pytest.mark.parametrize(
    "uri",
    ["untitled:Untitled-1", "git:/a/b.yaml?ref", "file:///a%00b", "", "http://[::1", "inmemory://model/1", "file:"],
)
def test_a_uri_that_is_no_file_has_a_path_in_the_workspace(uri: str, tmp_path: Path) -> None:
    """Any URI has a path without NUL, so that such texts are checked as well."""
    path = Workspace([str(tmp_path)]).path_of(uri)
    assert Path(path).is_absolute()
    assert "\0" not in path


def value_of(value: Value | None) -> Any:
    if value is None:
        return None
    if value.kind == "mapping":
        return {each.key.text: value_of(each.value) for each in value.entries}
    if value.kind == "list":
        return list(map(value_of, value.items))
    return value.text if value.style else resolve(value.text)


def test_a_valid_text_is_read_as_yaml_is() -> None:
    """The tolerant reader gives the values that `language.document` reads, for whatever has no error."""
    for path in sorted([*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("tests/rules/*/*.yaml")]):
        report = Report()
        try:
            expected = plain(read(path, report))
        except SpecError:
            continue
        text = path.read_text(encoding="utf-8-sig")
        if not report.errors and not any(sign in text for sign in "*|>"):  # aliases and block scalars have no values
            assert value_of(parse(text)) == expected, path


def test_json_is_read_too() -> None:
    """A spec in JSON has the same values."""
    tree = {
        "graphspec": 1,
        "inputs": {"x": [4, None]},
        "graph": {"a": {"from": "x", "apply": [{"Dense": {"units": 3}}]}},
    }
    assert value_of(parse(json.dumps(tree, indent=2))) == tree
    assert value_of(parse(json.dumps(tree))) == tree


@given(TEXTS)
def test_no_text_is_too_broken_to_be_read(text: str) -> None:
    """Whatever half of a text is missing, every value lies within it."""
    waiting = [parse(text)]
    for value in waiting:
        assert 0 <= value.start <= value.end <= len(text)
        waiting += value.children()


def test_a_text_cut_anywhere_is_read() -> None:
    """Typing a spec character by character never fails, and costs no more than its length."""
    text = (ROOT / "specs" / "wine.yaml").read_text(encoding="utf-8")
    places = random.Random(0)
    for _ in range(300):
        cut = places.randrange(len(text))
        parse(text[:cut])
        parse(text[:cut] + text[cut + places.randrange(40) :])


@pytest.mark.parametrize(
    "text", ["[" * 5_000, "{a: " * 5_000, "- " * 5_000, "\n".join(" " * i + "a:" for i in range(500))]
)
def test_deep_nesting_ends(text: str) -> None:
    """Nesting deeper than any spec is read as text."""
    assert parse(text).end <= len(text)


@given(TEXTS, st.integers(0, 60), st.integers(0, 60), TEXTS)
def test_places_outside_of_an_edit_are_kept(text: str, start: int, end: int, new: str) -> None:
    """While a text is checked again, what the edit left alone has its place, before and behind it."""
    start, end = sorted((min(start, len(text)), min(end, len(text))))
    shift = Shift(text, text[:start] + new + text[end:])
    for offset in range(len(shift.new)):
        old = shift.to_old(offset)
        assert old is None or shift.old[old] == shift.new[offset]
    for offset in range(len(text)):
        place = shift.to_new(offset, offset + 1)
        assert place is None or shift.new[slice(*place)] == text[offset]
        assert place is not None or start <= offset < end or text[offset] in text[start:end] + new
