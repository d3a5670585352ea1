"""The statements of `training: lora`: adapters for the layers that match, which train in frozen layers too."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from graphspec.catalog.lora import has_lora, lora_parts
from graphspec.language.graph import ExternalModel, Graph
from graphspec.language.training import Lora
from graphspec.to_python.freezing import layer_accesses
from graphspec.to_python.literals import literal, literal_text
from graphspec.to_python.source import Assign, Call, Do, Expression, For, Items, Statement, Text, flat

OPENED = Assign("flags", Text("open_adapters(model, adapted)"))
"""The statement that lets the adapters train in layers that the statements before it freeze."""

CLOSED = For("layer, trainable", Text("flags"), [Assign("layer.trainable", Text("trainable"))])
"""The statement that takes `OPENED` back."""


def adapting(graph: Graph, lora: Lora, *, is_changed: bool) -> list[Statement]:
    """Return the statements that add the adapters to `model`.

    Args:
        graph: The graph of the model.
        lora: The adapters.
        is_changed: Keep the flags of the layers for stages that change them.
    """
    layers: dict[str, Expression] = {}
    for path, access in _accesses(graph):
        if any(fnmatchcase(around, each.text) for around in _with_holders(path) for each in lora.layers):
            layers.setdefault(access, Text(access))
    for path, access, layer in layer_accesses(graph):
        if isinstance(layer, ExternalModel):
            patterns = Items(tuple(literal(each.text) for each in lora.layers))
            found = Call(Text("lora_layers"), (Text(access), Text(literal_text(path)), patterns))
            layers.setdefault(access, Text(f"*{flat(found)}"))
    keywords = (("lora_alpha", literal(lora.alpha)),) if lora.alpha is not None else ()
    opened = OPENED if is_changed else Do(OPENED.value)
    enabled = Do(Call(Text("layer.enable_lora"), (literal(lora.rank),), keywords))
    return [Assign("adapted", Items(tuple(layers.values()))), For("layer", Text("adapted"), [enabled]), opened]


def _accesses(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield the path of every layer with LoRA, and the expression that finds it in `model`."""
    for path, access, layer in layer_accesses(graph):
        if has_lora(layer.class_name):
            yield path, access
        for name, attribute in lora_parts(layer.class_name, layer.arguments).items():
            yield f"{path}/{name}", f"{access}.{attribute}"


def _with_holders(path: str) -> list[str]:
    """Return a path and those of the layers and models that it lies in."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
