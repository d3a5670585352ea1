"""The nodes of a document as it is written: values with style, anchors and comments."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Comment:
    """A comment, from its `#` to the end of its line; `column` counts from 0."""

    text: str
    column: int
    blank_before: bool = False


@dataclass(slots=True)
class Scalar:
    """A value that is not a collection.

    Attributes:
        raw: The text as written, with quotes.
        value: The text without quotes and escapes.
        style: The opening character, one of `'"|>`; empty for plain text.
    """

    raw: str
    value: str
    style: str = ""
    anchor: str | None = None


@dataclass(slots=True)
class Alias:
    """An alias `*name`."""

    name: str


@dataclass(slots=True)
class Item:
    """An item of a list, or a key and its value, with the comments above, beside and below it.

    Comments below are indented deeper than the item; they continue a comment beside it.
    """

    value: Node
    key: Scalar | Alias | None = None
    above: list[Comment] = field(default_factory=list)
    beside: list[Comment] = field(default_factory=list)
    below: list[Comment] = field(default_factory=list)
    blank_before: bool = False

    @property
    def name(self) -> str:
        """The key as text; empty without a key."""
        return self.key.value if isinstance(self.key, Scalar) else ""


@dataclass(slots=True)
class Collection:
    """A mapping or a list.

    Attributes:
        in_flow: It is written in brackets.
        column: The column where its items begin.
        foot: The comments after its last item.
    """

    is_mapping: bool
    in_flow: bool
    column: int = 0
    anchor: str | None = None
    items: list[Item] = field(default_factory=list)
    foot: list[Comment] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """True if its items are on lines of their own."""
        return bool(self.items) and not self.in_flow

    @property
    def holds_comments(self) -> bool:
        """True if there is a comment inside of it."""
        return bool(self.foot) or any(
            item.above
            or item.beside
            or item.below
            or (isinstance(item.value, Collection) and item.value.holds_comments)
            for item in self.items
        )

    def add_after(self, comment: Comment) -> None:
        """Add a comment after the last item of a block, indented deeper than what surrounds the block."""
        last = self.items[-1]
        if self.foot or comment.column <= self.column or is_block_scalar(last.value):
            self.foot.append(comment)
        elif isinstance(last.value, Collection) and last.value.is_block:
            last.value.add_after(comment)
        else:
            last.below.append(comment)


Node = Scalar | Alias | Collection


def is_block_scalar(node: Node) -> bool:
    """Return whether the node is a block scalar, which has no comments: every deeper line belongs to it."""
    return isinstance(node, Scalar) and node.style in ("|", ">")
