"""What a run of `validate` has to show, in whatever format: the files that it looked at, each with its findings."""

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

ELSEWHERE = ("--set", "--input")
"""Sources of findings that are no files: what stands on the command line."""


@dataclass(frozen=True)
class Checked:
    """A file that was looked at, and what is found in it or in what it includes."""

    path: str
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Located:
    """A finding with the file that it is shown at; span is None where it has no place in that file."""

    file: str
    span: Span | None
    finding: Diagnostic


@dataclass(frozen=True)
class Outcome:
    """All files, in the order they were given; ignored counts the findings left out, fixed those that were mended."""

    files: tuple[Checked, ...]
    ignored: int = 0
    fixed: int = 0

    @cached_property
    def report(self) -> Report:
        """Every finding."""
        return Report([finding for file in self.files for finding in file.findings])

    def located(self) -> Iterator[Located]:
        """Every finding with its file, in the order of their places."""
        owners = {finding: file.path for file in self.files for finding in file.findings}
        return (locate(finding, owners[finding]) for finding in self.report)

    @property
    def fixable(self) -> list[Diagnostic]:
        """The findings that `--fix` mends."""
        return [finding for finding in self.report if finding.fix is not None and finding.fix.is_safe]


def locate(finding: Diagnostic, path: str) -> Located:
    """`finding`, made while the file at `path` was looked at, with the file that it is shown at."""
    span = finding.span
    if span is None or span.source.name in ELSEWHERE:
        return Located(path, None, finding)
    return Located(span.source.name, span, finding)


def words(finding: Diagnostic) -> str:
    """All that `finding` says, for formats that show no excerpt."""
    expected = [f"expected: {finding.expected}"] if finding.expected else []
    help = [f"help: {finding.help}"] if finding.help else []
    return "\n".join([finding.message, *expected, *help])


def fingerprints(found: Iterable[Located]) -> Iterator[tuple[Located, str]]:
    """Each finding with its fingerprint; those alike are counted in their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    for each in found:
        line = each.span.source.line(each.span.line).strip() if each.span is not None else ""
        known = (each.finding.rule.code, each.file, each.finding.message, line)
        seen[known] += 1
        yield each, sha256("\0".join((*known, str(seen[known]))).encode("utf-8", "surrogatepass")).hexdigest()[:32]


T = TypeVar("T")

_SURROGATE = re.compile("[\ud800-\udfff]")


def below(file: str, root: str | None) -> str:
    """`file` with forward slashes, from the folder `root` where it lies below it, else as it was named."""
    if root and not file.startswith("<"):
        path = Path(file).absolute()
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return file.removeprefix("./").replace(os.sep, "/")


def uri(file: str) -> str:
    """`file` as a URI reference: relative where it was named so."""
    return Path(file).as_uri() if Path(file).is_absolute() else quote(os.fsencode(below(file, None)))


def legible(value: T) -> T:
    """Return `value`, a text or lists and mappings of them, without what is no character."""
    made: Any = value
    if isinstance(value, str):
        made = value if value.isascii() else _SURROGATE.sub(_escaped, value)
    elif isinstance(value, dict):
        made = {key: legible(each) for key, each in value.items()}
    elif isinstance(value, list):
        made = [legible(each) for each in value]
    return cast(T, made)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
