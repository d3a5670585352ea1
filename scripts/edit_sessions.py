"""Edits as an editor sends them, at random and as people type: what the language server knows must follow.

    python scripts/edit_sessions.py random --count 10000    random edits; then the state of a fresh start
    python scripts/edit_sessions.py sessions --count 200    specs typed with typos, fixes, renames, undo

Each ends in exit status 1 at the first difference, with the text that shows it.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lsprotocol import types

from graphspec.diagnostics.formats.outcome import FileFinding
from graphspec.editor.server.actions import code_actions
from graphspec.editor.server.checks import Checks
from graphspec.editor.server.diagnostics import diagnostics_by_uri
from graphspec.editor.server.document import LANGUAGE, Document
from graphspec.editor.server.rename import RefusedRenameError, rename
from graphspec.editor.server.workspace import Workspace
from graphspec.validation import validate

SPECS = Path(__file__).parents[1] / "specs"
PIECES = (
    *(
        "a",
        "x",
        "1",
        "9",
        " ",
        "  ",
        "\n",
        "\n  ",
        "\n    ",
        ":",
        ": ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ",",
        '"',
        "'",
        "#",
        "${",
    ),
    *(
        "}",
        "|",
        "&a ",
        "*a",
        "Dense",
        "from: x",
        "apply: ",
        "é",
        "😀",
        "\t",
        "\r\n",
        "null",
        "graphspec: 1\n",
        "include: b.yaml",
    ),
)


class Editor:
    """The documents of an editor in a folder, changed as the protocol changes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace, self.checks = Workspace([str(folder)]), Checks()

    def open(self, name: str, text: str) -> Document:
        uri = (self.folder / name).as_uri()
        document = Document.opened(
            uri, self.workspace.path_of(uri), text, 1, language=LANGUAGE, encoding=self.workspace.encoding
        )
        self.workspace.put(document)
        return document

    def document(self, name: str) -> Document:
        return self.workspace.documents[(self.folder / name).as_uri()]

    def edit(self, name: str, start: int, end: int, text: str) -> None:
        document = self.document(name)
        change = types.TextDocumentContentChangePartial(document.lines.range(start, end), text)
        self.workspace.put(document.changed([change], document.version + 1))

    def apply(self, edit: types.WorkspaceEdit) -> None:
        for uri, edits in (edit.changes or {}).items():
            document = self.workspace.documents[uri]
            places = [
                (document.lines.offset(each.range.start), document.lines.offset(each.range.end), each.new_text)
                for each in edits
            ]
            for start, end, text in sorted(places, reverse=True):
                self.edit(Path(document.path).name, start, end, text)

    def findings(self) -> list[FileFinding]:
        self.checks.update(self.workspace)
        return self.checks.findings(self.workspace)


def shown(editor: Editor) -> dict[str, list[str]]:
    """Return all that the server publishes, as text."""
    found = diagnostics_by_uri(editor.findings(), editor.workspace)
    return {uri: sorted(map(repr, each)) for uri, each in sorted(found.items())}


def random_edits(count: int, seed: int, *, every: int = 1000) -> None:
    """Make random edits in two documents, one of which includes the other; compare with a fresh start now and then."""
    chance = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SPECS.glob("*.yaml"))[:8]]
    with tempfile.TemporaryDirectory() as folder:
        editor = Editor(Path(folder))
        editor.open("a.yaml", "graphspec: 1\ninclude: b.yaml\n" + texts[0].replace("graphspec: 1\n", ""))
        editor.open("b.yaml", "graphspec: 1\nlayers: {shared: {Dense: 3}}\n")
        history: list[tuple[str, str]] = []
        for number in range(1, count + 1):
            name = chance.choice(("a.yaml", "a.yaml", "b.yaml"))
            text = editor.document(name).text
            history.append((name, text))
            start = chance.randrange(len(text) + 1)
            end = min(len(text), start + chance.choice((0, 0, 0, 1, 1, 5, 40)))
            new = chance.choice(("", *PIECES)) if chance.random() < 0.8 else ""
            if chance.random() < 0.02 or len(text) > 6_000:
                start, end, new = 0, len(text), chance.choice(texts)
            elif chance.random() < 0.1:  # undo
                name, new = history[-chance.randrange(1, min(len(history), 9) + 1)]
                start, end = 0, len(editor.document(name).text)
            editor.edit(name, start, end, new)
            if chance.random() < 0.3:
                editor.findings()
            if number % every == 0 or number == count:
                _compare_fresh(editor)


def _compare_fresh(editor: Editor) -> None:
    fresh = Editor(editor.folder)
    for document in editor.workspace.documents.values():
        opened = fresh.open(Path(document.path).name, document.text)
        assert opened.names is not None
        assert document.names is not None
        assert [(each.kind, each.text, each.start) for each in opened.names.uses] == [
            (each.kind, each.text, each.start) for each in document.names.uses
        ], document.text
    assert shown(editor) == shown(fresh), [each.text for each in editor.workspace.documents.values()]


def sessions(count: int, seed: int, *, lines: int = 60) -> int:
    """Type specs character by character with typos, fixes, renames and undo; compare at each pause with `validate`.

    Returns:
        The number of pauses.
    """
    chance = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SPECS.glob("**/*.yaml"))]
    pauses = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            text = "".join(chance.choice(texts).splitlines(keepends=True)[:lines])
            for editor in _session(Path(folder), text, chance):
                pauses += 1
                _compare_validated(editor)
    return pauses


def _session(folder: Path, text: str, chance: random.Random) -> Iterator[Editor]:
    """Yield the editor at each pause of typing `text`."""
    editor = Editor(folder)
    editor.open("typed.yaml", "")
    at, undo = 0, []
    while at < len(text):
        run = chance.randrange(20, 200)
        for sign in text[at : at + run]:
            _type(editor, sign, chance)
        at += run
        undo.append(editor.document("typed.yaml").text)
        yield editor
        if chance.random() < 0.15:  # a slip that stays until it is undone
            here = editor.document("typed.yaml").text
            place = chance.randrange(len(here) + 1)
            editor.edit("typed.yaml", place, min(len(here), place + chance.randrange(4)), chance.choice(PIECES))
            yield editor
            _fix(editor, chance)
            yield editor
            _set_text(editor, undo[-1])
            yield editor
    names = editor.document("typed.yaml").names
    if names is not None and names.names:
        name = chance.choice(names.names)
        document = editor.document("typed.yaml")
        before = _errors(editor)
        with suppress(RefusedRenameError):
            editor.apply(rename(document, document.lines.position(name.start), "renamed", editor.workspace))
        assert _errors(editor) <= before, document.text
        yield editor
    _set_text(editor, text)
    yield editor


def _type(editor: Editor, sign: str, chance: random.Random) -> None:
    """Type a character at the end, sometimes after another one that is deleted again."""
    end = len(editor.document("typed.yaml").text)
    if chance.random() < 0.03:
        editor.edit("typed.yaml", end, end, chance.choice(PIECES))
        editor.edit("typed.yaml", end, len(editor.document("typed.yaml").text), "")
    editor.edit("typed.yaml", end, end, sign)


def _fix(editor: Editor, chance: random.Random) -> None:
    document = editor.document("typed.yaml")
    actions = code_actions(document, editor.findings(), editor.workspace, range=document.lines.whole)
    if actions and (edit := chance.choice(actions).edit) is not None:
        editor.apply(edit)


def _errors(editor: Editor) -> Counter[str]:
    return Counter(each.finding.rule.code for each in editor.findings() if each.finding.is_error)


def _set_text(editor: Editor, text: str) -> None:
    editor.edit("typed.yaml", 0, len(editor.document("typed.yaml").text), text)


def _compare_validated(editor: Editor) -> None:
    text = editor.document("typed.yaml").text
    path = editor.folder / "typed.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    found = sorted((each.rule.code, str(each.span and each.span.place), each.message) for each in validate(path).found)
    path.unlink()
    server = [each.finding for each in editor.findings()]
    assert sorted((each.rule.code, str(each.span and each.span.place), each.message) for each in server) == found, text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["random", "sessions"])
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.kind == "random":
        random_edits(options.count, options.seed)
        print(f"{options.count:,} edits: the state is that of a fresh start")
    else:
        pauses = sessions(options.count, options.seed)
        print(f"{options.count:,} sessions, {pauses:,} pauses: the findings are those of `graphspec validate`")


if __name__ == "__main__":
    main()
