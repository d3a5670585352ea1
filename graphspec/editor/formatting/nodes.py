"""A document as it is written: values with their style, anchors and comments, which the tree leaves out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Comment:
    """One comment, from its `#` to the end of its line; column counts from 0."""

    text: str
    column: int
    blank_before: bool = False


@dataclass(slots=True)
class Scalar:
    """One value that is no collection.

    raw is what stands in the text, value what it means as text; style is the character that opens it: `'`, `"`, `|`,
    `>`, or nothing for a plain one.
    """

    raw: str
    value: str
    style: str = ""
    anchor: str | None = None


@dataclass(slots=True)
class Alias:
    """`*name`."""

    name: str


@dataclass(slots=True)
class Item:
    """An item of a list, or a key and its value, with the comments above, beside and below it.

    Comments below are indented deeper than the item, as those are that continue a comment beside it.
    """

    value: Node
    key: Scalar | Alias | None = None
    above: list[Comment] = field(default_factory=list)
    beside: list[Comment] = field(default_factory=list)
    below: list[Comment] = field(default_factory=list)
    blank_before: bool = False

    @property
    def name(self) -> str:
        """The key as text; empty where there is none."""
        return self.key.value if isinstance(self.key, Scalar) else ""


@dataclass(slots=True)
class Collection:
    """A mapping or a list; foot are the comments after its last item. column is where its items start in the text."""

    is_mapping: bool
    in_flow: bool
    column: int = 0
    anchor: str | None = None
    items: list[Item] = field(default_factory=list)
    foot: list[Comment] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """Whether its items stand on lines of their own."""
        return bool(self.items) and not self.in_flow

    @property
    def holds_comments(self) -> bool:
        """Whether a comment stands anywhere inside it."""
        return bool(self.foot) or any(
            item.above
            or item.beside
            or item.below
            or (isinstance(item.value, Collection) and item.value.holds_comments)
            for item in self.items
        )

    def add_after(self, comment: Comment) -> None:
        """Add a comment that stands after the last item of a block, deeper than what surrounds the block."""
        last = self.items[-1]
        if self.foot or comment.column <= self.column or is_block_scalar(last.value):
            self.foot.append(comment)
        elif isinstance(last.value, Collection) and last.value.is_block:
            last.value.add_after(comment)
        else:
            last.below.append(comment)


Node = Scalar | Alias | Collection


def is_block_scalar(node: Node) -> bool:
    """Whether the node is text below a `|` or `>`: what stands deeper than it belongs to it, comments too."""
    return isinstance(node, Scalar) and node.style in ("|", ">")
