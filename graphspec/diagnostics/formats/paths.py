"""Names of files as services take them: from the root of a repository, as a URI, and always as text.

Python holds a name that is not UTF-8 as text with surrogates, by which the file is found again and which no report can
hold: `legible` writes each such byte as `\\xff`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote

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
