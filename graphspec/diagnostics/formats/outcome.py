"""The outcome of a run of `validate`, for all formats: the checked files, each with its findings."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote

from graphspec.diagnostics import Diagnostic, Report, Span

NO_FILES = ("--set", "--input")
"""The names of sources that are not files but arguments of the command line."""


@dataclass(frozen=True)
class Checked:
    """A checked file, with the findings in it and in what it includes."""

    path: str
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class FileFinding:
    """A finding with the file that shows it; `span` is None if it has no place in that file."""

    file: str
    span: Span | None
    finding: Diagnostic


@dataclass(frozen=True)
class Outcome:
    """All checked files in order, with the numbers of ignored and of fixed findings."""

    files: tuple[Checked, ...]
    ignored: int = 0
    fixed: int = 0

    @cached_property
    def report(self) -> Report:
        """All findings."""
        return Report([finding for file in self.files for finding in file.findings])

    def located(self) -> Iterator[FileFinding]:
        """Return all findings with their files, by place."""
        owners = {finding: file.path for file in self.files for finding in file.findings}
        return (locate(finding, owners[finding]) for finding in self.report)

    @property
    def fixable(self) -> list[Diagnostic]:
        """The findings that `--fix` fixes."""
        return [finding for finding in self.report if finding.fix is not None and finding.fix.is_safe]


def locate(finding: Diagnostic, path: str) -> FileFinding:
    """Return `finding`, of the check of the file at `path`, with the file that shows it."""
    span = finding.span
    if span is None or span.source.name in NO_FILES:
        return FileFinding(path, None, finding)
    return FileFinding(span.source.name, span, finding)


def words(finding: Diagnostic) -> str:
    """Return the whole text of `finding`, for formats without excerpts."""
    expected = [f"expected: {finding.expected}"] if finding.expected else []
    help = [f"help: {finding.help}"] if finding.help else []
    return "\n".join([finding.message, *expected, *help])


def message(finding: Diagnostic) -> str:
    """Return the message of `finding`, with the name that was meant where the help is only that."""
    meant = finding.help if finding.help.startswith("did you mean") else ""
    return f"{finding.message}: {meant}" if meant else finding.message


def fingerprints(found: Iterable[FileFinding]) -> Iterator[tuple[FileFinding, str]]:
    """Yield each finding with its fingerprint; equal findings are numbered."""
    seen: Counter[tuple[str, ...]] = Counter()
    for each in found:
        line = each.span.source.line(each.span.line).strip() if each.span is not None else ""
        known = (each.finding.rule.code, each.file, each.finding.message, line)
        seen[known] += 1
        yield each, sha256("\0".join((*known, str(seen[known]))).encode("utf-8", "surrogatepass")).hexdigest()[:32]


T = TypeVar("T")

_SURROGATE = re.compile("[\ud800-\udfff]")


def below(file: str, root: str | None) -> str:
    """Return `file` with forward slashes, relative to the folder `root` if it is below it."""
    if root and not file.startswith("<"):
        path = Path(file).absolute()
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return file.removeprefix("./").replace(os.sep, "/")


def uri(file: str) -> str:
    """Return `file` as a URI, or as a relative reference if its path is relative."""
    return Path(file).as_uri() if Path(file).is_absolute() else quote(os.fsencode(below(file, None)))


def legible(value: T) -> T:
    """Return `value`, a string or lists and mappings of strings, with surrogates escaped."""
    result: Any = value
    if isinstance(value, str):
        result = value if value.isascii() else _SURROGATE.sub(_escaped, value)
    elif isinstance(value, dict):
        result = {key: legible(each) for key, each in value.items()}
    elif isinstance(value, list):
        result = [legible(each) for each in value]
    return cast(T, result)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
