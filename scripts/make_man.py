"""Write docs/man/graphspec.1: the manual page, from the help of all commands.

python scripts/make_man.py            writes the page, which the wheel installs below share/man
python scripts/make_man.py --check    exits with 1 where it is stale
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from generated_text import keep

from graphspec.cli.main import COMMANDS, main
from graphspec.version import __version__

PAGE = Path(__file__).resolve().parent.parent / "docs" / "man" / "graphspec.1"

VARIABLES = {
    "GRAPHSPEC_CACHE": "The folder of converted data files.",
    "GRAPHSPEC_CACHE_GB": "The maximum size of that folder in GB.",
    "NO_COLOR": "Use no colours.",
}
FILES = {
    "runs/": "The runs of `graphspec train`, a folder each.",
    "studies/": "The studies of `graphspec tune`, a folder each.",
    "pyproject.toml": "Settings of `graphspec validate`, in [tool.graphspec].",
}


def page() -> str:
    """Return the manual page in the macros of man(7)."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield '.\\" Written by scripts/make_man.py from the help of the commands.'
    yield f'.TH GRAPHSPEC 1 "" "graphspec {__version__}" "User Commands"'
    yield from (".nh", ".ad l")  # neither hyphens nor wider blanks in what is copied
    yield ".SH NAME"
    yield f"graphspec \\- {_text(_summary(main)).rstrip('.').lower().replace('keras', 'Keras')}"
    yield ".SH SYNOPSIS"
    yield ".B graphspec"
    yield ".I COMMAND"
    yield "[OPTIONS] [ARGUMENTS]"
    yield ".SH DESCRIPTION"
    yield from _body(main)
    yield ".SH COMMANDS"
    for name in COMMANDS:
        command = main.get_command(click.Context(main, info_name="graphspec"), name)
        assert command is not None
        yield from _command(command, name)
    yield ".SH ENVIRONMENT"
    yield from _terms(VARIABLES)
    yield ".SH FILES"
    yield from _terms(FILES)


def _command(command: click.Command, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    yield f'.SS "graphspec {_text(name)} {_text(" ".join(command.collect_usage_pieces(context)))}"'
    yield from _body(command)
    records = [each.get_help_record(context) for each in command.get_params(context) if isinstance(each, click.Option)]
    yield from _terms({record[0]: record[1] for record in records if record and "--help" not in record[0]})
    if isinstance(command, click.Group):
        for inner, each in sorted(command.commands.items()):
            yield from _command(each, f"{name} {inner}")


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, text in terms.items():
        yield ".TP"
        yield f".B {_text(term)}"
        yield _text(text)


def _summary(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").partition("\n")[0]


def _body(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs of a help text; those that begin with `\\b` keep their lines."""
    for number, paragraph in enumerate(inspect.cleandoc(command.help or "").split("\n\n")):
        lines = [_text(line) for line in paragraph.strip("\n").splitlines()]
        if lines[0] == "\b":
            yield from (".PP", ".RS 4", ".nf", *lines[1:], ".fi", ".RE")
        else:
            yield from ((".PP", *lines) if number else lines)


def _text(text: str) -> str:
    """Return `text` as man reads it: no command, no escape, and signs outside of ASCII by their numbers."""
    text = re.sub(r"\s+(?=\[default)", " ", text).replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    text = re.sub(r"[^\x00-\x7f]", lambda sign: f"\\[u{ord(sign[0]):04X}]", text)
    text = text.replace("|", "|\\:")  # a line may break there
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.exit(keep(PAGE, page()))
