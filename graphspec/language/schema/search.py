"""The keys of `search`. See docs/tune.md.

Fields of type `Any` hold objects, whose form is open: `lower` reads them from the tree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, WrapValidator

from graphspec.language.document.tree import Sequence
from graphspec.language.schema.limits import MAX_TRIED, Positive
from graphspec.language.schema.part import Part

SearchInteger = Annotated[int, Field(ge=-MAX_TRIED, le=MAX_TRIED)]


class FloatRange(Part):
    """A range of numbers, with the arguments of optuna's `suggest_float`."""

    low: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    log: bool = False
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class IntRange(Part):
    """A range of integers, with the arguments of optuna's `suggest_int`."""

    low: SearchInteger
    high: SearchInteger
    log: bool = False
    step: Positive = 1


class RangeModel(Part):
    """A range for a parameter of a search. Choices are a plain list."""

    float_: FloatRange | None = Field(None, alias="float")
    int_: IntRange | None = Field(None, alias="int")


def _range_or_choices(value: Any, validate: Callable[[Any], Any]) -> Any:
    return value if isinstance(value, Sequence) else validate(value)


if TYPE_CHECKING:
    AnyParameter = RangeModel | list[Any]
else:  # not a union: pydantic would complain about each member of one
    AnyParameter = Annotated[RangeModel, WrapValidator(_range_or_choices)]


class SearchModel(Part):
    """The parameters of a search, the metric to optimise, and the limits on trials."""

    parameters: Annotated[dict[str, AnyParameter], Field(min_length=1)]
    monitor: str | None = None
    trials: Positive | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    sampler: Any = None
    pruner: Any = None
