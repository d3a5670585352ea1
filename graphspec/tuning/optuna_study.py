"""A study of optuna, as a search space and a folder make it: its storage, its sampler, its pruner.

Samplers draw random numbers, and what is left of them is lost with the process. So each trial has a sampler of its own,
whose seed follows from that of the spec and the number of the trial: what it draws depends on these and on the trials
before it alone, and a study that was killed goes on as if it had not been.
"""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import StorageInternalError
from optuna.samplers import BaseSampler, GridSampler, QMCSampler
from sqlalchemy.exc import SQLAlchemyError

from graphspec.catalog.annotations import expected_type
from graphspec.diagnostics import Report, Span, SpecError
from graphspec.diagnostics.rules import BAD_RUN, BAD_SEARCH
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located
from graphspec.language.document.write_yaml import write_value
from graphspec.language.lower.search import refuse_type
from graphspec.language.search_space import Choices, OptunaObject, Parameter, SearchSpace
from graphspec.run_directory import damaged
from graphspec.tuning.folder import DATABASE

_BY_POSITION = (GridSampler, QMCSampler)
"""Samplers that go through one sequence, which a seed decides: it is the same for all trials."""

Direction = Literal["minimize", "maximize"]

_PATIENCE = 60.0
"""Seconds to wait for others who read the database, such as a dashboard."""

_NESTED = ("sampler", "pruner")
"""How the arguments are named that take a further sampler or pruner."""


@contextmanager
def opened(
    folder: Path, name: str, direction: Direction | None = None, pruner: optuna.pruners.BasePruner | None = None
) -> Iterator[optuna.Study]:
    """The study in `folder`, closed afterwards; with a direction, it is made where there is none.

    Raises SpecError where it cannot be read or written.
    """
    if os.path.lexists(folder / DATABASE) and not (folder / DATABASE).is_file():
        raise damaged(folder / DATABASE, "it is no regular file")
    with refusals_told(folder):
        storage = _storage(folder)
    try:
        with refusals_told(folder):
            if direction is None:
                study = optuna.load_study(storage=storage, study_name=name)
            else:
                study = optuna.create_study(
                    storage=storage, study_name=name, direction=direction, pruner=pruner, load_if_exists=True
                )
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _storage(folder: Path) -> optuna.storages.RDBStorage:
    path = quote(str((folder / DATABASE).resolve()))  # as a URI, in which a path may hold any character
    return optuna.storages.RDBStorage(
        f"sqlite:///file:{path}?uri=true", engine_kwargs={"connect_args": {"timeout": _PATIENCE}}
    )


@contextmanager
def refusals_told(folder: Path) -> Iterator[None]:
    """Within it, what optuna says of itself is not shown, and a database that cannot be used is a SpecError."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="optuna")
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        try:
            yield
        except (StorageInternalError, SQLAlchemyError, KeyError, RuntimeError) as error:
            said = str(error.__cause__ or error).splitlines()[0]
            raise SpecError.of(
                BAD_RUN,
                f"{folder / DATABASE} cannot be read or written: {said}",
                help="check its permissions and the disk; where it is damaged, begin a new study",
            ) from error
        finally:
            optuna.logging.set_verbosity(verbosity)


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """What each parameter is drawn from, by its path."""
    return {parameter.path: _distribution(parameter) for parameter in space.parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    values = parameter.values
    if isinstance(values, Choices):
        return CategoricalDistribution([write_value(each) for each in values.values])
    if values.kind == "int":
        return IntDistribution(int(values.low), int(values.high), values.log, int(values.step or 1))
    return FloatDistribution(values.low, values.high, values.log, values.step)


def make_sampler(space: SearchSpace, seed: int, number: int) -> BaseSampler:
    """The sampler of the trial `number`. Raises SpecError where optuna has none such.

    seed: what the sampler goes by where the spec gives it none of its own.
    """
    chosen = space.sampler or OptunaObject("TPESampler", {}, space.span)
    kind = _class_of(optuna.samplers, chosen.name, BaseSampler, chosen.span)
    made: BaseSampler = _make(kind, chosen, (seed, number))
    return made


def make_pruner(space: SearchSpace) -> optuna.pruners.BasePruner:
    """The pruner of the study. Raises SpecError where optuna has none such."""
    if not space.prunes:
        return optuna.pruners.NopPruner()
    chosen = space.pruner or OptunaObject("MedianPruner", {}, space.span)
    kind = _class_of(optuna.pruners, chosen.name, optuna.pruners.BasePruner, chosen.span)
    made: optuna.pruners.BasePruner = _make(kind, chosen, None)
    return made


def _seed(kind: type[Any], given: Any, seed: tuple[int, int]) -> int:
    """The seed of a sampler for one trial. given: that of the spec; seed: that of its training, and the trial."""
    base = given if isinstance(given, int) else seed[0]
    if issubclass(kind, _BY_POSITION):
        return base
    return int(np.random.SeedSequence([base, seed[1]]).generate_state(1)[0])


def _class_of(module: Any, name: str, base: type[Any], span: Span) -> type[Any]:
    known = [each for each in module.__all__ if _is_kind(getattr(module, each), base)]
    if name in known:
        found: type[Any] = getattr(module, name)
        return found
    noun = base.__name__.removeprefix("Base").lower()
    raise SpecError.of(
        BAD_SEARCH,
        f"optuna {optuna.__version__} has no {noun} `{name}`",
        span,
        expected=f"a {noun} of optuna",
        help=did_you_mean(name, known, f"there are {one_of(known)}"),
    )


def _is_kind(found: Any, base: type[Any]) -> bool:
    return isinstance(found, type) and issubclass(found, base) and not inspect.isabstract(found)


def _make(kind: type[Any], chosen: OptunaObject, seed: tuple[int, int] | None) -> Any:
    """The object of optuna, by its constructor alone. seed: see `_seed`; None for a pruner.

    Raises SpecError where it does not take the arguments.
    """
    taken = inspect.signature(kind).parameters
    arguments = dict(chosen.arguments)
    for name, value in arguments.items():
        span = chosen.spans.get(name, chosen.span)
        if name not in taken:
            raise SpecError.of(
                BAD_SEARCH,
                f"`{chosen.name}` has no argument `{name}`",
                span,
                expected=f"an argument of `{chosen.name}`",
                help=did_you_mean(name, taken, f"it takes {one_of(taken)}"),
            )
        wanted = expected_type(_annotation(taken[name]), value)
        if wanted is not None:
            report = Report()
            refuse_type(chosen.name, name, Located(value, span), expected=wanted, report=report)
            raise SpecError(report)
        if name.endswith(_NESTED):
            arguments[name] = _nested(name, value, span, seed)
        elif "Callable" in str(taken[name].annotation) and value is not None:
            raise SpecError.of(
                BAD_SEARCH,
                f"`{name}` of `{chosen.name}` takes a function, and a spec carries no code",
                span,
                expected="nothing",
                help=f"leave `{name}` out",
            )
    if seed is not None and "seed" in taken:
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
            expected="arguments that it takes",
            help="see the documentation of optuna",
        ) from error


def _annotation(parameter: inspect.Parameter) -> str:
    """The annotation of an argument as text; of one without, nothing."""
    if parameter.annotation is parameter.empty:
        return ""
    return parameter.annotation.__name__ if isinstance(parameter.annotation, type) else str(parameter.annotation)


def _nested(name: str, value: Any, span: Span, seed: tuple[int, int] | None) -> Any:
    """A sampler or pruner that another one goes by."""
    if value is None:
        return None
    written = {value: None} if isinstance(value, str) else value
    inner, arguments = next(iter(written.items())) if isinstance(written, dict) and len(written) == 1 else ("", {})
    if not inner or not isinstance(arguments, dict | None):
        raise SpecError.of(
            BAD_SEARCH,
            f"`{name}` is {kind_of(value)}",
            span,
            expected="a name of optuna, or one name with its arguments by keyword",
        )
    is_pruner = name.endswith("pruner")
    base = optuna.pruners.BasePruner if is_pruner else BaseSampler
    kind = _class_of(optuna.pruners if is_pruner else optuna.samplers, inner, base, span)
    return _make(kind, OptunaObject(inner, dict(arguments or {}), span), seed)
