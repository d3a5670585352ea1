"""Expand short forms in a tree, in place, at the place of the short form.

aux_input: [5]        →  aux_input: {shape: [5]}
code: features        →  code: {from: features}
image: images.npy     →  image: {file: images.npy}
plugins: [my_layers]  →  plugins: [{module: my_layers}]
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Mapping, Sequence


def desugar(tree: Mapping) -> None:
    """Expand every short form in a spec. Values of other types are left for the schema to report."""
    desugar_body(tree)
    plugins: Any = tree.get("plugins")
    for number, plugin in enumerate(plugins) if isinstance(plugins, Sequence) else ():
        if isinstance(plugin, str):
            plugins[number] = _mapping("module", plugin, plugins.item_spans[number])
    data = tree.get("data")
    for split in data.values() if isinstance(data, Mapping) else ():
        for part in ("inputs", "outputs", "sample_weights"):
            _expand(split, part, "file", str)


def desugar_body(body: Any) -> None:
    """Expand the short forms of a spec, a nested model or a block."""
    if not isinstance(body, Mapping):
        return
    _expand(body, "inputs", "shape", Sequence)
    _expand(body, "graph", "from", str | Sequence)
    _expand(body, "outputs", "from", str | Sequence)
    _expand(body, "losses", "from", str | Sequence)
    models = body.get("models")
    for model in models.values() if isinstance(models, Mapping) else ():
        desugar_body(model)


def _expand(owner: Any, part: str, key: str, short: Any) -> None:
    """Replace each value of type `short` in `owner[part]` by `{key: value}`."""
    named = owner.get(part) if isinstance(owner, Mapping) else None
    if not isinstance(named, Mapping):
        return
    for name, value in list(named.items()):
        if isinstance(value, short):
            span = named.value_spans[name]
            named.put(name, _mapping(key, value, span), named.key_spans[name], span)


def _mapping(key: str, value: Any, span: Span) -> Mapping:
    mapping = Mapping(span)
    mapping.put(key, value, span, span)
    return mapping
