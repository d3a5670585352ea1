"""The base class of the parts of a spec, which keep their mappings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Located, Mapping


class Part(BaseModel):
    """A mapping of the language with fixed keys. Unknown keys and other types are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="wrap")
    @classmethod
    def _remember_tree(cls, data: Any, validate: Callable[[Any], Any]) -> Any:
        if not isinstance(data, Mapping):
            raise PydanticCustomError("mapping", "a mapping")
        part = validate(data)
        part.__dict__["tree"] = data
        return part

    @cached_property
    def tree(self) -> Mapping:
        """The mapping that this part was read from."""
        raise AttributeError("this part was not read from a mapping")

    @property
    def span(self) -> Span:
        """The place of the whole part."""
        return self.tree.span

    def located(self, key: str) -> Located:
        """Return the value of `key` in the tree, with its place."""
        return self.tree.located(key)

    def key_span(self, key: str) -> Span:
        """Return the place of the key itself, by default that of the part."""
        return self.tree.key_spans.get(key, self.tree.span)

    def states(self, key: str) -> bool:
        """Return whether the spec writes `key`."""
        return key in self.tree


def _mapping(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise PydanticCustomError("mapping", "a mapping of names")
    return value


T = TypeVar("T")
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")]
Named = Annotated[dict[Name, T], BeforeValidator(_mapping)]
"""A mapping whose keys are names that the user chooses."""
