"""`export`: a model converted, loaded again and compared, and only then put where it is to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.console.silence import quiet
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import REFUSED_EXPORT, UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.exporting.destination import check_place, placed
from graphspec.exporting.formats import FORMATS, IN_16_BIT, Format, Opened, Signature
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.run_directory.links import check_kept
from graphspec.run_paths import EXPORTS

if TYPE_CHECKING:
    import keras
    import numpy as np

    from graphspec.exporting.comparison import Difference
    from graphspec.exporting.samples import Inputs
    from graphspec.runs.run import Run
    from graphspec.sources import DataSource

    Arrays = dict[str, np.ndarray[Any, Any]]
    Tell = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """An export that gives what its model gives.

    inputs and outputs hold shape and dtype by name; None is any size. batch_size: so many samples at a time, None for
    any number. compared_on says what the samples were, `samples` how many. differences are those of each output,
    and no relative one is greater than `tolerance`. precision is that of the training where the export has another.
    """

    path: Path
    to: str
    inputs: dict[str, tuple[tuple[int | None, ...], str]]
    outputs: dict[str, tuple[tuple[int | None, ...], str]]
    batch_size: int | None
    compared_on: str
    samples: int
    differences: dict[str, Difference]
    tolerance: float
    precision: str = field(default="")


def export(
    run: Run | Path | str,
    to: str,
    path: Path | str | None = None,
    *,
    checkpoint: str = "last",
    inputs: Mapping[str, DataSource | str] | None = None,
    force: bool = False,
    tell: Callable[[str], None] = lambda step: None,
) -> Exported:
    """Write the model of `run` in another format, once it has been loaded from it and gives what the model gives.

    run: a run, its directory, a folder of runs, which stands for the newest, or a `.keras` file. to: `saved-model`,
    `onnx`, `litert` or `keras`. path: by default `export/<name>` beside the model, with the ending of the format.
    checkpoint: `best` for the model of the run's best epoch. inputs: files to compare on, each `file` or `file#part`,
    by input name; else the data of the run, else random values. force: replace an earlier export. tell is told each
    step. Raises SpecError, and leaves nothing at `path`, where the format has no place for the model, where the
    converter fails, or where numbers differ.
    """
    if to not in FORMATS:
        raise SpecError.of(
            UNKNOWN_FORMAT,
            f"there is no format `{to}` to export to",
            help=did_you_mean(to, FORMATS, f"there are {one_of(FORMATS)}"),
        )
    format = FORMATS[to]
    check_tensorflow()
    format.require()
    from graphspec.exporting.exported_model import subject_of
    from graphspec.runs.run import Run

    given = run.path if isinstance(run, Run) else Path(run)
    subject = subject_of(given, checkpoint, in_float32=format.computes_in_float32)
    if path is None:
        check_kept(subject.folder, (EXPORTS,))
    place = Path(path) if path is not None else subject.folder / EXPORTS / f"{subject.name}{format.ending}"
    check_place(place, format, subject.file, replace=force)
    require_tensorflow()
    from graphspec.exporting.layers import is_in_16_bit
    from graphspec.exporting.samples import inputs_for

    model = subject.predictor.model
    in_16_bit = is_in_16_bit(model)
    tolerance = IN_16_BIT if in_16_bit else format.tolerance
    _check_fits(model, format, subject.predictor.name, in_16_bit=in_16_bit)
    with placed(place) as part:
        tell(f"reading samples for {subject.predictor.name}")
        samples = inputs_for(subject.predictor, inputs or {})
        expected = _expected(model, samples, tolerance)
        tell(f"converting it to {format.title}")
        opened = _convert(model, format, part)
        tell(f"comparing the two on {samples.count} samples {samples.described}")
        differences = _compare(expected, opened, format, samples, tolerance)
    return Exported(
        place,
        to,
        _tensors(model.input),
        _tensors(model.output),
        opened.batch_size,
        samples.described,
        samples.count,
        differences,
        tolerance,
        subject.precision,
    )


def _check_fits(model: keras.Model, format: Format, name: str, *, in_16_bit: bool) -> None:
    """Raise SpecError with everything in `model` that `format` has no place for."""
    if reasons := list(format.module.refused(model)):
        raise SpecError.of(
            REFUSED_EXPORT,
            f"{name} cannot be exported to {format.title}: {'; '.join(reasons)}",
            help="saved-model and keras hold all of Keras" if format.computes_in_float32 else "export it to keras",
        )
    if in_16_bit and format.computes_in_float32:
        raise SpecError.of(
            REFUSED_EXPORT,
            f"{name} cannot be exported to {format.title}: it computes in 16 bit, and {format.title} in float32",
            help="export the run directory, from which the model is built anew in float32",
        )


def _expected(model: keras.Model, samples: Inputs, tolerance: float) -> Arrays:
    """What `model` itself gives. Raises SpecError where it cannot compute, or gives other numbers each time."""
    import tensorflow as tf

    from graphspec.exporting.comparison import IncomparableError, differences
    from graphspec.to_keras.keras_messages import reason

    batch = tf.data.Dataset.from_tensors(samples.arrays)
    try:
        with quiet():
            first, second = (dict(model.predict(batch, verbose=0)) for _ in range(2))
    except Exception as error:
        raise SpecError.of(
            REFUSED_EXPORT,
            f"the model cannot compute the samples {samples.described}: {reason(error)}",
            help="give samples that fit, with --input NAME=FILE for each input",
        ) from error
    try:
        found = differences(first, second)
    except IncomparableError as error:
        raise SpecError.of(
            REFUSED_EXPORT,
            f"nothing can be compared on the samples {samples.described}: {error}",
            help="give samples that fit, with --input NAME=FILE for each input",
        ) from None
    for name, each in found.items():
        if each.relative > tolerance:
            raise SpecError.of(
                REFUSED_EXPORT,
                f"the model gives other numbers for `{name}` each time, so no export can be held against it",
                help="a layer draws random numbers when it predicts; export a model without it",
            )
    return first


def _convert(model: keras.Model, format: Format, path: Path) -> Opened:
    """What `model` is at `path`, loaded again. Raises SpecError where either fails, or where names are lost."""
    import keras

    signature: Signature = {
        name: keras.layers.InputSpec(dtype=tensor.dtype, shape=tuple(tensor.shape), name=name)
        for name, tensor in model.input.items()
    }
    try:
        with quiet():
            format.module.convert(model, signature, path)
            opened = format.module.opened(path)
    except Exception as error:
        raise _failed(format, format.module.reason(error)) from error
    for kind, wanted, has in (("inputs", model.input, opened.inputs), ("outputs", model.output, opened.outputs)):
        if set(wanted) != has:
            raise _failed(format, f"its {kind} would be {one_of(sorted(has))}, not {one_of(sorted(wanted))}")
    return opened


def _compare(
    expected: Arrays, opened: Opened, format: Format, samples: Inputs, tolerance: float
) -> dict[str, Difference]:
    """How far the export is from the model. Raises SpecError where an output is further away than `tolerance`."""
    from graphspec.exporting.comparison import IncomparableError, differences

    try:
        with quiet():
            given = opened.call(samples.arrays)
    except Exception as error:
        raise _failed(format, f"what was written cannot be run: {format.module.reason(error)}") from error
    try:
        found = differences(expected, given)
    except IncomparableError as error:
        raise _failed(format, str(error)) from None
    report = Report()
    for name, each in found.items():
        if not each.relative <= tolerance:
            report.add(
                REFUSED_EXPORT,
                f"{format.title} gives other numbers for `{name}` than the model, on {samples.count} samples "
                f"{samples.described}: {each.absolute:.2g} apart at most, {each.relative:.2g} of its greatest value",
                expected=f"a difference of {tolerance:g} of the greatest value at most",
                help="nothing was written; predict overrides `training` in calls, or else the converter is wrong",
            )
    report.raise_if_errors()
    return found


def _failed(format: Format, reason: str) -> SpecError:
    return SpecError.of(
        REFUSED_EXPORT,
        f"the model cannot be exported to {format.title}: {reason}",
        help="saved-model and keras hold all of Keras",
    )


def _tensors(tensors: Mapping[str, Any]) -> dict[str, tuple[tuple[int | None, ...], str]]:
    return {name: (tuple(each.shape), str(each.dtype)) for name, each in tensors.items()}
