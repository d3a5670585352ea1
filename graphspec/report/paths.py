"""Names of files as services take them: from the root of a repository, or as a URI."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


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
