r"""Text from outside → text that a terminal, a log, a CI service and a spreadsheet show, and obey in nothing.

Names, values, paths and messages of other programs may hold line breaks, colours, marks that turn the direction of
writing, and commands of CI services (`::add-mask::` at the start of a line, `##[error]` anywhere in it). What is not
printable in the sense of `str.isprintable` is written as Python writes it in a text, such as `\n`, `\x1b` or `\u202e`;
a byte of a file name that is not UTF-8 is written as that byte. Spaces of all kinds stay.
"""

from __future__ import annotations

import json
import re
from typing import Any
from unicodedata import category

_MARKED = re.compile(r"##(?=[^\s\[\]#]*\[)")
"""How a command begins that a CI service finds anywhere in a line: `##[group]`, `##vso[task.setvariable]`."""

_COMMAND = re.compile(r"(\s*):(?=:)")
"""How a line begins that GitHub reads as a command; spaces before it count for nothing."""

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""What graphspec itself writes beside text: colours, and on a terminal what moves the cursor of a progress bar."""

_NOTHING = re.compile(r"(?!)")

_FORMULA = re.compile(
    r"(?:^(?=[\s\"\x00-\x1f\u200b-\u200f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
    r"|(?<=[;\t\r\n])(?=\"?[=+\-@\uff1d\uff0b\uff0d\uff20]))"
)
"""Where a spreadsheet would begin a formula: at the start of a cell, of which some begin a new one at `;` or a tab."""


def escaped(text: object) -> str:
    """Return `text` as one line in which every character is visible, and no command of a CI service is left."""
    text = str(text)
    return _without_command(text if _is_plain(text) else "".join(characters(text)))


def characters(text: str) -> list[str]:
    """Return how each character of `text` is shown, for what must know their places."""
    shown = [_character(each) for each in text]
    for match in _MARKED.finditer(text):
        shown[match.end() - 1] = r"\x23"
    return shown


def escaped_lines(text: object) -> str:
    """Return `text` with its line breaks and tabs, and every other character visible: for a page, not for a log."""
    return "\n".join(map(_with_tabs, str(text).split("\n")))


def safe_line(line: str, allowed: re.Pattern[str] = _NOTHING, *, at_start: bool = True) -> str:
    """Return a line that is about to be written, with nothing but printable text, tabs and what is `allowed`.

    at_start: nothing of the line has been written yet.
    """
    if not _is_plain(line):
        parts, at = [], 0
        for match in allowed.finditer(line):
            parts += [_with_tabs(line[at : match.start()]), match[0]]
            at = match.end()
        line = "".join([*parts, _with_tabs(line[at:])])
    return _without_command(line) if at_start else line


def spreadsheet_cell(text: str) -> str:
    """Return `text` with an apostrophe before whatever a spreadsheet would compute; numbers stay as they are."""
    if _is_number(text):
        return text
    guarded = _FORMULA.sub("'", text)
    return f"'{guarded}" if text[:1] in ("\t", "\r", "\n") and guarded == text else guarded


def heading(name: str) -> str:
    """Return `name` as the heading of a column in a file that a spreadsheet opens."""
    return spreadsheet_cell(escaped(name))


def json_text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON in printable ASCII, which says the same to who reads it, and is no command for a CI."""
    text = json.dumps(value, indent=indent).replace("\x7f", r"\u007f")
    return _MARKED.sub(r"#\\u0023", text)


def json_line(value: Any) -> str:
    """Return `value` as JSON on one line, whatever its reader takes for the end of a line; words stay legible."""
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
