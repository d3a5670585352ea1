"""The values of a document → the uses of its names: a walk by the forms of the language, which takes what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphspec import catalog
from graphspec.catalog.arguments import argument_kind
from graphspec.editor.server.names import BESIDE, Body, Declarations, Name, NameIndex, Use, UseKind, name_of
from graphspec.editor.server.values import Value, entries_of, items_of
from graphspec.language.document.scalars import resolve
from graphspec.language.expand.operators import FUNCTIONS
from graphspec.language.lower.merges import MERGES

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
NAME = re.compile(_NAME)
_REFERENCE = re.compile(rf"(?P<name>{_NAME})(?:\[[^\]]*\])*(?:\.(?P<part>{_NAME}))?")
_EXPRESSION = re.compile(r"(?<!\$)\$\{([^{}]*)\}?")
_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|(?<![\w.])[A-Za-z_]\w*")
KEYWORDS = frozenset({"true", "false", "null", "and", "or", "not", "if", "else", "in", "True", "False", "None"})
_TENSORS = ("inputs", "graph", "outputs", "losses")
_OBJECTS = {
    "loss": "losses",
    "metrics": "metrics",
    "weighted_metrics": "metrics",
    "initializer": "initializers",
    "regularizer": "regularizers",
    "constraint": "constraints",
}
Locals = dict[str, Name]


def index_names(declared: Declarations) -> NameIndex:
    """Return the names of a document with these declarations."""
    walk = _Walk()
    for path in declared.includes:
        walk.path(path, declared.root)
    walk.spec(declared.root)
    walk.names.sort(key=lambda each: each.start)
    walk.uses.sort(key=lambda each: (each.start, -each.end))
    return NameIndex(walk.names, walk.uses)


class _Walk:
    def __init__(self) -> None:
        self.names: list[Name] = []
        self.uses: list[Use] = []

    def spec(self, body: Body) -> None:
        root = body.value
        self.expressions(root.get("vars"), body, {})
        self.body(body)
        for name in ("training", "search", "data", "plugins", "weights", "name", "description"):
            self.expressions(root.get(name), body, {})
        self.training(root.get("training"), body)
        self.data(root.get("data"), body)
        self.search(root.get("search"), body)

    def body(self, body: Body) -> None:
        """Walk through what the names of a body name."""
        self.names += body.names()
        self.defaults(body)
        for name in (*body.declared.values(), *body.tensors.values(), *body.clashes):
            if name.inside is not None:
                self.body(name.inside)
            elif name.kind == "model":
                self.origin(name)
            elif name.kind == "layer":
                self.object("layers", name.value, body, {})
                self.expressions(name.value, body, {})
            elif name.kind == "input":
                self.expressions(name.value, body, {})
            elif name.kind in ("node", "output", "loss"):
                self.node(name.value, body, {})
        self.node(body.output, body, {})

    def defaults(self, body: Body) -> None:
        """Take the names in the defaults of parameters, each of which may use those before it."""
        before: Locals = {}
        for entry in entries_of(body.value.get("params")):
            self.expressions(entry.value, body, before, around=body.parent)
            before[entry.key.text] = body.variables[entry.key.text]

    def origin(self, name: Name) -> None:
        """Walk through a model that comes from elsewhere."""
        for entry in name.value.entries if name.value is not None else ():
            if entry.value is not None and entry.key.text in ("spec", "file"):
                self.path(entry.value, name.body)
        self.expressions(name.value, name.body, {})

    def use(self, kind: UseKind, written: Value, body: Body, **more: object) -> Use:
        start, end = written.inner
        return self.add(Use(kind, written.text, start, end, body, **more))  # type: ignore[arg-type] # fields of Use

    def add(self, use: Use) -> Use:
        self.uses.append(use)
        return use

    def path(self, value: Value, body: Body) -> None:
        if value.kind == "scalar" and value.text:
            self.use("path", value, body)

    def node(self, value: Value | None, body: Body, outer: Locals) -> None:
        if value is None:
            return
        if value.kind != "mapping":
            self.references(value, body)
            self.expressions(value, body, outer)
            return
        names = dict(outer)
        for entry in entries_of(value.get("each")):
            name = name_of("each", entry, body)
            self.names.append(name)
            names[name.text] = name
        steps = value.get("apply")
        feed = value.get("from")
        self.references(feed, body)
        first = self.steps(steps, body, names)
        if feed is not None and feed.kind == "mapping" and first is not None:
            self.inputs_of(feed, first, body)
        self.object("merge", value.get("merge"), body, names)
        self.node(value.get("otherwise"), body, names)
        for key, kind in _OBJECTS.items():
            for item in items_of(value.get(key)):
                self.object(kind, item, body, names)
        weight = value.get("weight")
        for key in ("initializer", "regularizer", "constraint"):
            self.object(_OBJECTS[key], weight.get(key) if weight is not None else None, body, names)
        for entry in value.entries:
            if entry.key.text != "otherwise":
                self.expressions(entry.value, body, outer if entry.key.text == "each" else names)

    def inputs_of(self, feed: Value, applied: Use, body: Body) -> None:
        """Take the keys of tensors by keyword as uses of the inputs of a model or block."""
        inside = applied.target.inside if applied.target is not None else None
        for entry in feed.entries:
            target = inside.tensors.get(entry.key.text) if inside is not None else None
            if target is not None and target.kind == "input":
                self.use("tensor", entry.key, body, target=target)
            elif applied.target is None:
                self.use("input", entry.key, body, owner=applied.text)

    def references(self, value: Value | None, body: Body) -> None:
        for item in value.scalars() if value is not None else ():
            match = _REFERENCE.fullmatch(item.text)
            if match is None or not item.is_verbatim or not (item.style or isinstance(resolve(item.text), str)):
                continue
            start = item.inner[0]
            name, part = match["name"], match["part"]
            target = body.tensors.get(name)
            self.add(Use("tensor", name, start, start + len(name), body, target=target))
            if part is not None:
                at = start + match.start("part")
                self.add(Use("part", part, at, at + len(part), body, target=_output(target, part), owner=name))

    def steps(self, value: Value | None, body: Body, names: Locals) -> Use | None:
        """Walk through steps. Return the use of what the first one applies, if that is no layer of Keras."""
        first: Use | None = None
        for number, step in enumerate(items_of(value)):
            applied = self.step(step, body, names)
            first = applied if number == 0 else first
        return first

    def step(self, step: Value, body: Body, names: Locals) -> Use | None:
        if step.kind == "scalar":
            return self.applied(step, None, body, names)
        applied: Use | None = None
        for entry in step.entries:
            if entry.key.text not in BESIDE:
                applied = self.applied(entry.key, entry.value, body, names)
        call = step.get("call")
        if call is not None and call.kind == "mapping":
            for entry in call.entries:
                self.references(entry.value, body)
            if applied is not None:
                self.inputs_of(call, applied, body)
        return applied

    def applied(self, key: Value, arguments: Value | None, body: Body, names: Locals) -> Use | None:
        """Take a step as a use of what is declared, or else of a layer of Keras or an operation."""
        target = body.find_declared(key.text)
        if target is None and catalog.find("ops" if key.text.startswith("ops.") else "layers", key.text) is not None:
            self.named(key, arguments, "ops" if key.text.startswith("ops.") else "layers", body=body, names=names)
            return None
        use = self.use("declared", key, body, target=target, value=arguments)
        inside = target.inside if target is not None else None
        for entry in arguments.entries if arguments is not None else ():
            parameter = inside.variables.get(entry.key.text) if inside is not None else None
            if parameter is not None:
                self.use("variable", entry.key, body, target=parameter)
            elif target is None:
                self.use("parameter", entry.key, body, owner=key.text)
        return use

    def object(self, kind: str, value: Value | None, body: Body, names: Locals) -> None:
        """Walk through an object of Keras: its name, or a mapping from it to its arguments."""
        if value is None:
            return
        if value.kind == "list":
            for item in value.items:
                self.object(kind, item, body, names)
            return
        key: Value | None = value if value.kind == "scalar" else None
        arguments: Value | None = None
        if value.kind == "mapping":
            entry = next((each for each in value.entries if each.key.text not in BESIDE), None)
            key, arguments = (entry.key, entry.value) if entry is not None else (None, None)
        if key is None or not NAME.match(key.text):
            return
        target = body.find_declared(key.text) if kind == "layers" else None
        if target is not None or (kind == "layers" and catalog.find("layers", key.text) is None):
            self.use("declared", key, body, target=target)
        else:
            self.named(key, arguments, kind, body=body, names=names)

    def named(self, key: Value, arguments: Value | None, kind: str, *, body: Body, names: Locals) -> None:
        name = MERGES[key.text][0] if kind == "merge" and key.text in MERGES else key.text
        kind = "layers" if kind == "merge" else kind
        self.use("object", key, body, catalog=kind, owner=name, value=arguments)
        entry = catalog.find(kind, name)
        for argument in arguments.entries if arguments is not None else ():
            self.use("argument", argument.key, body, catalog=kind, owner=name, value=argument.value)
            inner = argument_kind(argument.key.text)
            if inner is not None:
                self.object(inner, argument.value, body, names)
        if arguments is not None and entry is not None and arguments.kind == "scalar" and entry.arguments:
            inner = argument_kind(next(iter(entry.arguments)))
            if inner is not None:
                self.object(inner, arguments, body, names)

    def expressions(self, value: Value | None, body: Body, names: Locals, *, around: Body | None = None) -> None:
        """Take the names in `${...}` as uses of `names` and of the variables of the body, or of the one `around` it."""
        for item in value.scalars() if value is not None else ():
            if "${" not in item.text or not item.is_verbatim:
                continue
            start = item.inner[0]
            for found in _EXPRESSION.finditer(item.text):
                for word in _WORD.finditer(found[1]):
                    if word[0][0] in "'\"" or word[0] in KEYWORDS or word[0] in FUNCTIONS:
                        continue
                    at = start + found.start(1) + word.start()
                    target = names.get(word[0]) or (around or body).find_variable(word[0])
                    self.add(Use("variable", word[0], at, at + len(word[0]), body, target=target))

    def training(self, value: Value | None, body: Body) -> None:
        if value is None or value.kind != "mapping":
            return
        self.object("optimizers", value.get("optimizer"), body, {})
        self.object("callbacks", value.get("callbacks"), body, {})
        lora = value.get("lora")
        patterns = [*items_of(value.get("freeze")), *items_of(lora.get("layers") if lora is not None else None)]
        for stage in items_of(value.get("stages")):
            patterns += [*items_of(stage.get("freeze")), *items_of(stage.get("unfreeze"))]
            self.object("schedules", stage.get("learning_rate"), body, {})
        patterns += [entry.key for entry in entries_of(value.get("learning_rate_multipliers"))]
        for pattern in patterns:
            self.layer_path(pattern, body)
        for monitor in _monitors(value):
            self.monitor(monitor, body)

    def layer_path(self, value: Value, body: Body) -> None:
        """Take the names of a path to a layer, `model/layer`, as uses."""
        if value.kind != "scalar" or not value.is_verbatim:
            return
        at, inside = value.inner[0], body
        for part in value.text.split("/"):
            target = inside.declared.get(part) or inside.tensors.get(part)
            self.add(Use("layer", part, at, at + len(part), body, target=target))
            if target is None or target.inside is None:
                return
            at, inside = at + len(part) + 1, target.inside

    def monitor(self, value: Value, body: Body) -> None:
        """Take the name of an output in that of a metric, `val_label_loss`, as a use."""
        text = value.text.removeprefix("val_")
        at = value.inner[0] + len(value.text) - len(text)
        named = [each for each in body.tensors.values() if each.kind in ("output", "loss")]
        found = max((each for each in named if text.startswith(f"{each.text}_")), key=_length, default=None)
        if found is not None and value.is_verbatim:
            self.add(Use("tensor", found.text, at, at + len(found.text), body, target=found))

    def data(self, value: Value | None, body: Body) -> None:
        for split in entries_of(value):
            for section in ("inputs", "outputs", "sample_weights"):
                sources = split.value.get(section) if split.value is not None else None
                for entry in entries_of(sources):
                    self.use("tensor", entry.key, body, target=body.tensors.get(entry.key.text))

    def search(self, value: Value | None, body: Body) -> None:
        if value is None or value.kind != "mapping":
            return
        for entry in entries_of(value.get("parameters")):
            section, _, rest = entry.key.text.partition(".")
            name = rest.partition(".")[0]
            names = {"vars": body.variables, "layers": body.declared, "models": body.declared, "blocks": body.declared}
            target = names.get(section, body.tensors if section in _TENSORS else {}).get(name)
            if target is not None and entry.key.is_verbatim:
                at = entry.key.inner[0] + len(section) + 1
                kind: UseKind = "variable" if section == "vars" else "tensor" if section in _TENSORS else "declared"
                self.add(Use(kind, name, at, at + len(name), body, target=target))
        for monitor in _monitors(value):
            self.monitor(monitor, body)


def _output(tensor: Name | None, part: str) -> Name | None:
    """Return the output `part` of the model or block that a node ends in."""
    value = tensor.value if tensor is not None else None
    if tensor is None or value is None or value.kind != "mapping":
        return None
    steps = items_of(value.get("apply"))
    if not steps:
        return None
    key = steps[-1] if steps[-1].kind == "scalar" else next((each.key for each in steps[-1].entries), None)
    applied = tensor.body.find_declared(key.text) if key is not None else None
    return applied.inside.tensors.get(part) if applied is not None and applied.inside is not None else None


def _monitors(value: Value) -> Iterator[Value]:
    """Yield the values of every key `monitor` at any depth."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        for entry in each.entries:
            if entry.key.text == "monitor" and entry.value is not None and entry.value.kind == "scalar":
                yield entry.value
            elif entry.value is not None:
                waiting.append(entry.value)
        waiting += each.items


def _length(name: Name) -> int:
    return len(name.text)
