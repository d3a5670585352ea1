"""Parse YAML to a tree by PyYAML's events and the core schema of YAML 1.2.

Events keep a hostile document harmless: nothing recurses, depth and size are counted as they grow, and tags have no
effect.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml

from graphspec.diagnostics import Label, Report, SourceText, Span, SpecError
from graphspec.diagnostics.rules import BAD_ALIAS, BAD_KEY, DUPLICATE_KEY, SEVERAL_DOCUMENTS, SYNTAX, TAG
from graphspec.language.document.limits import check_depth, check_values, syntax_position
from graphspec.language.document.scalars import replace_invalid, resolve
from graphspec.language.document.syntax import invalid_character, syntax_error
from graphspec.language.document.tree import Mapping, Sequence

_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass
class _Open:
    """An open collection. key: the key whose value comes next. size: the number of values, aliases expanded."""

    value: Mapping | Sequence
    anchor: str | None
    key: tuple[str, Span] | None = None
    size: int = 1
    skipped_key: bool = False


@dataclass
class _EventReader:
    """The state of parsing one document. root: its value. hidden: see `without_old_breaks`."""

    source: SourceText
    report: Report
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, Span, int]] = field(default_factory=dict)
    root: Any = None
    documents: int = 0
    hidden: dict[int, str] = field(default_factory=dict)

    def span(self, start: Any, end: Any) -> Span:
        return Span(self.source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def read(self, text: str) -> Any:
        """Return the root value of the only document in `text`; None for an empty one."""
        text, self.hidden = without_old_breaks(text)
        for event in yaml.parse(text, Loader=_LOADER):
            span = self.span(event.start_mark, event.end_mark)
            if isinstance(event, yaml.ScalarEvent):
                self.refuse_tag(event, span)
                is_text = not event.implicit[0] or self.expects_key()
                text = self.restore(event.value, span)
                value = text if is_text else resolve(text)
                if event.anchor is not None:
                    self.anchors[event.anchor] = (value, span, 1)
                self.put(value, span, 1)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise SpecError.of(
                        SEVERAL_DOCUMENTS,
                        "the file holds more than one YAML document",
                        span,
                        expected="a second document starts here",
                        help="keep one spec per file",
                    )
            elif isinstance(event, yaml.MappingStartEvent):
                self.refuse_tag(event, span)
                self.open(Mapping(span), event.anchor)
            elif isinstance(event, yaml.SequenceStartEvent):
                self.refuse_tag(event, span)
                self.open(Sequence(span), event.anchor)
            elif isinstance(event, _ENDS):
                self.close(event)
            elif isinstance(event, yaml.AliasEvent):
                self.alias(str(event.anchor), span)
        return self.root

    def expects_key(self) -> bool:
        """Return whether the next value is a key. Keys are always text, as in JSON: `0: 1.5` has the key "0"."""
        parent = self.stack[-1] if self.stack else None
        return (
            parent is not None and isinstance(parent.value, Mapping) and parent.key is None and not parent.skipped_key
        )

    def refuse_tag(self, event: Any, span: Span) -> None:
        if event.tag is not None:
            self.report.add(
                TAG,
                f"the tag `{str(event.tag).replace('tag:yaml.org,2002:', '!!')}` is before a value",
                span,
                expected="a plain value",
                help="remove the tag; to write text, quote the value",
            )

    def restore(self, text: str, span: Span) -> str:
        """Return `text` as the spec writes it, with invalid characters replaced and reported."""
        text, invalid = replace_invalid(text.translate(self.hidden) if self.hidden else text)
        if invalid is not None:
            self.report.extend([invalid_character(invalid, span)])
        return text

    def open(self, value: Mapping | Sequence, anchor: str | None) -> None:
        check_depth(len(self.stack) + 1, value.span)
        if anchor is not None:
            self.anchors[anchor] = (_UNFINISHED, value.span, 0)
        self.stack.append(_Open(value, anchor))

    def close(self, event: Any) -> None:
        closed = self.stack.pop()
        start = closed.value.span
        closed.value.span = Span(
            self.source, start.line, start.column, event.end_mark.line + 1, event.end_mark.column + 1
        )
        if closed.anchor is not None:
            self.anchors[closed.anchor] = (closed.value, closed.value.span, closed.size)
        self.put(closed.value, closed.value.span, closed.size)

    def alias(self, name: str, span: Span) -> None:
        value, _, size = self.anchors.get(name, (_UNFINISHED, span, 0))
        value = str(value) if self.expects_key() and isinstance(value, int | float) else value
        if value is _UNFINISHED:
            defined = name in self.anchors
            self.report.add(
                BAD_ALIAS,
                f"the anchor `&{name}` contains itself"
                if defined
                else f"there is no anchor `&{name}` above this alias",
                span,
                expected="an alias of an anchor that ends above it",
                help="declare a shared part under `layers` or `models` instead",
            )
            value, size = None, 1
        self.put(value, span, size)

    def put(self, value: Any, span: Span, size: int) -> None:
        """Add a complete value to the open collection, as a key or as a value."""
        if not self.stack:
            self.root = value
            return
        parent = self.stack[-1]
        parent.size += size
        check_values(parent.size, span)
        if isinstance(parent.value, Sequence):
            parent.value.put(value, span)
        elif parent.key is None and not parent.skipped_key:
            self.put_key(parent, value, span)
        elif parent.skipped_key:
            parent.skipped_key = False
        else:
            key, key_span = parent.key or ("", span)
            parent.value.put(key, value, key_span, span)
            parent.key = None

    def put_key(self, parent: _Open, key: Any, span: Span) -> None:
        mapping = parent.value
        assert isinstance(mapping, Mapping)
        if key == "<<":
            self.report.add(
                BAD_KEY,
                "`<<` merges mappings in YAML 1.1 only",
                span,
                expected="a key of this mapping",
                help="write the keys out, or share the part under `layers` or `models`",
            )
        elif not isinstance(key, str):
            self.report.add(
                BAD_KEY,
                f"a key is {'a mapping' if isinstance(key, Mapping) else 'a list'}",
                span,
                expected="text",
                help=(
                    "to write text, put quotes around it; `{{...}}` is a mapping inside a mapping here, not a template"
                    if isinstance(key, Mapping)
                    else "to write text, put quotes around it"
                ),
            )
        elif key in mapping:
            self.report.add(
                DUPLICATE_KEY,
                f"the key `{key}` is used twice in one mapping",
                span,
                expected="a unique key",
                help="remove or rename one of them",
                labels=[Label(mapping.key_spans[key], "it is first used here")],
            )
        else:
            parent.key = (key, span)
            return
        parent.skipped_key = True


_UNFINISHED = object()
_OLD_BREAKS = re.compile("[\\x85\\u2028\\u2029]")


def without_old_breaks(text: str) -> tuple[str, dict[int, str]]:
    """Replace the line breaks of YAML 1.1 that are plain characters in YAML 1.2.

    Returns:
        The text with unused private-use characters in their place, and a translation table that restores them.
    """
    breaks = sorted(set(_OLD_BREAKS.findall(text)))
    unused = (each for each in range(0xE000, 0xF900) if chr(each) not in text)
    hidden = dict(zip(unused, breaks, strict=False)) if breaks else {}
    return text.translate({ord(old): chr(new) for new, old in hidden.items()}) if hidden else text, hidden


def read_yaml(source: SourceText, report: Report, text: str | None = None) -> Any:
    """Parse the one YAML document of `source`.

    Args:
        source: The text.
        report: Receives the diagnostics that leave the rest readable.
        text: Parsed in the place of the source's text, with the same lines and columns.

    Returns:
        The root value: a Mapping, a Sequence or a scalar; None for an empty document.

    Raises:
        SpecError: The text is not YAML, or exceeds a limit.
    """
    text = source.text if text is None else text
    reader = _EventReader(source, report)
    try:
        return reader.read(text)
    except yaml.reader.ReaderError as error:
        line, column = syntax_position(source, error.position)
        raise SpecError.of(
            SYNTAX,
            f"the character U+{ord(error.character) if isinstance(error.character, str) else error.character:04X} "
            "is not allowed in YAML",
            Span(source, line, column, line, column + 1),
            expected="printable text",
            help="remove it, or write it as an escape inside double quotes",
        ) from None
    except yaml.MarkedYAMLError as error:
        _refuse_depth(source, text, error)
        raise SpecError(Report([*report.found, syntax_error(source, error)])) from None


def _refuse_depth(source: SourceText, text: str, error: yaml.MarkedYAMLError) -> None:
    """Raise SpecError where collections nest too deep before the place of `error`.

    The parser reads up to 1,024 characters ahead of its events, and may refuse the depth with a message of its own. It
    accepts the text before the place of its error, so the events of that text are counted here.
    """
    mark = error.problem_mark or error.context_mark
    reader = _EventReader(source, Report())
    with suppress(yaml.YAMLError):
        reader.read(text[: mark.index] if mark is not None else text)
