"""The values of a document → the names that it declares, which is all that completion asks for after a character."""

from __future__ import annotations

from graphspec.editor.server.names import Body, Declarations, Name, NameKind, name_of
from graphspec.editor.server.values import Entry, Value, entries_of, items_of

_KINDS: dict[str, NameKind] = {
    "layers": "layer",
    "models": "model",
    "blocks": "block",
    "inputs": "input",
    "graph": "node",
    "outputs": "output",
    "losses": "loss",
}
_ORIGINS = ("spec", "file", "application", "preset")


def declarations_of(root: Value) -> Declarations:
    """Return the declarations of a document with this root."""
    body = Body("spec", root)
    for entry in entries_of(root.get("vars")):
        _declare("variable", entry, body)
    _declare_names(body)
    return Declarations(body, items_of(root.get("include")))


def _declare_names(body: Body) -> None:
    """Declare the names of a body and of those in it."""
    value = body.value
    for entry in entries_of(value.get("params")):
        _declare("parameter", entry, body)
    if body.kind == "block":
        for item in items_of(value.get("inputs")):
            _declare("input", Entry(item), body)
    for section, kind in _KINDS.items():
        for entry in entries_of(value.get(section)):
            name = _declare(kind, entry, body)
            if kind in ("model", "block") and entry.value is not None and entry.value.kind == "mapping":
                _declare_inside(name, entry.value)
    body.output = value.get("output") if body.kind == "block" else None


def _declare_inside(name: Name, value: Value) -> None:
    """Declare the names of a model, unless it is that of a file, or of a block."""
    if name.kind == "block" or not any(each.key.text in _ORIGINS for each in value.entries):
        name.inside = Body("model" if name.kind == "model" else "block", value, name.declared_in)
        _declare_names(name.inside)


def _declare(kind: NameKind, entry: Entry, body: Body) -> Name:
    """Declare the name of a key in a body; a second one of that name is a clash."""
    name = name_of(kind, entry, body)
    names = body.names_like(kind)
    if name.text in names:
        body.clashes.append(name)
    names.setdefault(name.text, name)
    return name
