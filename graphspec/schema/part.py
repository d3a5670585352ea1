"""The base of all parts of a spec: strict, closed, frozen, and aware of the mapping it was read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from graphspec.diagnostics import Span
from graphspec.document.tree import Located, Mapping


class Part(BaseModel):
    """A mapping of the language with fixed keys. Unknown keys and values of another type are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    _tree: Mapping = PrivateAttr()

    @model_validator(mode="wrap")
    @classmethod
    def _remember_tree(cls, data: Any, validate: Callable[[Any], Any]) -> Any:
        if not isinstance(data, Mapping):
            raise PydanticCustomError("mapping", "a mapping")
        part = validate(data)
        part._tree = data
        return part

    @property
    def tree(self) -> Mapping:
        """The mapping that this part was read from."""
        return self._tree

    @property
    def span(self) -> Span:
        """Where the whole part stands."""
        return self._tree.span

    def located(self, key: str) -> Located:
        """The value of `key` as it stands in the spec, with its place."""
        return self._tree.located(key)

    def key_span(self, key: str) -> Span:
        """Where the key itself stands; the part's own span where it is left out."""
        return self._tree.key_spans.get(key, self._tree.span)

    def states(self, key: str) -> bool:
        """Whether the spec itself writes `key`."""
        return key in self._tree


def _mapping(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise PydanticCustomError("mapping", "a mapping of names")
    return value


T = TypeVar("T")
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")]
Named = Annotated[dict[Name, T], BeforeValidator(_mapping)]
"""A mapping whose keys are names that the user chooses."""
