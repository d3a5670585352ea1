"""Lexical scopes: the names declared in a body, its includes and the enclosing bodies."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Names
from dataclasses import dataclass, field
from pathlib import Path
from weakref import ref

from graphspec.diagnostics import Label, Report, Span, SpecError
from graphspec.diagnostics.rules import RECURSION, TOO_LARGE
from graphspec.language.expand import Value, Work
from graphspec.language.graph import Layer
from graphspec.language.schema.model import BlockBody, BlockModel
from graphspec.language.source_nodes import SourceNodes

MAX_NESTED = 30
MAX_NODES = 20_000


@dataclass(eq=False)
class BlockDeclaration:
    """A declared block.

    declared_in: the scope in which its names and variables are resolved. It holds the block, which must not hold it: of
    objects that hold each other, a process that goes on is rid by a search through all its objects only.
    bodies: the expanded inside by parameter values and place of use, since many uses are repeats. layers: the places of
    the layers that it declares; applied: those that some use applies.
    """

    name: str
    model: BlockModel
    span: Span
    declared_in: ref[Scope]
    used: bool = False
    layers: dict[str, Span] = field(default_factory=dict)
    applied: set[str] = field(default_factory=set)
    bodies: dict[tuple[str, tuple[Span, ...]], BlockBody] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """The scope in which its names and variables are resolved."""
        scope = self.declared_in()
        assert scope is not None  # only the scope and those in it find the block
        return scope


@dataclass
class Lowering:
    """The state that all scopes of one spec share.

    blocks, layers: those that are being lowered, outermost first, to detect recursion. nodes: the nodes and steps that
    blocks and repeats have made. specs: the spec files that have been read as models. source_nodes: the nodes of each
    body as the spec writes them.
    """

    work: Work
    source_nodes: SourceNodes = field(default_factory=SourceNodes)
    blocks: list[BlockDeclaration] = field(default_factory=list)
    layers: list[tuple[Scope, str]] = field(default_factory=list)
    nodes: int = 0
    specs: int = 0


class Scope:
    """The names that a body declares. A layer or model is lowered at its first use, so declarations need no order.

    files: the spec files that lead here by `models: {name: {spec: file}}`. included: the scopes of all included files,
    the nearest first and each once.
    """

    def __init__(
        self,
        parent: Scope | None,
        report: Report,
        variables: Names[str, Value],
        *,
        state: Lowering,
        files: tuple[Path, ...],
    ) -> None:
        self.parent = parent
        self.report = report
        self.variables = variables
        self.state = state
        self.files = files
        self.included: tuple[Scope, ...] = ()
        self.tensors: set[str] = set()
        self.blocks: dict[str, BlockDeclaration] = {}
        self.declarations: dict[str, tuple[Callable[[Scope], Layer | None], Span]] = {}
        self.lowered: dict[str, Layer | None] = {}

    def inner(self) -> Scope:
        """Return a scope for a model that is defined inside of this one."""
        return Scope(self, self.report, self.variables, state=self.state, files=self.files)

    def count(self, nodes: int, span: Span) -> None:
        """Count nodes or steps that a block or a repeat makes. Raises SpecError where they exceed MAX_NODES."""
        self.state.nodes += nodes
        if self.state.nodes > MAX_NODES:
            raise SpecError.of(
                TOO_LARGE,
                f"blocks and repeats create more than {MAX_NODES:,} nodes and steps",
                span,
                expected="the limit is exceeded here",
                help="use fewer nested blocks or fewer repeats",
            )

    def declare(self, name: str, span: Span, lower: Callable[[Scope], Layer | None]) -> None:
        """Declare the layer or model `name`.

        lower: takes this scope, and returns the layer or model; None where its declaration is faulty.
        """
        self.declarations[name] = (lower, span)

    def declares(self, name: str) -> bool:
        """Return whether `name` is declared here, in an included file, or in an enclosing body."""
        return (
            self._holds(name)
            or any(scope._holds(name) for scope in self.included)
            or (self.parent is not None and self.parent.declares(name))
        )

    def _holds(self, name: str) -> bool:
        """Return whether `name` is declared in this body itself."""
        return name in self.declarations or name in self.blocks

    def names(self) -> list[str]:
        """Return every name in scope, the nearest first."""
        own = [name for scope in (self, *self.included) for name in (*scope.declarations, *scope.blocks)]
        return own + (self.parent.names() if self.parent is not None else [])

    def places(self) -> dict[str, Span]:
        """Return the place of declaration of each name in scope."""
        places = self.parent.places() if self.parent is not None else {}
        for scope in (*self.included[::-1], self):
            places |= {name: block.span for name, block in scope.blocks.items()}
            places |= {name: span for name, (_, span) in scope.declarations.items()}
        return places

    def tensor_outside(self, name: str) -> bool:
        """Return whether an enclosing body has a tensor `name`, which is not visible here."""
        return self.parent is not None and (name in self.parent.tensors or self.parent.tensor_outside(name))

    def unapplied(self) -> dict[str, Span]:
        """Return the declarations of this body that are not used so far, with their places."""
        layers = {name: span for name, (_, span) in self.declarations.items() if name not in self.lowered}
        blocks = {name: block.span for name, block in self.blocks.items() if not block.used}
        inside = {
            name: span
            for block in self.blocks.values()
            for name, span in block.layers.items()
            if name not in block.applied
        }
        return layers | blocks | inside

    def lower_declarations(self) -> None:
        """Lower every declaration, so that mistakes in unused ones are reported too."""
        for name, (_, span) in self.declarations.items():
            self.find(name, span)

    def find_block(self, name: str) -> BlockDeclaration | None:
        """Return the block `name`, None if there is none or a nearer layer hides it."""
        if name in self.blocks:
            return self.blocks[name]
        if name in self.declarations:
            return None
        nearest = self._nearest(name)
        return nearest.find_block(name) if nearest is not None else None

    def _nearest(self, name: str) -> Scope | None:
        """Return the included or enclosing scope in which `name` is found."""
        holder = next((scope for scope in self.included if scope._holds(name)), None)
        return holder or (self.parent if self.parent is not None and self.parent.declares(name) else None)

    def find(self, name: str, span: Span) -> Layer | None:
        """Return the layer or model `name`, None if it is undeclared or faulty."""
        if name not in self.declarations:
            nearest = self._nearest(name)
            return nearest.find(name, span) if nearest is not None and name not in self.blocks else None
        if name in self.lowered:
            return self.lowered[name]
        lower, declared_at = self.declarations[name]
        if (self, name) in self.state.layers:
            self._refuse_recursion(name, span, declared_at)
            return None
        if len(self.state.layers) >= MAX_NESTED:
            self._refuse_depth(name, span)
            return None
        self.state.layers.append((self, name))
        try:
            layer = lower(self)
        finally:
            self.state.layers.pop()
        if layer is not None and not layer.name:
            layer.name = name
        self.lowered[name] = layer
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
        start = self.state.layers.index((self, name))
        chain = " → ".join([*(each for _, each in self.state.layers[start:]), name])
        self.report.add(
            RECURSION,
            f"`{name}` contains itself: {chain}",
            span,
            expected="something that does not contain this",
            help="a model cannot contain itself; use `repeat` to apply a step several times",
            labels=[Label(declared_at, f"`{name}` is declared here")],
        )
