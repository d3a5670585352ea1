"""Tensors that a node or a call takes: references, alone, in a list or by keyword."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import TypeVar

from graphspec.diagnostics import Span

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor: an input or node, or one of several outputs of a node.

    index, output: the position or the name of the output. written: the place in the caller of a block that the tensor
    is passed into, where the block renames it.
    """

    name: str
    span: Span
    index: int | None = None
    output: str | None = None
    written: Span | None = None

    @property
    def place(self) -> Span:
        """The place for messages: in the caller of a block, else that of the reference."""
        return self.written or self.span

    @property
    def is_selection(self) -> bool:
        """True for one of several outputs of a node."""
        return self.index is not None or self.output is not None

    def __str__(self) -> str:
        if self.index is not None:
            return f"{self.name}[{self.index}]"
        return self.name if self.output is None else f"{self.name}.{self.output}"


@dataclass(frozen=True, slots=True)
class Feed:
    """The operands of a node: one tensor, a list of tensors, or tensors by keyword.

    keywords: one for each tensor, or none. is_list: the spec writes a list.
    """

    tensors: tuple[Reference, ...] = ()
    _: KW_ONLY
    keywords: tuple[str, ...] = ()
    is_list: bool = False

    @property
    def single(self) -> Reference | None:
        """The one tensor of a feed that is neither a list nor by keyword."""
        return None if self.is_list or self.keywords or not self.tensors else self.tensors[0]

    @property
    def by_name(self) -> dict[str, Reference] | None:
        """The tensors by keyword; None where the feed has no keywords."""
        return dict(zip(self.keywords, self.tensors, strict=True)) if self.keywords else None

    def items(self) -> list[tuple[int | str, Reference]]:
        """Return each tensor with its keyword or its position."""
        return list(zip(self.keywords or range(len(self.tensors)), self.tensors, strict=True))

    def map(self, function: Callable[[Reference], T]) -> T | list[T] | dict[str, T]:
        """Return the result of `function` for each tensor: alone, in a list, or by keyword."""
        results = [function(tensor) for tensor in self.tensors]
        if self.keywords:
            return dict(zip(self.keywords, results, strict=True))
        return results if self.is_list or not results else results[0]

    def replace(self, function: Callable[[Reference], Reference]) -> Feed:
        """Return the feed with every tensor replaced by the result of `function` for it."""
        return replace(self, tensors=tuple(map(function, self.tensors)))

    def __len__(self) -> int:
        return len(self.tensors)
