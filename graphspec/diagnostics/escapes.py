r"""Untrusted text → text that has no effect on a terminal, a log, a CI service or a spreadsheet.

Names, values, paths and messages of other programs may hold line breaks, colours, bidirectional controls, and commands
of CI services (`::add-mask::` at the start of a line, `##[error]` anywhere in it). Characters that are not
`str.isprintable` are escaped as in Python, such as `\n`, `\x1b` or `\u202e`; a byte of a file name that is not UTF-8 is
escaped as that byte. Spaces of all kinds are kept.
"""

from __future__ import annotations

import json
import re
from typing import Any
from unicodedata import category

_MARKED = re.compile(r"##(?=[^\s\[\]#]*\[)")
"""The beginning of a command that a CI service finds anywhere in a line: `##[group]`, `##vso[task.setvariable]`."""

_COMMAND = re.compile(r"(\s*):(?=:)")
"""The beginning of a line that GitHub reads as a command, even after spaces."""

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""The control sequences that graphspec itself writes: colours, and cursor movements of progress bars."""

_IGNORE = re.compile(r"(?<=graphspec):(?=\s*ignore)")
"""The colon of a comment that hides findings: `# graphspec: ignore[GS305]`."""

_NOTHING = re.compile(r"(?!)")

_FORMULA = re.compile(
    r"(?:^(?=[\s\"\x00-\x1f\u200b-\u200f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
    r"|(?<=[;\t\r\n])(?=\"?[=+\-@\uff1d\uff0b\uff0d\uff20]))"
)
"""The places where a spreadsheet begins a formula: at the start of a cell, and after `;` or a tab."""


def escaped(text: object) -> str:
    """Return `text` as one line of visible characters without commands of CI services."""
    text = str(text)
    return _without_command(text if _is_plain(text) else "".join(characters(text)))


def characters(text: str) -> list[str]:
    """Return each character of `text` as it is shown, so that columns can be computed."""
    escapes = [_character(each) for each in text]
    for match in _MARKED.finditer(text):
        escapes[match.end() - 1] = r"\x23"
    return escapes


def escaped_lines(text: object) -> str:
    """Return `text` escaped except line breaks and tabs: for a page, not for a log."""
    return "\n".join(map(_with_tabs, str(text).split("\n")))


def safe_line(line: str, allowed: re.Pattern[str] = _NOTHING, *, at_start: bool = True) -> str:
    """Return a line with only printable text, tabs and `allowed` control sequences.

    Args:
        line: The line, without its line break.
        allowed: A pattern of control sequences.
        at_start: Nothing of the line was written before.
    """
    if not _is_plain(line):
        parts, at = [], 0
        for match in allowed.finditer(line):
            parts += [_with_tabs(line[at : match.start()]), match[0]]
            at = match.end()
        line = "".join([*parts, _with_tabs(line[at:])])
    return _without_command(line) if at_start else line


def spreadsheet_cell(text: str) -> str:
    """Return `text` with an apostrophe before every formula; numbers are unchanged."""
    if _is_number(text):
        return text
    guarded = _FORMULA.sub("'", text)
    return f"'{guarded}" if text[:1] in ("\t", "\r", "\n") and guarded == text else guarded


def heading(name: str) -> str:
    """Return `name` as the header of a column in a file for spreadsheets."""
    return spreadsheet_cell(escaped(name))


def comment_text(text: str) -> str:
    """Return `text` as part of a comment of a spec: printable, on one line, and without effect on findings."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return _IGNORE.sub(r"\\x3a", " ".join(line.split()))


def json_text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON in printable ASCII, without commands of CI services."""
    text = json.dumps(value, indent=indent).replace("\x7f", r"\u007f")
    return _MARKED.sub(r"#\\u0023", text)


def json_line(value: Any) -> str:
    """Return `value` as JSON on one line for any reader, with printable characters unescaped."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json_text(each)[1:-1] for each in text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text == text.strip()


def _is_plain(text: str) -> bool:
    return text.isprintable() and "##" not in text


def _character(character: str) -> str:
    if character.isprintable() or category(character) == "Zs":
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def _with_tabs(text: str) -> str:
    return "\t".join("".join(characters(each)) for each in text.split("\t"))


def _without_command(line: str) -> str:
    match = _COMMAND.match(line)
    return f"{match[1]}\\x3a{line[match.end() :]}" if match is not None else line
