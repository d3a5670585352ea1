"""Identifiers of Python for the names of a spec, each unique in its scope."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

MODULES = ("keras", "layers", "ops", "np", "csv", "json", "tf", "Path", "fnmatchcase", "random")
"""The names that a module imports."""

_UNUSABLE = {*keyword.kwlist, *dir(builtins), *MODULES, "l", "O", "I", "_"}


def identifier(name: str) -> str:
    """Return the identifier that is nearest to a name, none of Python's own or of the module's imports."""
    found = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if not found or found[0].isdigit():
        found = f"_{found}"
    return f"{found}_" if found in _UNUSABLE else found


class Identifiers:
    """The identifiers of one scope. outer: the scope of the module around a function, whose names it does not hide."""

    def __init__(self, taken: Iterable[str] = (), outer: Identifiers | None = None) -> None:
        self.taken = set(taken)
        self.outer = outer
        self.inside: set[str] = set()

    def new(self, name: str) -> str:
        """Return an identifier for `name` that is not taken, and take it."""
        found = base = identifier(name)
        number = 2
        while self._is_taken(found):
            found = f"{base}_{number}"
            number += 1
        self.taken.add(found)
        if self.outer is not None:
            self.outer.inside.add(found)
        return found

    def _is_taken(self, name: str) -> bool:
        return name in self.taken or name in self.inside or (self.outer is not None and name in self.outer.taken)
