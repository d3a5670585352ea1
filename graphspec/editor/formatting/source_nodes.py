"""YAML text → the document as it is written, with its comments.

PyYAML's parser gives the values and their places; its scanner gives the tokens, and a `#` between two tokens begins a
comment. `language.document` has read the text before, so it is one valid document. Characters that break lines only in
YAML 1.1 are letters, as there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from graphspec.editor.formatting.nodes import Alias, Collection, Comment, Item, Node, Scalar, is_block_scalar
from graphspec.language.document.limits import check_comments
from graphspec.language.document.read_yaml import without_old_breaks

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_COMMENT = re.compile(r"#[^\n]*")


@dataclass(slots=True)
class _FoundComment:
    """A comment with its offset; it is alone if only structure (`-`, `?`) is before it on its line."""

    index: int
    comment: Comment
    is_alone: bool


def read_nodes(text: str) -> tuple[Collection, list[str]]:
    """Return the root mapping of `text`, whose lines end in LF, and the sorted texts of all comments.

    Comments above the root belong to its first item. Raises SpecError if there are too many.
    """
    reader = _CommentReader(text)
    comments = sorted(found.comment.text for found in reader.comments)
    return reader.document(), comments


def comments_of(text: str) -> list[str]:
    """Return the sorted texts of all comments. Raises yaml.YAMLError if `text` is not YAML."""
    return sorted(found.comment.text for found in _CommentReader(text).comments) if "#" in text else []


class _CommentReader:
    """A reader of one YAML text."""

    def __init__(self, text: str) -> None:
        self.text, self.hidden = without_old_breaks(text)
        self.comments: deque[_FoundComment] = deque()
        self.dashes: list[tuple[int, int]] = []
        if "#" in text:
            self._scan()
        self.events: Iterator[Any] = iter(())

    def _scan(self) -> None:
        """Collect the comments between tokens, and the places of the dashes of lists."""
        end = 0
        for token in yaml.scan(self.text, Loader=LOADER):
            start = token.start_mark.index
            if self.text.find("#", end, start) >= 0:
                for match in _COMMENT.finditer(self.text, end, start):
                    self._add_comment(match.start(), match[0])
            end = max(end, token.end_mark.index)
            if isinstance(token, yaml.BlockEntryToken):
                self.dashes.append((start, token.start_mark.column))
            elif isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
                header = self.text[start:end].partition("\n")[0]
                if beside := re.search(r"[ \t](#.*)", header):
                    self._add_comment(start + beside.start(1), beside[1])
        for match in _COMMENT.finditer(self.text, end):
            self._add_comment(match.start(), match[0])

    def _add_comment(self, index: int, text: str) -> None:
        before = self._before(index)
        is_alone = not before.strip(" \t-?")
        text = self._original(text.rstrip())
        comment = Comment(text, len(before), not before.strip() and self._is_blank_above(index))
        self.comments.append(_FoundComment(index, comment, is_alone))
        check_comments(len(self.comments))

    def _original(self, text: str) -> str:
        """Return `text` as it was written."""
        return text.translate(self.hidden) if self.hidden else text

    def _before(self, index: int) -> str:
        """Return the text before `index` on its line."""
        return self.text[self.text.rfind("\n", 0, index) + 1 : index]

    def _is_blank_above(self, index: int) -> bool:
        """Return whether the line above that of `index` is empty."""
        line = self.text.rfind("\n", 0, index)
        return line > 0 and not self.text[self.text.rfind("\n", 0, line) + 1 : line].strip()

    def _take(self, end: int) -> list[_FoundComment]:
        """Take the remaining comments before `end`."""
        taken = []
        while self.comments and self.comments[0].index < end:
            taken.append(self.comments.popleft())
        return taken

    def document(self) -> Collection:
        """Return the root mapping."""
        self.events = iter(list(yaml.parse(self.text, Loader=LOADER)))
        event: Any = next(event for event in self.events if isinstance(event, yaml.MappingStartEvent))
        above = [found.comment for found in self._take(event.start_mark.index)]
        root, opening = self._collection(event, -1)
        if root.items:
            root.items[0].above[:0] = above + opening
        else:
            root.foot[:0] = above + opening
        for found in self.comments:  # after the end of the document
            root.foot.append(found.comment)
        return root

    def _node(self, event: Any, outer: int) -> tuple[Node, list[Comment]]:
        """Return the node that `event` begins and the comments inside of it on its first line.

        `outer` is the column of the surrounding block.
        """
        kind = type(event)
        if kind is yaml.AliasEvent:
            return Alias(event.anchor), []
        if kind is yaml.ScalarEvent:
            raw = self.text[event.start_mark.index : event.end_mark.index]
            if event.anchor is not None:
                raw = raw.removeprefix(f"&{event.anchor}").lstrip()
            style = event.style if event.style in ("'", '"', "|", ">") else ""
            scalar = Scalar(self._original(raw), self._original(event.value), style, event.anchor)
            opening = self._take(event.end_mark.index) if is_block_scalar(scalar) else []
            return scalar, [found.comment for found in opening]
        return self._collection(event, outer)

    def _collection(self, start: Any, outer: int) -> tuple[Collection, list[Comment]]:
        is_mapping = isinstance(start, yaml.MappingStartEvent)
        node = Collection(is_mapping, bool(start.flow_style), anchor=start.anchor)
        opening: list[Comment] = []
        for event in self.events:
            if isinstance(event, _ENDS):
                self._close(node, event, outer, opening)
                break
            if not node.items and not node.in_flow:
                node.column = event.start_mark.column if is_mapping else self._dash(start.start_mark.index)
            above: list[Comment] = []
            for found in self._take(event.start_mark.index):
                self._before_item(node, found, above, opening)
            blank = self._is_blank_above(event.start_mark.index) and not node.in_flow
            node.items.append(self._item(event, node, above, blank))
        return node, opening

    def _dash(self, index: int) -> int:
        """Return the column of the first dash at or after `index`; 0 in a text without comments."""
        return self.dashes[bisect_left(self.dashes, (index, 0))][1] if self.dashes else 0

    def _before_item(
        self, node: Collection, found: _FoundComment, above: list[Comment], opening: list[Comment]
    ) -> None:
        """Assign a comment before an item to the item above, to the item itself, or to the opening bracket."""
        last = node.items[-1] if node.items else None
        if not found.is_alone:
            (last.beside if last is not None else opening).append(found.comment)
        elif (
            last is not None
            and not above
            and not node.in_flow
            and found.comment.column > node.column
            and not is_block_scalar(last.value)
            and not (isinstance(last.value, Collection) and last.value.is_block)
        ):
            last.below.append(found.comment)
        else:
            above.append(found.comment)

    def _item(self, event: Any, node: Collection, above: list[Comment], blank: bool) -> Item:
        column = node.column
        if not node.is_mapping:
            value, opening = self._node(event, column)
            return Item(value, None, above, opening, blank_before=blank)
        key, _ = self._node(event, column)
        assert not isinstance(key, Collection)
        event = next(self.events)
        comments = self._take(event.start_mark.index)
        beside = [found.comment for found in comments if not found.is_alone]
        between = [found.comment for found in comments if found.is_alone]
        value, opening = self._node(event, column)
        if isinstance(value, Collection) and value.is_block:
            value.items[0].above[:0] = between
        else:
            above = above + between
        return Item(value, key, above, beside + opening, blank_before=blank)

    def _close(self, node: Collection, end: Any, outer: int, opening: list[Comment]) -> None:
        """Assign the comments after the last item."""
        while self.comments and self.comments[0].index < end.start_mark.index:
            found = self.comments[0]
            if not found.is_alone:
                (node.items[-1].beside if node.items else opening).append(found.comment)
            elif node.in_flow:
                node.foot.append(found.comment)
            elif found.comment.column > outer:
                node.add_after(found.comment)
            else:
                break
            self.comments.popleft()
