"""The origin of each value of a rendered spec: a line, a variable, an expression, `--set`, or a default."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graphspec.diagnostics import Span
from graphspec.diagnostics.escapes import comment_text
from graphspec.language.document import STANDARD_INPUT
from graphspec.language.expand.variables import Variables
from graphspec.spec import Spec

Kind = Literal["spec", "file", "variable", "expression", "set", "keras", "graphspec"]

_NAME = re.compile(r"""["']?\$\{\s*([A-Za-z_]\w*)\s*\}["']?""")
_MAX_LENGTH = 60
"""The number of characters of a text that a comment quotes."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a value.

    Attributes:
        kind: `spec` and `file` are written as they are, in the spec itself or in another file.
        text: The origin for people.
        place: `file:line:column`; None for a default and for `--set`.
    """

    kind: Kind
    text: str
    place: str | None = None


KERAS = Origin("keras", "default of Keras")
GRAPHSPEC = Origin("graphspec", "default of graphspec")
NAMED = Origin("graphspec", "name given by graphspec")
ADDED = Origin("graphspec", "added by graphspec")


class Origins:
    """Tells the origins of the values of one spec."""

    def __init__(self, spec: Spec) -> None:
        self._name = spec.tree.span.source.name
        self._folder = Path() if str(spec.path) == STANDARD_INPUT else spec.path.parent
        self._variables = spec.library.variables

    def of(self, span: Span) -> Origin:
        """Return the origin of the value at `span`."""
        if span.source.name == "--set":
            return Origin("set", on_one_line(f"--set {span.source.text}"))
        where = self._line(span)
        if span.via is not None:
            where += f", used at {self._line(span.via)}"
        written = span.text
        if (name := _NAME.fullmatch(written)) is not None and name[1] in self._variables:
            return Origin("variable", self._variable(name[1]), span.place)
        if "${" in written:
            return Origin("expression", f"{on_one_line(written)}, {where}", span.place)
        return Origin("spec" if span.source.name == self._name else "file", where, span.place)

    def _variable(self, name: str) -> str:
        """Return the name of a variable with the place where it is set."""
        place = _value_span(self._variables, name)
        if place is not None and place.source.name == "--set":
            return on_one_line(f"--set {place.source.text}")
        return f"vars.{name}" + (f", {self._line(place)}" if place is not None else "")

    def _line(self, span: Span) -> str:
        if span.source.name == self._name or span.source.name == STANDARD_INPUT:
            return f"line {span.line}"
        return on_one_line(f"{self._relative(span.source.name)}:{span.line}")

    def _relative(self, path: str) -> str:
        """Return the path of another file as the spec may name it."""
        return path if path.startswith(("-", "<")) else Path(os.path.relpath(path, self._folder)).as_posix()


def _value_span(variables: Variables, name: str) -> Span | None:
    """Return the place of the value of a variable; None where it is unknown."""
    for each in (variables, *variables.outer):
        if name in each.written:
            spans: dict[str, Span] = getattr(each.written, "value_spans", {})
            return spans.get(name)
    return None


def on_one_line(text: str) -> str:
    """Return a text as part of a comment, cut where it is long."""
    line = comment_text(text)
    return line if len(line) <= _MAX_LENGTH else f"{line[: _MAX_LENGTH - 3]}..."
