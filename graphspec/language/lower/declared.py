"""What the reading of objects needs to know of its scope, which itself reads objects."""

from __future__ import annotations

from typing import Protocol

from graphspec.diagnostics import Span
from graphspec.language.graph import Layer


class Declared(Protocol):
    """The layers and models that the spec declares; `lower.scope.Scope` is one."""

    def find(self, name: str, span: Span) -> Layer | None: ...

    def declares(self, name: str) -> bool: ...

    def names(self) -> list[str]: ...

    def places(self) -> dict[str, Span]: ...
