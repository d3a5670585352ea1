"""The base of all parts of a spec: strict, closed, frozen, and aware of the mapping it was read from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Located, Mapping


class Part(BaseModel):
    """A mapping of the language with fixed keys. Unknown keys and values of another type are refused."""

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
        raise AttributeError("a part that was read from no mapping")

    @property
    def span(self) -> Span:
        """Where the whole part stands."""
        return self.tree.span

    def located(self, key: str) -> Located:
        """The value of `key` as it stands in the spec, with its place."""
        return self.tree.located(key)

    def key_span(self, key: str) -> Span:
        """Where the key itself stands; the part's own span where it is left out."""
        return self.tree.key_spans.get(key, self.tree.span)

    def states(self, key: str) -> bool:
        """Whether the spec itself writes `key`."""
        return key in self.tree


def _mapping(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise PydanticCustomError("mapping", "a mapping of names")
    return value


T = TypeVar("T")
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")]
Named = Annotated[dict[Name, T], BeforeValidator(_mapping)]
"""A mapping whose keys are names that the user chooses."""
