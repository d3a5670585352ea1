"""The document as it is written → YAML text."""

from __future__ import annotations

from graphspec.editor.formatting.layout import INDENT, MAX_KEY, WIDTH, anchored, is_filled, on_one_line, write_key
from graphspec.editor.formatting.nodes import Collection, Comment, Item, Node, Scalar, is_block_scalar
from graphspec.editor.formatting.scalars import block_lines, wrap, write_scalar


def write_text(root: Collection) -> str:
    """Return the text of `root` after `lay_out`; it ends in one line break."""
    writer = _Writer()
    if root.anchor is not None:
        writer.comments(root.items[0].above if root.items else [], 0)
        writer.lines.append(f"&{root.anchor}")
        if root.items:
            root.items[0].above = []
    if root.items:
        writer.block(root, 0)
    else:
        writer.lines.append("{}" if root.is_mapping else "[]")
        writer.comments(root.foot, 0)
    return "\n".join(writer.lines) + "\n"


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_open = False
        """True if the last line belongs to a text that keeps the empty lines after it."""

    def block(self, node: Collection, indent: int, lead: str | None = None) -> None:
        """Write a block; its first item continues the line `lead`, such as a dash, if there is one."""
        for number, item in enumerate(node.items):
            self.comments(item.above, indent, is_first=not number)
            if item.blank_before and (number or item.above):
                self.blank()
            start = lead if lead is not None and not number else " " * indent
            self.item(item, start, indent)
            for comment in item.below:
                self.comment(comment, comment.column if comment.column > indent else indent + INDENT)
        self.comments(node.foot, indent, is_first=not node.items)

    def item(self, item: Item, start: str, indent: int) -> None:
        value = item.value
        key = write_key(item.key) if item.key is not None else "-"
        if len(bare := key.removesuffix(":").rstrip()) > MAX_KEY:
            self.line(f"{start}? {bare}", [])
            key, start = ":", " " * indent
            for comment in item.beside:
                comment.column = 0  # it may have been beside the key
        head = start + key
        if isinstance(value, Collection) and value.is_block:
            if item.key is None and value.anchor is None:
                self.block(value, indent + INDENT, f"{head} ")
                return
            self.line(f"{head} {anchored(value)}", item.beside)
            self.block(value, indent + INDENT)
            return
        if is_block_scalar(value) and isinstance(value, Scalar):
            self.block_scalar(value, head, indent + INDENT, item.beside)
            return
        lines = self.value(value, len(head) + 1, indent + INDENT)
        lines[0] = f"{head} {lines[0]}"
        for line in lines[:-1]:
            self.line(line, [])
        self.line(lines[-1], item.beside)

    def value(self, value: Node, start: int, indent: int) -> list[str]:
        """Return the lines of a value whose first line begins at column `start`, the others indented by `indent`."""
        if isinstance(value, Collection):
            text = on_one_line(value)
            if start + len(text) <= WIDTH or not is_filled(value):
                return [text]
            return _filled(value, start)
        if isinstance(value, Scalar):
            filled = wrap(value, WIDTH - indent, start - indent + len(anchored(value)))
            if filled is not None:
                first, *others = filled
                return [anchored(value) + first, *(" " * indent + line if line else "" for line in others)]
        return [on_one_line(value)]

    def block_scalar(self, value: Scalar, head: str, indent: int, beside: list[Comment]) -> None:
        block = block_lines(value)
        if block is None:
            self.line(f"{head} {anchored(value)}{write_scalar(value, is_key=False)}", beside)
            return
        head_sign, lines = block
        self.line(f"{head} {anchored(value)}{head_sign}", beside)
        self.lines += [" " * indent + line if line else "" for line in lines]
        self.is_open = "+" in head_sign

    def comments(self, comments: list[Comment], indent: int, *, is_first: bool = False) -> None:
        for number, comment in enumerate(comments):
            self.comment(comment, indent, is_first=is_first and not number)

    def comment(self, comment: Comment, indent: int, *, is_first: bool = False) -> None:
        if comment.blank_before and not is_first:
            self.blank()
        self.lines.append(" " * indent + comment.text)
        self.is_open = False

    def blank(self) -> None:
        if not self.is_open:
            self.lines.append("")

    def line(self, text: str, beside: list[Comment]) -> None:
        """Write a line with the comments beside it, at their column if the line is short enough."""
        text = text.rstrip()
        for comment in beside:
            text = f"{text}{' ' * max(2, comment.column - len(text))}{comment.text}"
        self.lines.append(text)
        self.is_open = False


def _filled(node: Collection, start: int) -> list[str]:
    """Return a list of plain values in brackets, filled into lines."""
    opening = f"{anchored(node)}["
    texts = [on_one_line(item.value) for item in node.items]
    rows: list[list[str]] = [[]]
    used = start + len(opening)
    for text in [*(f"{text}," for text in texts[:-1]), f"{texts[-1]}]"]:
        needed = len(text) + bool(rows[-1])
        if rows[-1] and used + needed > WIDTH:
            rows.append([])
            used, needed = start + len(opening), len(text)
        rows[-1].append(text)
        used += needed
    first, *others = (" ".join(row) for row in rows)
    return [opening + first, *(" " * (start + len(opening)) + other for other in others)]
