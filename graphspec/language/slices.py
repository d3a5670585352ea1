"""Keys of `ops.get_item` in the notation of NumPy: `":, 0"` is every sample's first row, `"..., ::-1"` reverses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

KEY = ("ops.get_item", "key")
"""The operation and its argument that take such a key."""

Index = int | slice | None
"""One part of a key: an index, a range, or a new dimension. An ellipsis is the fourth kind."""

_PART = re.compile(r"(?:(-?\d{1,18})?:(-?\d{1,18})?(?::(-?\d{1,18})?)?)|(-?\d{1,18})|(\.\.\.)|(None|null)")


def read_key(text: str) -> tuple[Any, ...]:
    """Return a key as Python has it between brackets: indices, slices, `...` and None.

    Raises:
        ValueError: The text is no such key; the message names the part.
    """
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    key = tuple(_part(each) for each in inner.replace(" ", "").removesuffix(",").split(","))
    if key.count(...) > 1:
        raise ValueError("holds `...` twice")
    return key


def _part(text: str) -> Any:
    found = _PART.fullmatch(text)
    if found is None:
        raise ValueError(f"holds `{text}`" if text else "has an empty part")
    start, stop, step, index, ellipsis, new = found.groups()
    if index is not None:
        return int(index)
    if ellipsis or new:
        return ... if ellipsis else None
    if step is not None and int(step) == 0:
        raise ValueError("holds a step of 0")
    return slice(*(None if each is None else int(each) for each in (start, stop, step)))


def key_text(key: Iterable[Any]) -> str:
    """Return the text of a key."""
    return ", ".join(_text(each) for each in key)


def _text(part: Any) -> str:
    if isinstance(part, slice):
        start, stop, step = ("" if each is None else str(each) for each in (part.start, part.stop, part.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    return "..." if part is ... else str(part)
