"""The names of a document: what declares them, and what uses them.

A body holds its names, which hold the bodies in them. The way back is weak, so that an index that nobody holds any more
is gone at once; what is found in an index is used while the index is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal
from weakref import ref

from graphspec.editor.server.values import Entry, Value
from graphspec.language.lower.steps import STEP_KEYS

NameKind = Literal["input", "node", "output", "loss", "layer", "model", "block", "variable", "parameter", "each"]
UseKind = Literal["tensor", "part", "declared", "variable", "object", "argument", "path", "layer", "parameter", "input"]

TENSORS: tuple[NameKind, ...] = ("input", "node", "output", "loss")
DECLARED: tuple[NameKind, ...] = ("layer", "model", "block")
BESIDE = (*STEP_KEYS, "when")
"""The keys that may stand beside what a step applies."""


@dataclass(eq=False, slots=True)
class Name:
    """A name that a body declares.

    Attributes:
        start: The offset of the name.
        end: The offset after it.
        value: What it names; None where nothing follows it.
        declared_in: The body that declares it.
        inside: The body that it names: that of a model or a block.
    """

    kind: NameKind
    text: str
    start: int
    end: int
    declared_in: ref[Body]
    _: KW_ONLY
    value: Value | None = None
    inside: Body | None = None

    @property
    def body(self) -> Body:
        """The body that declares it."""
        body = self.declared_in()
        assert body is not None  # the index holds it
        return body


def name_of(kind: NameKind, entry: Entry, body: Body) -> Name:
    """Return the name that a key declares in a body."""
    start, end = entry.key.inner
    return Name(kind, entry.key.text, start, end, ref(body), value=entry.value)


@dataclass(eq=False, slots=True, weakref_slot=True)
class Body:
    """A scope: the spec, a nested model, or a block.

    Attributes:
        around_it: The body around it; None for the spec.
        tensors: Its inputs, nodes, outputs and losses.
        declared: Its layers, models and blocks.
        variables: Its `vars`, or the parameters of a block.
        clashes: Further declarations of a name that is declared already.
        output: The node that a block of one output returns.
    """

    kind: Literal["spec", "model", "block"]
    value: Value
    around_it: ref[Body] | None = None
    tensors: dict[str, Name] = field(default_factory=dict)
    declared: dict[str, Name] = field(default_factory=dict)
    variables: dict[str, Name] = field(default_factory=dict)
    clashes: list[Name] = field(default_factory=list)
    output: Value | None = None

    @property
    def parent(self) -> Body | None:
        """The body around it; None for the spec."""
        return self.around_it() if self.around_it is not None else None

    def find_declared(self, text: str) -> Name | None:
        """Return the layer, model or block of that name, here or in a body around; None if there is none."""
        return next((body.declared[text] for body in self.around() if text in body.declared), None)

    def find_variable(self, text: str) -> Name | None:
        """Return the parameter or variable of that name, here or in a body around."""
        return next((body.variables[text] for body in self.around() if text in body.variables), None)

    def outputs(self) -> list[Name]:
        """Return the outputs, by which a use of the body is picked from."""
        return [each for each in self.tensors.values() if each.kind == "output"]

    def inputs(self) -> list[Name]:
        """Return the inputs."""
        return [each for each in self.tensors.values() if each.kind == "input"]

    def names(self) -> Iterator[Name]:
        """Yield the names that it declares."""
        for names in (self.variables, self.declared, self.tensors):
            yield from names.values()
        yield from self.clashes

    def names_like(self, kind: NameKind) -> dict[str, Name]:
        """Return the names among which one of this kind is unique: tensors, layers, models and blocks, or variables."""
        return self.tensors if kind in TENSORS else self.declared if kind in DECLARED else self.variables

    def body_at(self, offset: int) -> Body:
        """Return the innermost body around an offset: this one, or one of its models and blocks."""
        for name in (*self.declared.values(), *self.clashes):
            inside = name.inside
            if inside is not None and inside.value.start <= offset <= inside.value.end:
                return inside.body_at(offset)
        return self

    def around(self) -> Iterator[Body]:
        """Yield this body and those around it, the nearest first."""
        body: Body | None = self
        while body is not None:
            yield body
            body = body.parent


@dataclass(eq=False, slots=True)
class Use:
    """A use of a name.

    Attributes:
        kind: What the name may stand for: an `object` is a class of Keras or an operation, a `part` an output that is
            picked from a node, a `path` a file, a `layer` one that training names, a `parameter` or `input` that of
            a block or model of another file.
        target: The declaration, if the document has it.
        catalog: The kind of an object or of the object of an argument, in the catalogue.
        owner: The name of the object of an argument, the tensor of a part, the block of a parameter or input.
        value: What is written for it.
    """

    kind: UseKind
    text: str
    start: int
    end: int
    body: Body
    _: KW_ONLY
    target: Name | None = None
    catalog: str = ""
    owner: str = ""
    value: Value | None = None


@dataclass(eq=False, slots=True)
class Declarations:
    """The declarations of one document.

    Attributes:
        root: The body of the spec.
        includes: The paths of the files that it includes.
    """

    root: Body
    includes: list[Value]


@dataclass(eq=False, slots=True)
class NameIndex:
    """The names of one document.

    Attributes:
        names: Every declaration, in the order of the text.
        uses: Every use, in the order of the text.
    """

    names: list[Name]
    uses: list[Use]

    def at(self, offset: int) -> Name | Use | None:
        """Return the name or the use at an offset; None where there is none."""
        every: list[Name | Use] = [*self.names, *self.uses]
        found = [each for each in every if each.start <= offset <= each.end and each.start < each.end]
        return min(found, key=lambda each: each.end - each.start) if found else None
