"""`search` → `SearchSpace`: ranges that hold values, choices that differ, sampler and pruner by the object rule."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from graphspec.catalog.annotations import annotations_of, expected_type
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_SEARCH
from graphspec.diagnostics.suggest import kind_of, shown
from graphspec.language.document.tree import Located, Mapping, plain
from graphspec.language.schema.limits import GREATEST_TRIED
from graphspec.language.schema.model import FloatRange, IntRange, RangeModel, SearchModel
from graphspec.language.search_space import Choices, Chosen, Parameter, Range, SearchSpace

DEFAULT_TRIALS = 20
"""Where a spec says neither how many trials there are to be nor how long."""


MOST_PARAMETERS = 100
MOST_CHOICES = 1_000
"""More of either could not be tried in a lifetime."""


def _refuse_many(noun: str, count: int, most: int, span: Span, report: Report) -> None:
    report.add(BAD_SEARCH, f"there are {count:,} {noun}", span, expected=f"at most {most:,}", help="remove some")


def lower_search(model: SearchModel, report: Report) -> SearchSpace | None:
    """The search that `model` says; None, with findings, where a part of it is faulty."""
    watch = report.watch()
    parameters: list[Parameter] = []
    if len(model.parameters) > MOST_PARAMETERS:
        _refuse_many("parameters", len(model.parameters), MOST_PARAMETERS, model.key_span("parameters"), report)
        return None
    written = model.located("parameters").value
    for path, values in model.parameters.items():
        key = Located(path, written.key_spans[path])
        found = (
            _choices(key, written.located(path), report) if isinstance(values, list) else _range(key, values, report)
        )
        if found is not None:
            parameters.append(Parameter(path, found, key.span))
    sampler = _chosen("sampler", model.located("sampler"), report)
    pruner = _chosen("pruner", model.located("pruner"), report)
    if not watch.is_clean:
        return None
    return SearchSpace(
        tuple(parameters),
        model.monitor,
        model.located("monitor").span,
        model.trials if model.trials is not None or model.timeout is not None else DEFAULT_TRIALS,
        model.timeout,
        sampler,
        pruner,
        prunes=not model.states("pruner") or pruner is not None,
        span=model.span,
    )


def _choices(key: Located, written: Located, report: Report) -> Choices | None:
    """The choices of a list, each once."""
    values: list[Any] = []
    watch = report.watch()
    if isinstance(written.value, list) and len(written.value) > MOST_CHOICES:
        _refuse_many(f"choices of `{key.value}`", len(written.value), MOST_CHOICES, written.span, report)
        return None
    for item in written.as_list():
        value = plain(item.value)
        if any(type(value) is type(other) and value == other for other in values):
            report.add(
                BAD_SEARCH,
                f"{shown(value)} is listed twice among the choices of `{key.value}`",
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
    """The numbers of a range that holds some."""
    given = [each for each in (model.float_, model.int_) if each is not None]
    if len(given) != 1:
        report.add(
            BAD_SEARCH,
            f"`{key.value}` is {'both' if given else 'neither'} `float` {'and' if given else 'nor'} `int`",
            model.span,
            expected="one of the two, or a list of choices",
            help="write `{float: {low: 0.1, high: 1.0}}`, or `{int: {low: 1, high: 8}}`",
        )
        return None
    bounds = given[0]
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
    return Range(kind, bounds.low, bounds.high, bounds.log, bounds.step)


def _faults(bounds: FloatRange | IntRange) -> list[tuple[bool, str, str, str]]:
    """Each way in which a range can hold no values: whether it does, the key at fault, what is said, and the mend."""
    low, high = shown(bounds.low), shown(bounds.high)
    has_step = bounds.states("step") and bounds.step is not None and bounds.step != 1
    length = Fraction(str(bounds.high)) - Fraction(str(bounds.low))
    step = Fraction(str(bounds.step)) if bounds.step is not None else None
    rest = step is not None and length % step
    return [
        (bounds.low > bounds.high, "low", f"ends at {high}, below {low}, where it begins", "exchange `low` and `high`"),
        (bounds.log and bounds.low <= 0, "low", f"begins at {low}, which has no logarithm", "start above 0"),
        (
            step is not None and length / step > GREATEST_TRIED,
            "step",
            "has more steps than floats can distinguish",
            "write a larger `step`, or remove it",
        ),
        (bool(bounds.log and has_step), "step", "has both `log` and `step`", "remove one of them"),
        (
            bool(has_step and rest),
            "step",
            f"does not reach {high} from {low} in steps of {shown(bounds.step)}",
            f"let it end {shown(float(rest) if isinstance(bounds, FloatRange) else int(rest or 0))} lower, "
            "or choose another step",
        ),
    ]


def _chosen(key: str, written: Located, report: Report) -> Chosen | None:
    """The sampler or pruner that is written, by the object rule; its name is looked up when a study begins."""
    value = written.value
    if value is None:
        return None
    if isinstance(value, str) and value:
        return Chosen(value, {}, written.span)
    if isinstance(value, Mapping) and len(value) == 1:
        name, arguments = next(value.entries())
        if arguments.value is None:
            return Chosen(name.value, {}, name.span)
        if isinstance(arguments.value, Mapping):
            if _refuse_types(name.value, arguments.value, report):
                return None
            spans = {each.value: given.span for each, given in arguments.value.entries()}
            return Chosen(name.value, plain(arguments.value), name.span, spans)
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
    """Refuse arguments of another type than optuna annotates, those of a sampler or pruner within another one too."""
    annotations, watch = annotations_of(name), report.watch()
    for argument, value in arguments.entries():
        wanted = expected_type(annotations.get(argument.value, ""), plain(value.value))
        if wanted is not None and not report.is_open(value.span):
            refuse_type(name, argument.value, value, wanted, report)
        inner = value.value if argument.value.endswith(("sampler", "pruner")) else None
        if isinstance(inner, Mapping):
            for nested, its_arguments in inner.entries():
                if isinstance(its_arguments.value, Mapping):
                    _refuse_types(nested.value, its_arguments.value, report)
    return not watch.is_clean


def refuse_type(name: str, argument: str, value: Located, wanted: str, report: Report) -> None:
    """Report that `argument` of the sampler or pruner `name` is none of the types `wanted`."""
    report.add(
        BAD_SEARCH,
        f"`{argument}` of `{name}` is {kind_of(value.value)}",
        value.span,
        expected=wanted,
        help=f"leave `{argument}` out to use the default of optuna" if value.value is None else "",
    )
