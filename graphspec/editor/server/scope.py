"""The names that are visible at a place, with those of included files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from graphspec.editor.server.document import Document
from graphspec.editor.server.names import BESIDE, Body, Name, name_of
from graphspec.editor.server.places import MARK, Place
from graphspec.editor.server.project import declared_names
from graphspec.editor.server.values import Value, entries_of
from graphspec.editor.server.workspace import Workspace


@dataclass
class Scope:
    """The names in scope at a position of a document."""

    document: Document
    place: Place
    workspace: Workspace

    @cached_property
    def body(self) -> Body:
        """The body around the cursor."""
        return self.place.declarations.root.body_at(self.place.start)

    def tensors(self) -> list[Name]:
        """Return the tensors of the body, but for the node itself that holds the cursor."""
        return [
            each
            for each in self.body.tensors.values()
            if MARK not in each.text and not (each.value is not None and each.value in self.place.parents)
        ]

    def declared(self) -> list[Name]:
        """Return the layers, models and blocks that are visible."""
        own = [name for body in self.body.around() for name in body.declared.values()]
        others = [name for _, name in declared_names(self.document, self.workspace, self.place.declarations)]
        return [each for each in (*own, *others) if MARK not in each.text and each.value not in self.place.parents]

    def find_declared(self, text: str) -> Name | None:
        """Return the layer, model or block of that name."""
        return self.body.find_declared(text) or next((each for each in self.declared() if each.text == text), None)

    def variables(self) -> list[Name]:
        """Return the variables, parameters and names of `each` that an expression can use."""
        names = [
            name_of("each", entry, self.body) for node in self.place.parents for entry in entries_of(node.get("each"))
        ]
        names += [name for body in self.body.around() for name in body.variables.values()]
        included = declared_names(self.document, self.workspace, self.place.declarations, variables=True)
        return [each for each in (*names, *(name for _, name in included)) if MARK not in each.text]

    def applied(self, node: Value) -> tuple[str, Name | None]:
        """Return the name of the first step of a node, and what it declares where it is declared."""
        steps = node.get("apply")
        if steps is None or steps.kind == "scalar":
            text = steps.text if steps is not None else ""
            return text, self.find_declared(text)
        first = (steps.items or [steps])[0]
        return self.step_name(first)

    def step_name(self, step: Value) -> tuple[str, Name | None]:
        """Return the name in a step, and what it declares."""
        keys = [each.key.text for each in step.entries if each.key.text not in BESIDE]
        text = step.text if step.kind == "scalar" else next(iter(keys), "")
        return text, self.find_declared(text)
