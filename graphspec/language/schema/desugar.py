"""Tree → tree: what may be written short is written out, in place, at the place of the short form.

aux_input: [5]        →  aux_input: {shape: [5]}
code: features        →  code: {from: features}
image: images.npy     →  image: {file: images.npy}
plugins: [my_layers]  →  plugins: [{module: my_layers}]
"""

from __future__ import annotations

from typing import Any

from graphspec.language.document.tree import Mapping, Sequence


def desugar(tree: Mapping) -> None:
    """Write out every short form in the spec `tree`; whatever is neither short nor a mapping is left for the schema."""
    desugar_body(tree)
    _plugins(tree.get("plugins"))
    data = tree.get("data")
    for split in data.values() if isinstance(data, Mapping) else ():
        for part in ("inputs", "outputs", "sample_weights"):
            _lengthen(split, part, "file", str)


def _plugins(plugins: Any) -> None:
    for number, plugin in enumerate(plugins) if isinstance(plugins, Sequence) else ():
        if isinstance(plugin, str):
            span = plugins.item_spans[number]
            written_out = Mapping(span)
            written_out.put("module", plugin, span, span)
            plugins[number] = written_out


def desugar_body(body: Any) -> None:
    """Write out the short forms of one body: a spec, a nested model, or the inside of a block."""
    if not isinstance(body, Mapping):
        return
    _lengthen(body, "inputs", "shape", Sequence)
    _lengthen(body, "graph", "from", str | Sequence)
    _lengthen(body, "outputs", "from", str | Sequence)
    models = body.get("models")
    for model in models.values() if isinstance(models, Mapping) else ():
        desugar_body(model)


def _lengthen(owner: Any, part: str, key: str, short: Any) -> None:
    """Turn each value of type `short` in the mapping `owner[part]` into a mapping that holds it under `key`."""
    named = owner.get(part) if isinstance(owner, Mapping) else None
    if not isinstance(named, Mapping):
        return
    for name, value in list(named.items()):
        if isinstance(value, short):
            span = named.value_spans[name]
            written_out = Mapping(span)
            written_out.put(key, value, span, span)
            named.put(name, written_out, named.key_spans[name], span)
