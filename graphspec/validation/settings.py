"""`[tool.graphspec]` of the nearest pyproject.toml: the rules that a project shows, the files that it skips, its Keras.

    [tool.graphspec]
    select = ["GS3"]
    ignore = ["unused"]
    exclude = ["drafts/"]
    format = "concise"
    keras = "3.12"
    per-file-ignores = {"templates/*" = ["missing-file"]}

A mistake in it is a finding in that file, and the rest of it applies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphspec.catalog.generated import known_versions, minor_of, newest
from graphspec.catalog.versions import nearest
from graphspec.diagnostics import Diagnostic, SourceText, Span
from graphspec.diagnostics.formats import FORMATS
from graphspec.diagnostics.rules import BAD_SETTINGS
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.files import read_bytes
from graphspec.patterns import matches_name
from graphspec.project import belongs
from graphspec.validation.selection import Selection, UnknownRuleError, codes_of

FILE = "pyproject.toml"
_KEYS = ("select", "ignore", "exclude", "per-file-ignores", "format", "keras")


@dataclass(frozen=True)
class Settings:
    """The settings in one pyproject.toml.

    Attributes:
        folder: The folder to which its patterns are relative; None if there is no pyproject.toml.
        keras: The minor version of Keras that the catalogue answers for; None for the one that is installed.
    """

    folder: Path | None = None
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, frozenset[str]], ...] = ()
    format: str | None = None
    keras: str | None = None
    findings: tuple[Diagnostic, ...] = ()

    @property
    def display_path(self) -> str:
        """The path of the file, relative to the current folder if it lies below it."""
        return _display_path(self.folder / FILE) if self.folder is not None else ""

    def excludes(self, path: str) -> bool:
        """Return whether the file or folder at `path` is skipped when folders are walked."""
        return bool(self.exclude) and any(matches(pattern, self._relative(path)) for pattern in self.exclude)

    def ignored_in(self, path: str) -> frozenset[str]:
        """Return the codes of the rules that are ignored in the file at `path` alone."""
        found = [codes for pattern, codes in self.per_file_ignores if matches(pattern, self._relative(path))]
        return frozenset().union(*found)

    def _relative(self, path: str) -> str:
        absolute = Path(path).absolute()
        if self.folder is None or not absolute.is_relative_to(self.folder):
            return absolute.as_posix()
        return absolute.relative_to(self.folder).as_posix()


@dataclass
class Finder:
    """A finder of the settings of files, which reads each pyproject.toml once."""

    known: dict[Path, Settings] = field(default_factory=dict)

    def of(self, path: str) -> Settings:
        """Return the settings of the file at `path`."""
        return self.of_folder(Path(path).absolute().parent)

    def of_folder(self, folder: Path) -> Settings:
        """Return the settings of `folder`, an absolute path."""
        passed, found = [], Settings()
        for each in (folder, *folder.parents):
            own = self.known.get(each) or _read(each / FILE)
            passed.append(each)
            if own is not None:
                found = own
                break
        self.known |= dict.fromkeys(passed, found)
        return found

    def read(self) -> list[Settings]:
        """Return all settings that were read."""
        return list({settings.folder: settings for settings in self.known.values() if settings.folder}.values())

    def asked(self) -> list[Path]:
        """Return every path where settings were looked for."""
        return [folder / FILE for folder in self.known]


MAX_BYTES = 2**18
"""The maximum size of a pyproject.toml; a larger one is ignored."""

_MAX_DOTS = 100
"""The maximum number of dots on a line outside of quotes: `tomllib` takes quadratic time in the parts of a key."""
_QUOTED = re.compile(r"""\"[^"]*"|'[^']*'""")


def _read(path: Path) -> Settings | None:
    """Return the settings in the file at `path`; None if it has none."""
    try:
        text = read_bytes(path, MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if "graphspec" not in text:
        return None
    import tomllib

    places = TomlPlaces(SourceText(_display_path(path), text, is_shown=belongs(path, path.parent)))
    try:
        if any(_QUOTED.sub("", line).count(".") > _MAX_DOTS for line in text.splitlines()):
            raise ValueError("a key has too many parts")
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not TOML, or a number too long for Python
        if "tool.graphspec" not in text:
            return None
        finding = Diagnostic(
            BAD_SETTINGS,
            f"the file is not valid TOML: {str(error).partition(' (at ')[0].lower()}",
            places.of_error(str(error)),
            expected="valid TOML",
            help="check the quotes and brackets here and before",
        )
        return Settings(path.parent, findings=(finding,))
    tool = tree.get("tool")
    section = tool.get("graphspec") if isinstance(tool, dict) else None
    return _Section(path, section, places).read() if section is not None else None


def _display_path(path: Path) -> str:
    """Return `path` relative to the current folder if it lies below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@dataclass
class _Section:
    """A section that is being read; `findings` collects its mistakes."""

    path: Path
    section: Any
    places: TomlPlaces
    findings: list[Diagnostic] = field(default_factory=list)

    def read(self) -> Settings:
        if not isinstance(self.section, dict):
            self.refuse(f"`tool.graphspec` is {kind_of(self.section)}, not a table", self.places.of(), "a table")
            return Settings(self.path.parent, findings=tuple(self.findings))
        for key in self.section:
            if key not in _KEYS:
                help = did_you_mean(key, _KEYS, f"the keys here are {one_of(_KEYS)}")
                self.refuse(
                    f"there is no setting `{key}`", self.places.of(key), f"one of the {len(_KEYS)} settings", help
                )
        select = self.rules("select", self.section.get("select"))
        return Settings(
            self.path.parent,
            tuple(select) if select or self.section.get("select") == [] else None,
            tuple(self.rules("ignore", self.section.get("ignore"))),
            tuple(self.texts("exclude", self.section.get("exclude"))),
            tuple(self.per_file()),
            self.format(),
            self.keras(),
            tuple(self.findings),
        )

    def texts(self, key: str, value: Any, below: str | None = None) -> list[str]:
        """Return the strings of a list of strings; none, with a finding, if it is something else."""
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            wrong = value if not isinstance(value, list) else next(each for each in value if not isinstance(each, str))
            where = f"an entry of `{below or key}`" if isinstance(value, list) else f"`{below or key}`"
            help = f'write `["{value}"]`' if isinstance(value, str) else ""
            expected = "text" if isinstance(value, list) else "a list of text"
            self.refuse(f"{where} is {kind_of(wrong)}, not {expected}", self.places.of(key, below), expected, help)
            return []
        return value

    def rules(self, key: str, value: Any, below: str | None = None) -> list[str]:
        """Return the selectors of a list, without those that select no rule."""
        found = []
        for each in self.texts(key, value, below):
            try:
                codes_of(each)
            except UnknownRuleError as error:
                place = self.places.of(key, each)
                self.refuse(error.message, place, "a rule, such as `GS305`, `GS3` or `unused`", error.help)
            else:
                found.append(each)
        return found

    def per_file(self) -> list[tuple[str, frozenset[str]]]:
        key = "per-file-ignores"
        value = self.section.get(key, {})
        if not isinstance(value, dict):
            self.refuse(
                f"`{key}` is {kind_of(value)}, not a table", self.places.of(key), "patterns with lists of rules"
            )
            return []
        return [
            (pattern, Selection.of(None, self.rules(key, rules, pattern)).ignored) for pattern, rules in value.items()
        ]

    def format(self) -> str | None:
        value = self.section.get("format")
        if value is None or (isinstance(value, str) and value in FORMATS):
            return value
        self.refuse(
            f"`format` cannot be {kind_of(value)}",
            self.places.of("format"),
            f"one of {one_of(FORMATS)}",
            did_you_mean(str(value), FORMATS),
        )
        return None

    def keras(self) -> str | None:
        """Return the minor version of Keras; the nearest one, with a finding, for one that the catalogue lacks."""
        value = self.section.get("keras")
        minor = minor_of(value) if isinstance(value, str) else None
        if value is None or minor in known_versions():
            return minor
        help = f'write `keras = "{nearest(minor) if minor is not None else newest()}"`'
        self.refuse(
            f"`keras` cannot be {kind_of(value)}", self.places.of("keras"), f"one of {one_of(known_versions())}", help
        )
        return nearest(minor) if minor is not None else None

    def refuse(self, message: str, place: Span, expected: str, help: str = "") -> None:
        self.findings.append(Diagnostic(BAD_SETTINGS, message, place, expected, help))


_ANY = "**"


def matches(pattern: str, path: str) -> bool:
    """Return whether `pattern` stands for `path`, or for a folder that it lies in.

    A pattern without a slash, but at its end, stands for files and folders of that name wherever they are; others
    count from the folder that `path` is relative to.
    """
    parts, names = _parts(pattern), path.split("/")
    part = name = 0
    last, taken = -1, 0  # the last `**`, and the names before what follows it
    while part < len(parts):
        if parts[part] == _ANY:
            last, taken, part = part, name, part + 1
        elif name < len(names) and matches_name(parts[part], names[name]):
            part, name = part + 1, name + 1
        elif last >= 0 and taken < len(names):
            taken += 1
            part, name = last + 1, taken
        else:
            return False
    return True


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[str, ...]:
    """Return the names of a pattern; a final `**` matches what lies in a folder, but not the folder."""
    pattern = pattern.removeprefix("./").rstrip("/")
    *before, end = pattern.lstrip("/").split("/")
    return (*(() if "/" in pattern else (_ANY,)), *before, "*" if end == _ANY else end)


_HEADER = re.compile(r"\s*\[\s*tool\s*\.\s*graphspec\b")
_ANY_HEADER = re.compile(r"\s*\[[^\[\],]+\]\s*(#.*)?$")
_ERROR_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True)
class TomlPlaces:
    """The places of keys and strings in the section of a TOML text, by default its first line."""

    source: SourceText

    def of(self, key: str | None = None, text: str | None = None) -> Span:
        """Return the place of the string `text` at or after `key`, or of the key, or of the section."""
        lines = self._section()
        found = self._line(lines[0] if lines else 1)
        if key is None:
            return found
        named = rf"(?<![\w-])[\"']?{re.escape(key)}(?![\w-])[\"']?"
        found = next(filter(None, (self._find(named, line) for line in lines)), found)
        if text is None:
            return found
        quoted = rf"([\"']){re.escape(text)}\1"
        return next(filter(None, (self._find(quoted, line) for line in lines if line >= found.line)), found)

    def of_error(self, message: str) -> Span:
        """Return the place that an error message of `tomllib` names."""
        match = _ERROR_AT.search(message)
        if match is None:
            return self._line(self.source.text.rstrip().count("\n") + 1)
        line, column = int(match[1]), int(match[2])
        return Span(self.source, line, column, line, column + 1)

    def _section(self) -> list[int]:
        """Return the numbers of the section's lines, including its tables."""
        found, inside = [], False
        for number, line in enumerate(self.source.lines, 1):
            if _ANY_HEADER.match(line):
                inside = _HEADER.match(line) is not None
            if inside:
                found.append(number)
        return found

    def _text(self, line: int) -> str:
        return self.source.line(line).partition(" #")[0]

    def _find(self, pattern: str, line: int) -> Span | None:
        match = re.search(pattern, self._text(line))
        return Span(self.source, line, match.start() + 1, line, match.end() + 1) if match is not None else None

    def _line(self, line: int) -> Span:
        text = self._text(line)
        start = len(text) - len(text.lstrip())
        return Span(self.source, line, start + 1, line, max(start + 2, len(text.rstrip()) + 1))
