"""A search space in the terms of optuna: distributions, samplers and a pruner.

The random state of a sampler is lost with the process. So each trial has its own sampler, with a seed derived from the
seed of the spec and the number of the trial: its draws depend only on these and on the trials before it, and a study
that was killed resumes as if it had not been.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GridSampler, QMCSampler

from graphspec.catalog.annotations import expected_type
from graphspec.diagnostics import Report, Span, SpecError
from graphspec.diagnostics.rules import BAD_SEARCH
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located
from graphspec.language.document.write_yaml import write_value
from graphspec.language.lower.search import refuse_type
from graphspec.language.search_space import Choices, OptunaObject, Parameter, SearchSpace

_BY_POSITION = (GridSampler, QMCSampler)
"""Samplers that iterate over one seeded sequence; all trials use the same seed."""

_NESTED = ("sampler", "pruner")
"""Suffixes of arguments that take another sampler or pruner."""


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return the distribution of each parameter, by path."""
    return {parameter.path: _distribution(parameter) for parameter in space.parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    values = parameter.values
    if isinstance(values, Choices):
        return CategoricalDistribution([write_value(each) for each in values.values])
    if values.kind == "int":
        return IntDistribution(int(values.low), int(values.high), values.log, int(values.step or 1))
    return FloatDistribution(values.low, values.high, values.log, values.step)


def make_sampler(space: SearchSpace, seed: int, number: int) -> BaseSampler:
    """Return the sampler of a trial.

    Args:
        space: The search space.
        seed: Seed of the training, used if the spec has none for the sampler.
        number: Number of the trial.

    Raises:
        SpecError: Optuna has no such sampler, or it refused the arguments.
    """
    chosen = space.sampler or OptunaObject("TPESampler", {}, space.span)
    kind = _class_of(optuna.samplers, chosen.name, BaseSampler, chosen.span)
    sampler: BaseSampler = _make(kind, chosen, (seed, number))
    return sampler


def make_pruner(space: SearchSpace) -> optuna.pruners.BasePruner:
    """Return the pruner of the study. Raises SpecError if optuna has no such pruner."""
    if not space.prunes:
        return optuna.pruners.NopPruner()
    chosen = space.pruner or OptunaObject("MedianPruner", {}, space.span)
    kind = _class_of(optuna.pruners, chosen.name, optuna.pruners.BasePruner, chosen.span)
    pruner: optuna.pruners.BasePruner = _make(kind, chosen, None)
    return pruner


def _seed(kind: type[Any], sampler_seed: Any, seed: tuple[int, int]) -> int:
    """Return the seed of a sampler for one trial; `seed` holds that of the training, and the trial's number."""
    base = sampler_seed if isinstance(sampler_seed, int) else seed[0]
    if issubclass(kind, _BY_POSITION):
        return base
    return int(np.random.SeedSequence([base, seed[1]]).generate_state(1)[0])


def _class_of(module: Any, name: str, base: type[Any], span: Span) -> type[Any]:
    known = [each for each in module.__all__ if _is_kind(getattr(module, each), base)]
    if name in known:
        cls: type[Any] = getattr(module, name)
        return cls
    noun = base.__name__.removeprefix("Base").lower()
    raise SpecError.of(
        BAD_SEARCH,
        f"optuna {optuna.__version__} has no {noun} `{name}`",
        span,
        expected=f"a {noun} of optuna",
        help=did_you_mean(name, known, f"available: {one_of(known)}"),
    )


def _is_kind(value: Any, base: type[Any]) -> bool:
    return isinstance(value, type) and issubclass(value, base) and not inspect.isabstract(value)


def _make(kind: type[Any], chosen: OptunaObject, seed: tuple[int, int] | None) -> Any:
    """Construct a sampler or pruner; `seed` is None for a pruner. Raises SpecError if it refuses the arguments."""
    parameters = inspect.signature(kind).parameters
    arguments = dict(chosen.arguments)
    for name, value in arguments.items():
        span = chosen.spans.get(name, chosen.span)
        if name not in parameters:
            raise SpecError.of(
                BAD_SEARCH,
                f"`{chosen.name}` has no argument `{name}`",
                span,
                expected=f"an argument of `{chosen.name}`",
                help=did_you_mean(name, parameters, f"it takes {one_of(parameters)}"),
            )
        expected = expected_type(_annotation(parameters[name]), value)
        if expected is not None:
            report = Report()
            refuse_type(chosen.name, name, Located(value, span), expected=expected, report=report)
            raise SpecError(report)
        if name.endswith(_NESTED):
            arguments[name] = _nested(name, value, span, seed)
        elif "Callable" in str(parameters[name].annotation) and value is not None:
            raise SpecError.of(
                BAD_SEARCH,
                f"`{name}` of `{chosen.name}` takes a function, and a spec carries no code",
                span,
                expected="nothing",
                help=f"leave `{name}` out",
            )
    if seed is not None and "seed" in parameters:
        arguments["seed"] = _seed(kind, arguments.get("seed"), seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind(**arguments)
    except Exception as error:
        raise SpecError.of(
            BAD_SEARCH,
            f"optuna refused `{chosen.name}`: {error}",
            chosen.span,
            expected="valid arguments",
            help="see the documentation of optuna",
        ) from error


def _annotation(parameter: inspect.Parameter) -> str:
    """Return the annotation of an argument as text, empty if it has none."""
    if parameter.annotation is parameter.empty:
        return ""
    return parameter.annotation.__name__ if isinstance(parameter.annotation, type) else str(parameter.annotation)


def _nested(name: str, value: Any, span: Span, seed: tuple[int, int] | None) -> Any:
    """Construct a sampler or pruner that is an argument of another."""
    if value is None:
        return None
    mapping = {value: None} if isinstance(value, str) else value
    inner, arguments = next(iter(mapping.items())) if isinstance(mapping, dict) and len(mapping) == 1 else ("", {})
    if not inner or not isinstance(arguments, dict | None):
        raise SpecError.of(
            BAD_SEARCH,
            f"`{name}` is {kind_of(value)}",
            span,
            expected="the name of an optuna class, or a mapping from the name to its arguments",
        )
    is_pruner = name.endswith("pruner")
    base = optuna.pruners.BasePruner if is_pruner else BaseSampler
    kind = _class_of(optuna.pruners if is_pruner else optuna.samplers, inner, base, span)
    return _make(kind, OptunaObject(inner, dict(arguments or {}), span), seed)


def suggest(trial: optuna.Trial, space: SearchSpace) -> None:
    """Let the sampler choose the values of a trial."""
    for name, values in distributions(space).items():
        if isinstance(values, CategoricalDistribution):
            trial.suggest_categorical(name, values.choices)
        elif isinstance(values, IntDistribution):
            trial.suggest_int(name, values.low, values.high, step=values.step, log=values.log)
        elif isinstance(values, FloatDistribution):
            trial.suggest_float(name, values.low, values.high, step=values.step, log=values.log)
