"""Lexical scope: the layers and models that a body declares, and those of the bodies around it."""

from __future__ import annotations

from collections.abc import Callable

from graphspec.diagnostics import Label, Report, Span
from graphspec.graph import Layer
from graphspec.rules import RECURSION, TOO_LARGE

MAX_NESTED = 30


class Scope:
    """Finds declared layers by name. A declaration is lowered when it is first asked for, so their order is free."""

    def __init__(self, parent: Scope | None, report: Report) -> None:
        self.parent = parent
        self.tensors: set[str] = set()
        self.report = report
        self.makers: dict[str, tuple[Callable[[], Layer | None], Span]] = {}
        self.made: dict[str, Layer | None] = {}
        self.making: list[tuple[Scope, str, Span]] = parent.making if parent is not None else []

    def declare(self, name: str, span: Span, make: Callable[[], Layer | None]) -> None:
        """Let `name` stand for what `make` will give; None where its declaration is faulty."""
        self.makers[name] = (make, span)

    def declares(self, name: str) -> bool:
        """Whether `name` is declared here or around here."""
        return name in self.makers or (self.parent is not None and self.parent.declares(name))

    def names(self) -> list[str]:
        """Every name in scope, the nearest first."""
        return [*self.makers, *(self.parent.names() if self.parent is not None else [])]

    def tensor_outside(self, name: str) -> bool:
        """Whether a body around this one has a tensor `name`, which is not to be seen from here."""
        return self.parent is not None and (name in self.parent.tensors or self.parent.tensor_outside(name))

    def unapplied(self) -> dict[str, Span]:
        """What is declared here and was never asked for, with the place of each declaration."""
        return {name: span for name, (_, span) in self.makers.items() if name not in self.made}

    def find(self, name: str, span: Span) -> Layer | None:
        """The layer that `name` stands for at `span`; None where there is none or where its declaration is faulty."""
        if name not in self.makers:
            return self.parent.find(name, span) if self.parent is not None else None
        if name in self.made:
            return self.made[name]
        make, declared_at = self.makers[name]
        if any(scope is self and making == name for scope, making, _ in self.making):
            self._refuse_recursion(name, span, declared_at)
            return None
        if len(self.making) >= MAX_NESTED:
            self._refuse_depth(name, span)
            return None
        self.making.append((self, name, declared_at))
        try:
            layer = make()
        finally:
            self.making.pop()
        if layer is not None and not layer.name:
            layer.name = name
        self.made[name] = layer
        return layer

    def _refuse_depth(self, name: str, span: Span) -> None:
        self.report.add(
            TOO_LARGE,
            f"`{name}` is nested more than {MAX_NESTED} deep in other models and layers",
            span,
            expected="here it goes too deep",
            help="apply the inner ones one after the other instead",
        )

    def _refuse_recursion(self, name: str, span: Span, declared_at: Span) -> None:
        start = next(i for i, (scope, making, _) in enumerate(self.making) if scope is self and making == name)
        chain = " → ".join([*(making for _, making, _ in self.making[start:]), name])
        self.report.add(
            RECURSION,
            f"`{name}` contains itself: {chain}",
            span,
            expected="something that does not lead back here",
            help="a model cannot be a part of itself; `repeat` applies a step several times",
            labels=[Label(declared_at, f"`{name}` is declared here")],
        )
