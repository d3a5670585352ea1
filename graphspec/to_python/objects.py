"""Objects of Keras and of plugins as calls of their classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.language.document.tree import Mapping
from graphspec.language.graph import Layer
from graphspec.language.objects import FIRST, Object
from graphspec.sources import DataSource
from graphspec.to_python.frame import DifferentError, Frame
from graphspec.to_python.literals import literal_text
from graphspec.to_python.plugins import Registered
from graphspec.to_python.source import Call, Expression, Items, Text, flat

_MODULES: dict[Kind, str] = {"layers": "layers", "schedules": "keras.optimizers.schedules"}

_SIZES = ("kernel_size", "strides", "pool_size", "dilation_rate", "size", "target_shape", "dims")
"""Arguments with lists of sizes, which Keras makes tuples."""

MakeLayer = Callable[[dict[int, Layer]], Expression]


class Objects:
    """The objects of one function.

    Attributes:
        custom: Returns the name of a plugin's object, and what its source tells of it.
        file: Returns the expression for the path of a file.
    """

    def __init__(
        self,
        frame: Frame,
        custom: Callable[[Object], tuple[Expression, Registered | None]],
        file: Callable[[Path], Expression],
    ) -> None:
        self.frame = frame
        self.custom = custom
        self.file = file

    def make(
        self,
        objects: dict[int, Object],
        make_layer: MakeLayer | None = None,
        **defaults: Expression,
    ) -> Expression:
        """Return the call that makes an object; an identifier, such as `relu`, is a string.

        Args:
            objects: The object by the number of the instance.
            make_layer: Returns the expression for layers among the arguments.
            **defaults: Arguments that the spec may override.

        Raises:
            DifferentError: The instances have different objects.
        """
        first = next(iter(objects.values()))
        if all(each.is_identifier for each in objects.values()):
            return self.frame.value({number: each.name for number, each in objects.items()}, first.span)
        if any((each.name, list(each.arguments)) != (first.name, list(first.arguments)) for each in objects.values()):
            raise DifferentError
        if isinstance(first.arguments.get("file"), DataSource):
            return self._from_file(objects)
        arguments = {
            name: self.argument(
                {number: each.arguments[name] for number, each in objects.items()}, first, name, make_layer
            )
            for name in first.arguments
        }
        keywords = {name: value for name, value in arguments.items() if name != FIRST}
        keywords |= {name: value for name, value in defaults.items() if name not in arguments}
        if ">" in first.name:
            return self._custom(first, arguments, defaults)
        names = self._positional(first)
        module = _MODULES.get(first.kind, f"keras.{first.kind}")
        return Call(
            Text(f"{module}.{first.name}"),
            tuple(keywords.pop(name) for name in names),
            tuple(keywords.items()),
        )

    def _custom(self, made: Object, arguments: dict[str, Expression], defaults: dict[str, Expression]) -> Expression:
        """Return the call of a plugin's class, with its name set afterwards where the constructor takes none."""
        name, registered = self.custom(made)
        if registered is not None and registered.is_function:
            return name
        positional = (arguments.pop(FIRST),) if FIRST in arguments else ()
        refused = {key: each for key, each in defaults.items() if registered is not None and not registered.takes(key)}
        taken = {key: each for key, each in defaults.items() if key not in arguments and key not in refused}
        call = Call(name, positional, (*arguments.items(), *taken.items()))
        return Call(Text("renamed"), (call, refused["name"])) if "name" in refused else call

    def _positional(self, made: Object) -> list[str]:
        """Return the arguments that are written without their names."""
        entry = catalog.find(made.kind, made.name)
        order = list(entry.arguments) if entry is not None else []
        if not order or order[0] not in made.arguments:
            return []
        assert entry is not None
        if order[:2] == ["filters", "kernel_size"] and "kernel_size" in made.arguments:
            return order[:2]
        return order[:1] if entry.required in ([], order[:1]) and (entry.required or self._is_bare(made)) else []

    def _is_bare(self, made: Object) -> bool:
        """Return whether the spec writes the only argument without its name."""
        written = self.frame.places.under(made.span)
        return written is not None and written.value is not None and not isinstance(written.value, Mapping)

    def argument(
        self,
        values: dict[int, Any],
        owner: Object,
        name: str,
        make_layer: MakeLayer | None = None,
        *,
        as_tuple: bool = False,
    ) -> Expression:
        """Return the value of an argument: plain data, an object, a layer, or a list of these.

        Args:
            values: The value by the number of the instance.
            owner: The object whose argument it is.
            name: The name of the argument.
            make_layer: Returns the expression for layers.
            as_tuple: Write lists as tuples.
        """
        first = next(iter(values.values()))
        kinds = {type(each) for each in values.values()}
        if isinstance(first, Object):
            if kinds != {Object}:
                raise DifferentError
            return self.make(values, make_layer)
        if isinstance(first, Layer):
            if not all(isinstance(each, Layer) for each in values.values()):
                raise DifferentError
            assert make_layer is not None, "only layers hold layers"
            return make_layer(values)
        if isinstance(first, list) and any(isinstance(each, Layer | Object) for each in first):
            if any(not isinstance(each, list) or len(each) != len(first) for each in values.values()):
                raise DifferentError
            columns = [{number: each[index] for number, each in values.items()} for index in range(len(first))]
            return Items(tuple(self.argument(each, owner, name, make_layer) for each in columns))
        return self.frame.value(values, owner.spans.get(name), as_tuple=as_tuple or name in _SIZES)

    def array(self, arguments: dict[int, dict[str, Any]]) -> Expression:
        """Return the array of a constant that lies in a file."""
        first = next(iter(arguments.values()))
        sources = {(each["x"].arguments["file"].path, each["x"].arguments["file"].key) for each in arguments.values()}
        if len(sources) != 1 or len({each.get("dtype") for each in arguments.values()}) != 1:
            raise DifferentError
        path, key = sources.pop()
        loaded = flat(load_array(self.file(path), path, key))
        if (dtype := first.get("dtype")) is not None:
            return Text(f"{loaded}.astype({literal_text(dtype)})")
        return Call(Text("as_numbers"), (Text(loaded),), ())

    def _from_file(self, objects: dict[int, Object]) -> Expression:
        """Return an initializer with the array of a file."""
        sources = {(each.arguments["file"].path, each.arguments["file"].key) for each in objects.values()}
        if len(sources) != 1:
            raise DifferentError
        path, key = sources.pop()
        return Call(Text("keras.initializers.Constant"), (load_array(self.file(path), path, key),))


def load_array(file: Expression, path: Path, key: str | None) -> Expression:
    """Return the expression that loads an array of a `.npy` or `.npz` file."""
    loaded = Call(Text("np.load"), (file,))
    if path.suffix.lower() != ".npz":
        return loaded
    if key is None:
        return Text(f"next(iter({flat(loaded)}.values()))")
    return Text(f"{flat(loaded)}[{literal_text(key)}]")
