"""YAML text → the document as it is written, with its comments.

PyYAML's parser tells the values and where they stand; its scanner tells the tokens, and whatever starts with `#`
between two tokens is a comment. The text is known to be one sound document: `document` has read it. What breaks lines
in YAML 1.1 alone is a letter here as it is there.
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
class _Found:
    """A comment, where it starts, and whether nothing but signs of structure stands before it on its line."""

    index: int
    comment: Comment
    is_alone: bool


def read_written(text: str) -> tuple[Collection, list[str]]:
    """The root mapping of `text`, whose lines end in LF, and the texts of all comments, sorted.

    Comments above the root are those above its first item. Raises SpecError where there are too many.
    """
    reader = _Reader(text)
    comments = sorted(found.comment.text for found in reader.comments)
    return reader.document(), comments


def comments_of(text: str) -> list[str]:
    """The texts of all comments, sorted. Raises yaml.YAMLError where `text` is not YAML."""
    return sorted(found.comment.text for found in _Reader(text).comments) if "#" in text else []


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.hidden = without_old_breaks(text)
        self.comments: deque[_Found] = deque()
        self.dashes: list[tuple[int, int]] = []
        if "#" in text:
            self._scan()
        self.events: Iterator[Any] = iter(())

    def _scan(self) -> None:
        """Collect the comments between tokens, and where the dashes of lists stand."""
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
        text = self._shown(text.rstrip())
        comment = Comment(text, len(before), not before.strip() and self._is_blank_above(index))
        self.comments.append(_Found(index, comment, is_alone))
        check_comments(len(self.comments))

    def _shown(self, text: str) -> str:
        """`text` as it was written."""
        return text.translate(self.hidden) if self.hidden else text

    def _before(self, index: int) -> str:
        """What stands before `index` on its line."""
        return self.text[self.text.rfind("\n", 0, index) + 1 : index]

    def _is_blank_above(self, index: int) -> bool:
        """Whether the line above that of `index` is empty."""
        line = self.text.rfind("\n", 0, index)
        return line > 0 and not self.text[self.text.rfind("\n", 0, line) + 1 : line].strip()

    def _take(self, end: int) -> list[_Found]:
        """The comments before `end` that nothing has taken yet."""
        taken = []
        while self.comments and self.comments[0].index < end:
            taken.append(self.comments.popleft())
        return taken

    def document(self) -> Collection:
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
        """The node that `event` starts, and the comments on its first line that stand inside it.

        outer is the column of the block that it stands in.
        """
        kind = type(event)
        if kind is yaml.AliasEvent:
            return Alias(event.anchor), []
        if kind is yaml.ScalarEvent:
            raw = self.text[event.start_mark.index : event.end_mark.index]
            if event.anchor is not None:
                raw = raw.removeprefix(f"&{event.anchor}").lstrip()
            style = event.style if event.style in ("'", '"', "|", ">") else ""
            scalar = Scalar(self._shown(raw), self._shown(event.value), style, event.anchor)
            opening = self._take(event.end_mark.index) if is_block_scalar(scalar) else []
            return scalar, [found.comment for found in opening]
        return self._collection(event, outer)

    def _collection(self, start: Any, outer: int) -> tuple[Collection, list[Comment]]:
        is_mapping = isinstance(start, yaml.MappingStartEvent)
        made = Collection(is_mapping, bool(start.flow_style), anchor=start.anchor)
        opening: list[Comment] = []
        for event in self.events:
            if isinstance(event, _ENDS):
                self._close(made, event, outer, opening)
                break
            if not made.items and not made.in_flow:
                made.column = event.start_mark.column if is_mapping else self._dash(start.start_mark.index)
            above: list[Comment] = []
            for found in self._take(event.start_mark.index):
                self._before_item(made, found, above, opening)
            blank = self._is_blank_above(event.start_mark.index) and not made.in_flow
            made.items.append(self._item(event, made, above, blank))
        return made, opening

    def _dash(self, index: int) -> int:
        """The column of the first dash at or after `index`; 0 where no comment asks for it."""
        return self.dashes[bisect_left(self.dashes, (index, 0))][1] if self.dashes else 0

    def _before_item(self, made: Collection, found: _Found, above: list[Comment], opening: list[Comment]) -> None:
        """Give a comment before an item to the item above it, to the item itself, or to what opens the collection."""
        last = made.items[-1] if made.items else None
        if not found.is_alone:
            (last.beside if last is not None else opening).append(found.comment)
        elif (
            last is not None
            and not above
            and not made.in_flow
            and found.comment.column > made.column
            and not is_block_scalar(last.value)
            and not (isinstance(last.value, Collection) and last.value.is_block)
        ):
            last.below.append(found.comment)
        else:
            above.append(found.comment)

    def _item(self, event: Any, made: Collection, above: list[Comment], blank: bool) -> Item:
        column = made.column
        if not made.is_mapping:
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

    def _close(self, made: Collection, end: Any, outer: int, opening: list[Comment]) -> None:
        """Hand out the comments after the last item."""
        while self.comments and self.comments[0].index < end.start_mark.index:
            found = self.comments[0]
            if not found.is_alone:
                (made.items[-1].beside if made.items else opening).append(found.comment)
            elif made.in_flow:
                made.foot.append(found.comment)
            elif found.comment.column > outer:
                made.add_after(found.comment)
            else:
                break
            self.comments.popleft()
