"""`Spec` → the same spec with nothing left to say: everything expanded, every default filled in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graphspec import catalog
from graphspec.language.document import STANDARD_INPUT
from graphspec.rendering.bodies import BodyRenderer
from graphspec.rendering.origins import GRAPHSPEC, Origins, on_one_line
from graphspec.rendering.settings import render_data, render_training
from graphspec.rendering.text import yaml_text
from graphspec.rendering.tree import Leaf, Tree, leaves, values
from graphspec.spec import Spec

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,199}")


@dataclass(frozen=True)
class RenderedSpec:
    """A spec with everything expanded.

    Attributes:
        source: The spec that it was rendered from.
        tree: Its keys, each value with its origin.
        notes: What the rendered spec does not hold, and why.
    """

    source: str
    tree: dict[str, Tree]
    notes: list[str]

    @cached_property
    def text(self) -> str:
        """The rendered spec as YAML, with the origin of each value behind its line."""
        keras = f"defaults are those of Keras {catalog.keras_version()}"
        head = [f"{on_one_line(self.source)}, rendered: all is expanded, and {keras}."]
        return yaml_text(self.tree, head, self.notes)

    def as_json(self) -> dict[str, Any]:
        """Return the rendered spec, and the origin of each value by its path, as data for JSON."""
        origins = {
            path: {"kind": leaf.origin.kind, "text": leaf.origin.text, "place": leaf.origin.place}
            for path, leaf in leaves(self.tree)
        }
        return {"version": 1, "spec": values(self.tree), "origins": origins, "notes": self.notes}


def render(spec: Spec, folder: Path | None = None) -> RenderedSpec:
    """Return a spec with everything expanded, and every default filled in.

    Args:
        spec: The spec.
        folder: The folder that the rendered spec is for, by default that of the spec; paths in it start there.
    """
    own = Path() if str(spec.path) == STANDARD_INPUT else spec.path.parent
    folder = own if folder is None else folder
    bodies = BodyRenderer(spec, Origins(spec), folder)
    objects, model = bodies.objects, spec.model
    version = objects.leaf(model.graphspec, model.located("graphspec").span)
    tree: dict[str, Tree] = {"graphspec": version}
    if model.name is not None:
        tree["name"] = objects.leaf(spec.name, model.located("name").span)
    elif _NAME.fullmatch(spec.name):
        tree["name"] = Leaf(spec.name, GRAPHSPEC)  # that of the file, where a spec can write it
    if model.description is not None:
        tree["description"] = objects.leaf(model.description, model.located("description").span)
    if plugins := _plugins(spec, folder, bodies):
        tree["plugins"] = plugins
    tree |= bodies.top()
    if spec.graph.weights is not None:
        tree["weights"] = objects.weights(spec.graph.weights)
    if spec.training is not None:
        tree["training"] = render_training(spec, objects)
    if spec.data is not None:
        tree["data"] = render_data(spec, objects)
    notes = []
    if spec.search is not None:
        notes.append("`search` is left out: its parameters are places of the spec as it is written.")
    return RenderedSpec(spec.tree.span.source.name, tree, notes)


def _plugins(spec: Spec, folder: Path, bodies: BodyRenderer) -> list[Tree]:
    """Return the modules that register custom objects, those of nested specs included."""
    found: dict[str, Tree] = {}
    for graph in (spec.graph, *spec.graph.models()):
        for plugin in graph.plugins:
            entry: dict[str, Tree] = {"module": bodies.objects.leaf(plugin.module, plugin.span)}
            if plugin.is_beside and os.path.realpath(plugin.folder) != os.path.realpath(folder):
                entry["folder"] = bodies.objects.leaf(bodies.objects.path(plugin.folder), plugin.span)
            found.setdefault(plugin.module, entry)
    return list(found.values())
