"""Lexical scope: what a body declares, what the files it includes declare, and the same of the bodies around it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Names
from dataclasses import dataclass, field
from pathlib import Path

from graphspec.diagnostics import Label, Report, Span
from graphspec.expand import Value
from graphspec.graph import Layer
from graphspec.rules import RECURSION, TOO_LARGE
from graphspec.schema import BlockBody, BlockModel

MAX_NESTED = 30
MAX_NODES = 80_000


@dataclass(eq=False)
class Block:
    """A declared template, with the scope that its names and variables are looked up in.

    bodies holds its inside for each place and each set of parameters that it has been used with: many uses are repeats.
    """

    name: str
    model: BlockModel
    span: Span
    scope: Scope
    used: bool = False
    bodies: dict[tuple[str, tuple[Span, ...]], BlockBody] = field(default_factory=dict)


class Scope:
    """Finds declared names. A layer or model is lowered when it is first asked for, so the order is free.

    included holds the scopes of included files. making and using tell what is being lowered, to find recursion;
    they and `nodes`, a count of what blocks have made, are the same for all scopes of one spec. files are the
    spec files that lead here by `models: {name: {spec: file}}`, opened counts them all.
    """

    def __init__(
        self, parent: Scope | None, report: Report, variables: Names[str, Value], included: tuple[Scope, ...] = ()
    ) -> None:
        self.parent = parent
        self.variables = variables
        self.included = included
        self.blocks: dict[str, Block] = {}
        self.using: list[Block] = parent.using if parent is not None else []
        self.files: tuple[Path, ...] = parent.files if parent is not None else ()
        self.opened: list[int] = parent.opened if parent is not None else [0]
        self.nodes: list[int] = parent.nodes if parent is not None else [0]
        self.tensors: set[str] = set()
        self.report = report
        self.makers: dict[str, tuple[Callable[[], Layer | None], Span]] = {}
        self.made: dict[str, Layer | None] = {}
        self.making: list[tuple[Scope, str, Span]] = parent.making if parent is not None else []

    def share(self, caller: Scope) -> None:
        """Count what is made and opened together with `caller`, another root scope of the same spec."""
        self.files, self.opened, self.nodes = caller.files, caller.opened, caller.nodes
        self.making, self.using = caller.making, caller.using

    def declare(self, name: str, span: Span, make: Callable[[], Layer | None]) -> None:
        """Let `name` stand for what `make` will give; None where its declaration is faulty."""
        self.makers[name] = (make, span)

    def declares(self, name: str) -> bool:
        """Whether `name` is declared here, in an included file, or around here."""
        return (
            name in self.makers
            or name in self.blocks
            or any(scope.declares(name) for scope in self.included)
            or (self.parent is not None and self.parent.declares(name))
        )

    def names(self) -> list[str]:
        """Every name in scope, the nearest first."""
        around = [*self.included, *([self.parent] if self.parent is not None else [])]
        return [*self.makers, *self.blocks, *(name for scope in around for name in scope.names())]

    def places(self) -> dict[str, Span]:
        """Where each name in scope is declared."""
        around = [*self.included, *([self.parent] if self.parent is not None else [])]
        found = {name: span for scope in reversed(around) for name, span in scope.places().items()}
        own = {name: span for name, (_, span) in self.makers.items()}
        return {**found, **{name: block.span for name, block in self.blocks.items()}, **own}

    def tensor_outside(self, name: str) -> bool:
        """Whether a body around this one has a tensor `name`, which is not to be seen from here."""
        return self.parent is not None and (name in self.parent.tensors or self.parent.tensor_outside(name))

    def unapplied(self) -> dict[str, Span]:
        """What is declared here and was never asked for, with the place of each declaration."""
        layers = {name: span for name, (_, span) in self.makers.items() if name not in self.made}
        return layers | {name: block.span for name, block in self.blocks.items() if not block.used}

    def find_block(self, name: str) -> Block | None:
        """The block that `name` stands for, unless it stands for something nearer, or for none."""
        if name in self.blocks:
            return self.blocks[name]
        if name in self.makers:
            return None
        for scope in (*self.included, self.parent):
            if scope is not None and scope.declares(name):
                return scope.find_block(name)
        return None

    def find(self, name: str, span: Span) -> Layer | None:
        """The layer that `name` stands for at `span`; None where there is none or where its declaration is faulty."""
        if name not in self.makers:
            nearest = next((scope for scope in (*self.included, self.parent) if scope and scope.declares(name)), None)
            return nearest.find(name, span) if nearest is not None and name not in self.blocks else None
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
