"""Lexical scope: what a body declares, what the files it includes declare, and the same of the bodies around it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Names
from dataclasses import dataclass, field
from pathlib import Path

from graphspec.diagnostics import Label, Report, Span, SpecError
from graphspec.diagnostics.rules import RECURSION, TOO_LARGE
from graphspec.language.expand import Value, Work
from graphspec.language.graph import Layer
from graphspec.language.schema import BlockBody, BlockModel

MAX_NESTED = 30
MAX_NODES = 20_000


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

    included holds the scopes of all included files, the nearest first and each once. making and using tell what is
    being lowered, to find recursion; they, `work`, and `nodes`, a count of what blocks and repeats have made, are the
    same for all scopes of one spec. files are the spec files that lead here by `models: {name: {spec: file}}`, opened
    counts them all.
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
        self.work: Work = parent.work if parent is not None else Work()
        self.tensors: set[str] = set()
        self.report = report
        self.makers: dict[str, tuple[Callable[[], Layer | None], Span]] = {}
        self.made: dict[str, Layer | None] = {}
        self.making: list[tuple[Scope, str, Span]] = parent.making if parent is not None else []

    def share(self, caller: Scope) -> None:
        """Count what is made and opened together with `caller`, another root scope of the same spec."""
        self.files, self.opened, self.nodes = caller.files, caller.opened, caller.nodes
        self.making, self.using, self.work = caller.making, caller.using, caller.work

    def count(self, nodes: int, span: Span) -> None:
        """Count nodes or steps that a block or a repeat makes. Raises SpecError where they are too many."""
        self.nodes[0] += nodes
        if self.nodes[0] > MAX_NODES:
            raise SpecError.of(
                TOO_LARGE,
                f"blocks and repeats create more than {MAX_NODES:,} nodes and steps",
                span,
                expected="the limit is exceeded here",
                help="use fewer nested blocks or fewer repeats",
            )

    def declare(self, name: str, span: Span, make: Callable[[], Layer | None]) -> None:
        """Let `name` stand for what `make` will give; None where its declaration is faulty."""
        self.makers[name] = (make, span)

    def declares(self, name: str) -> bool:
        """Whether `name` is declared here, in an included file, or around here."""
        return (
            self._holds(name)
            or any(scope._holds(name) for scope in self.included)
            or (self.parent is not None and self.parent.declares(name))
        )

    def _holds(self, name: str) -> bool:
        """Return whether `name` is declared here, and not only in an included file or around here."""
        return name in self.makers or name in self.blocks

    def names(self) -> list[str]:
        """Every name in scope, the nearest first."""
        own = [name for scope in (self, *self.included) for name in (*scope.makers, *scope.blocks)]
        return own + (self.parent.names() if self.parent is not None else [])

    def places(self) -> dict[str, Span]:
        """Where each name in scope is declared."""
        found = self.parent.places() if self.parent is not None else {}
        for scope in (*self.included[::-1], self):
            found |= {name: block.span for name, block in scope.blocks.items()}
            found |= {name: span for name, (_, span) in scope.makers.items()}
        return found

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
        nearest = self._nearest(name)
        return nearest.find_block(name) if nearest is not None else None

    def _nearest(self, name: str) -> Scope | None:
        """Return the scope, of the included files or around here, that `name` is found in."""
        holder = next((scope for scope in self.included if scope._holds(name)), None)
        return holder or (self.parent if self.parent is not None and self.parent.declares(name) else None)

    def find(self, name: str, span: Span) -> Layer | None:
        """The layer that `name` stands for at `span`; None where there is none or where its declaration is faulty."""
        if name not in self.makers:
            nearest = self._nearest(name)
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
            f"`{name}` is nested more than {MAX_NESTED} levels deep in other models and layers",
            span,
            expected="the limit is exceeded here",
            help="apply the inner layers one after another instead",
        )

    def _refuse_recursion(self, name: str, span: Span, declared_at: Span) -> None:
        start = next(i for i, (scope, making, _) in enumerate(self.making) if scope is self and making == name)
        chain = " → ".join([*(making for _, making, _ in self.making[start:]), name])
        self.report.add(
            RECURSION,
            f"`{name}` contains itself: {chain}",
            span,
            expected="something that does not contain this",
            help="a model cannot contain itself; use `repeat` to apply a step several times",
            labels=[Label(declared_at, f"`{name}` is declared here")],
        )
