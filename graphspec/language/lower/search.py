"""Lower `search` to a `SearchSpace`, and check its ranges, choices, sampler and pruner."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from graphspec.catalog.annotations import annotations_of, expected_type
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_SEARCH
from graphspec.diagnostics.suggest import kind_of, quoted
from graphspec.language.document.tree import Located, Mapping, plain
from graphspec.language.schema.limits import MAX_TRIED
from graphspec.language.schema.search import FloatRange, IntRange, RangeModel, SearchModel
from graphspec.language.search_space import Choices, OptunaObject, Parameter, Range, SearchSpace

DEFAULT_TRIALS = 20
"""The number of trials where a spec sets neither `trials` nor `timeout`."""

MAX_PARAMETERS = 100
MAX_CHOICES = 1_000
"""More of either cannot be tried in practice."""


def _refuse_many(counted: str, span: Span, maximum: int, report: Report) -> None:
    report.add(BAD_SEARCH, f"there are {counted}", span, expected=f"at most {maximum:,}", help="remove some")


def lower_search(model: SearchModel, report: Report) -> SearchSpace | None:
    """Return the search space of `model`, None after diagnostics."""
    watch = report.watch()
    parameters: list[Parameter] = []
    if len(model.parameters) > MAX_PARAMETERS:
        counted = f"{len(model.parameters):,} parameters"
        _refuse_many(counted, model.key_span("parameters"), MAX_PARAMETERS, report)
        return None
    written = model.located("parameters").value
    for path, values in model.parameters.items():
        key = Located(path, written.key_spans[path])
        if isinstance(values, list):
            space: Choices | Range | None = _choices(key, written.located(path), report)
        else:
            space = _range(key, values, report)
        if space is not None:
            parameters.append(Parameter(path, space, key.span))
    sampler = _optuna_object("sampler", model.located("sampler"), report)
    pruner = _optuna_object("pruner", model.located("pruner"), report)
    if not watch.is_clean:
        return None
    return SearchSpace(
        parameters=tuple(parameters),
        monitor=model.monitor,
        monitor_span=model.located("monitor").span,
        trials=model.trials if model.trials is not None or model.timeout is not None else DEFAULT_TRIALS,
        timeout=model.timeout,
        sampler=sampler,
        pruner=pruner,
        prunes=not model.states("pruner") or pruner is not None,
        span=model.span,
    )


def _choices(key: Located, written: Located, report: Report) -> Choices | None:
    """Return the choices of a list, None after diagnostics."""
    values: list[Any] = []
    watch = report.watch()
    if isinstance(written.value, list) and len(written.value) > MAX_CHOICES:
        counted = f"{len(written.value):,} choices of `{key.value}`"
        _refuse_many(counted, written.span, MAX_CHOICES, report)
        return None
    for item in written.as_list():
        value = plain(item.value)
        if any(type(value) is type(other) and value == other for other in values):
            report.add(
                BAD_SEARCH,
                f"{quoted(value)} is listed twice among the choices of `{key.value}`",
                item.span,
                expected="each choice once",
                help="remove one: listing a choice twice does not make it more likely",
            )
        values.append(value)
    if not values:
        report.add(
            BAD_SEARCH,
            f"`{key.value}` has no choices",
            written.span,
            expected="at least one choice",
            help="list the values to try: `[relu, gelu]`",
        )
    return Choices(tuple(values)) if watch.is_clean else None


def _range(key: Located, model: RangeModel, report: Report) -> Range | None:
    """Return the range of numbers; None, after a diagnostic, where it is faulty."""
    kinds = [each for each in (model.float_, model.int_) if each is not None]
    if len(kinds) != 1:
        report.add(
            BAD_SEARCH,
            f"`{key.value}` is {'both' if kinds else 'neither'} `float` {'and' if kinds else 'nor'} `int`",
            model.span,
            expected="one of the two, or a list of choices",
            help="write `{float: {low: 0.1, high: 1.0}}`, or `{int: {low: 1, high: 8}}`",
        )
        return None
    bounds = kinds[0]
    for wrong, where, message, help in _faults(bounds):
        if wrong:
            report.add(
                BAD_SEARCH,
                f"the range of `{key.value}` {message}",
                bounds.located(where).span,
                expected="a range as optuna takes it",
                help=help,
            )
            return None
    kind: Literal["float", "int"] = "int" if isinstance(bounds, IntRange) else "float"
    return Range(kind, bounds.low, bounds.high, log=bounds.log, step=bounds.step)


def _faults(bounds: FloatRange | IntRange) -> list[tuple[bool, str, str, str]]:
    """Return the possible faults of a range: whether each applies, its key, message and help."""
    low, high = quoted(bounds.low), quoted(bounds.high)
    has_step = bounds.states("step") and bounds.step is not None and bounds.step != 1
    length = Fraction(str(bounds.high)) - Fraction(str(bounds.low))
    step = Fraction(str(bounds.step)) if bounds.step is not None else None
    rest = step is not None and length % step
    return [
        (bounds.low > bounds.high, "low", f"ends at {high}, below {low}, where it begins", "exchange `low` and `high`"),
        (bounds.log and bounds.low <= 0, "low", f"begins at {low}, which has no logarithm", "start above 0"),
        (
            step is not None and length / step > MAX_TRIED,
            "step",
            "has more steps than floats can distinguish",
            "write a larger `step`, or remove it",
        ),
        (bool(bounds.log and has_step), "step", "has both `log` and `step`", "remove one of them"),
        (
            bool(has_step and rest),
            "step",
            f"does not reach {high} from {low} in steps of {quoted(bounds.step)}",
            f"let it end {quoted(float(rest) if isinstance(bounds, FloatRange) else int(rest or 0))} lower, "
            "or choose another step",
        ),
    ]


def _optuna_object(key: str, written: Located, report: Report) -> OptunaObject | None:
    """Return the sampler or pruner. Its name is looked up when a study begins."""
    value = written.value
    if value is None:
        return None
    if isinstance(value, str) and value:
        return OptunaObject(value, {}, written.span)
    if isinstance(value, Mapping) and len(value) == 1:
        name, arguments = next(value.entries())
        if arguments.value is None:
            return OptunaObject(name.value, {}, name.span)
        if isinstance(arguments.value, Mapping):
            if _refuse_types(name.value, arguments.value, report):
                return None
            return OptunaObject(name.value, plain(arguments.value), name.span, arguments.value.value_spans)
        written, value = arguments, arguments.value
    usual = "TPESampler: {seed: 1}" if key == "sampler" else "MedianPruner: {n_startup_trials: 3}"
    report.add(
        BAD_SEARCH,
        f"{kind_of(value)} is not a {key}",
        written.span,
        expected=f"a {key} of optuna: its name, or a mapping from its name to its arguments",
        help=f"write `{{{usual}}}`",
    )
    return None


def _refuse_types(name: str, arguments: Mapping, report: Report) -> bool:
    """Report arguments of other types than optuna annotates, also in nested samplers and pruners."""
    annotations, watch = annotations_of(name), report.watch()
    for argument, value in arguments.entries():
        expected = expected_type(annotations.get(argument.value, ""), plain(value.value))
        if expected is not None and not report.is_open(value.span):
            refuse_type(name, argument.value, value, expected=expected, report=report)
        inner = value.value if argument.value.endswith(("sampler", "pruner")) else None
        if isinstance(inner, Mapping):
            for nested, its_arguments in inner.entries():
                if isinstance(its_arguments.value, Mapping):
                    _refuse_types(nested.value, its_arguments.value, report)
    return not watch.is_clean


def refuse_type(name: str, argument: str, value: Located, *, expected: str, report: Report) -> None:
    """Report that `argument` of the sampler or pruner `name` is none of the expected types."""
    report.add(
        BAD_SEARCH,
        f"`{argument}` of `{name}` is {kind_of(value.value)}",
        value.span,
        expected=expected,
        help=f"leave `{argument}` out to use the default of optuna" if value.value is None else "",
    )
