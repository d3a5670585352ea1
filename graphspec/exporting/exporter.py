"""`export`: convert a model, load the result, compare it with the model, and publish it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.console.silence import quiet
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import REFUSED_EXPORT, UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.exporting.destination import check_export_path, moved_into_place
from graphspec.exporting.formats import FORMATS, IN_16_BIT, ExportFormat, LoadedExport, Signature
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.run_directory.links import check_kept
from graphspec.run_paths import EXPORTS

if TYPE_CHECKING:
    import keras
    import numpy as np

    from graphspec.exporting.comparison import OutputDifference
    from graphspec.exporting.samples import SampleInputs
    from graphspec.runs.run import Run
    from graphspec.sources import DataSource

    Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An export whose outputs equal those of its model.

    Attributes:
        path: Its file or folder.
        to: Name of its format.
        inputs: Shape and dtype by name; a size of None is open.
        outputs: Shape and dtype by name; a size of None is open.
        batch_size: Fixed number of samples of a call, None if open.
        compared_on: Description of the samples of the comparison.
        samples: Number of samples of the comparison.
        differences: Difference from the model by output.
        tolerance: Maximum relative difference that was allowed.
        precision: Precision of the training if the export has another, else empty.
    """

    path: Path
    to: str
    inputs: dict[str, tuple[tuple[int | None, ...], str]]
    outputs: dict[str, tuple[tuple[int | None, ...], str]]
    batch_size: int | None
    compared_on: str
    samples: int
    differences: dict[str, OutputDifference]
    tolerance: float
    precision: str = ""


def export(
    run: Run | Path | str,
    to: str,
    path: Path | str | None = None,
    *,
    checkpoint: str = "last",
    inputs: Mapping[str, DataSource | str] | None = None,
    force: bool = False,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Exported:
    """Export the model of `run`, after the loaded export is compared with the model.

    Args:
        run: A run, its directory, a folder of runs (the newest is taken), or a `.keras` file.
        to: `saved-model`, `onnx`, `litert` or `keras`.
        path: File or folder to write; by default `export/<name>` beside the model, with the format's extension.
        checkpoint: `last`, or `best` for the model of the run's best epoch.
        inputs: Files to compare on, each `file` or `file#part`, by input; by default the data of the run, else random
            values.
        force: Replace an earlier export.
        on_stage: Is called with a description of each stage of the work.

    Raises:
        SpecError: The format cannot hold the model, the converter failed, or outputs differ. Nothing is written.
    """
    if to not in FORMATS:
        raise SpecError.of(
            UNKNOWN_FORMAT,
            f"there is no export format `{to}`",
            help=did_you_mean(to, FORMATS, f"the formats are {one_of(FORMATS)}"),
        )
    format = FORMATS[to]
    check_tensorflow()
    format.require()
    from graphspec.exporting.exported_model import exported_model

    exported = exported_model(run, checkpoint, in_float32=format.computes_in_float32)
    if path is None:
        check_kept(exported.folder, (EXPORTS,))
    destination = Path(path) if path is not None else exported.folder / EXPORTS / f"{exported.name}{format.ending}"
    check_export_path(destination, format, exported.file, replace=force)
    require_tensorflow()
    from graphspec.exporting.layers import is_in_16_bit, without_losses
    from graphspec.exporting.samples import sample_inputs

    model = exported.predictor.model
    in_16_bit = is_in_16_bit(model)
    tolerance = IN_16_BIT if in_16_bit else format.tolerance
    _check_fits(model, format, exported.predictor.name, in_16_bit=in_16_bit)
    with moved_into_place(destination) as part:
        on_stage(f"reading samples for {exported.predictor.name}")
        samples = sample_inputs(exported.predictor, inputs or {})
        expected = _expected(model, samples, tolerance)
        on_stage(f"converting it to {format.title}")
        loaded = _convert(without_losses(model) if to != "keras" else model, format, part)
        on_stage(f"comparing the two on {samples.count} samples {samples.description}")
        differences = _compare(expected, loaded, samples, format=format, tolerance=tolerance)
    return Exported(
        path=destination,
        to=to,
        inputs=_signature(model.input),
        outputs=_signature(model.output),
        batch_size=loaded.batch_size,
        compared_on=samples.description,
        samples=samples.count,
        differences=differences,
        tolerance=tolerance,
        precision=exported.precision,
    )


def _check_fits(model: keras.Model, format: ExportFormat, name: str, *, in_16_bit: bool) -> None:
    """Raise SpecError with every part of `model` that `format` does not support."""
    if reasons := list(format.module.unsupported(model)):
        raise SpecError.of(
            REFUSED_EXPORT,
            f"{name} cannot be exported to {format.title}: {'; '.join(reasons)}",
            help="saved-model and keras support every layer" if format.computes_in_float32 else "export it to keras",
        )
    if in_16_bit and format.computes_in_float32:
        raise SpecError.of(
            REFUSED_EXPORT,
            f"{name} cannot be exported to {format.title}: it computes in 16 bit, but {format.title} in float32",
            help="export the run directory: the model is then rebuilt in float32",
        )


def _expected(model: keras.Model, samples: SampleInputs, tolerance: float) -> Arrays:
    """Return the outputs of `model`. Raises SpecError if it cannot compute, or its outputs vary between calls."""
    import tensorflow as tf

    from graphspec.exporting.comparison import IncomparableError, differences
    from graphspec.to_keras.generators import reset_generators
    from graphspec.to_keras.keras_messages import reason

    batch = tf.data.Dataset.from_tensors(samples.arrays)
    try:
        with quiet():
            first, second = (_predicted(model, batch) for _ in range(2))
            reset_generators(model)
    except Exception as error:
        raise SpecError.of(
            REFUSED_EXPORT,
            f"the model cannot compute the samples {samples.description}: {reason(error)}",
            help="name files that fit, with --input NAME=FILE for each input",
        ) from error
    try:
        variation = differences(first, second)
    except IncomparableError as error:
        raise SpecError.of(
            REFUSED_EXPORT,
            f"the samples {samples.description} cannot be used for a comparison: {error}",
            help="name files that fit, with --input NAME=FILE for each input",
        ) from None
    for name, each in variation.items():
        if each.relative > tolerance:
            raise SpecError.of(
                REFUSED_EXPORT,
                f"the model's output `{name}` varies between calls, so an export cannot be compared with it",
                help="a layer draws random numbers in inference; export a model without it",
            )
    return first


def _predicted(model: keras.Model, batch: Any) -> Arrays:
    """Return the outputs of `model` as it computes them first after it is loaded."""
    from graphspec.to_keras.generators import reset_generators

    reset_generators(model)
    return dict(model.predict(batch, verbose=0))


def _convert(model: keras.Model, format: ExportFormat, path: Path) -> LoadedExport:
    """Write the export to `path` and load it. Raises SpecError if either fails, or if names are lost."""
    import keras

    signature: Signature = {
        name: keras.layers.InputSpec(dtype=tensor.dtype, shape=tuple(tensor.shape), name=name)
        for name, tensor in model.input.items()
    }
    try:
        with quiet():
            format.module.convert(model, signature, path)
            loaded = format.module.load(path)
    except Exception as error:
        raise _failed(format, format.module.reason(error)) from error
    for kind, expected, actual in (("inputs", model.input, loaded.inputs), ("outputs", model.output, loaded.outputs)):
        if set(expected) != actual:
            raise _failed(format, f"its {kind} would be {one_of(sorted(actual))}, not {one_of(sorted(expected))}")
    return loaded


def _compare(
    expected: Arrays, loaded: LoadedExport, samples: SampleInputs, *, format: ExportFormat, tolerance: float
) -> dict[str, OutputDifference]:
    """Return the difference of each output from the model's. Raises SpecError if one exceeds `tolerance`."""
    from graphspec.exporting.comparison import IncomparableError, differences

    try:
        with quiet():
            outputs = loaded.call(samples.arrays)
    except Exception as error:
        raise _failed(format, f"the export cannot be run: {format.module.reason(error)}") from error
    try:
        compared = differences(expected, outputs)
    except IncomparableError as error:
        raise _failed(format, str(error)) from None
    report = Report()
    for name, each in compared.items():
        if not each.relative <= tolerance:
            report.add(
                REFUSED_EXPORT,
                f"the {format.title} export differs from the model in the output `{name}`, on {samples.count} samples "
                f"{samples.description}: by up to {each.absolute:.2g}, or {each.relative:.2g} of its maximum",
                expected=f"a difference of at most {tolerance:g} of the maximum",
                help="nothing was written; predict overrides `training` in calls, or else the converter is wrong",
            )
    report.raise_if_errors()
    return compared


def _failed(format: ExportFormat, reason: str) -> SpecError:
    return SpecError.of(
        REFUSED_EXPORT,
        f"the model cannot be exported to {format.title}: {reason}",
        help="saved-model and keras support every layer",
    )


def _signature(tensors: Mapping[str, Any]) -> dict[str, tuple[tuple[int | None, ...], str]]:
    return {name: (tuple(each.shape), str(each.dtype)) for name, each in tensors.items()}
