"""DataModel → Data: paths made whole, the file of a split handed to its sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from graphspec.catalog.losses import OF_CLASS_INDICES, OF_NUMBERS
from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import DATA_NAMES, MISSING_KEY, UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.document.tree import Located
from graphspec.language.schema.model import DataModel, SourceModel, SplitModel, ValidationModel
from graphspec.sources import Data, DataSource, Format, Split, Transforms, Window, endings, format_of

_PARTS = ("key", "column", "columns", "feature")
"""Keys that choose a part of a file; which of them, its format says."""
_OF_IMAGES = ("size", "channels", "on_error", "interpolation")
_TRANSFORMS = ("vocabulary", "pad", "scale", "cast", "one_hot", "window")


@dataclass(frozen=True)
class Served:
    """What the sources serve: the inputs that take text, and the name of each output's loss, if it has one."""

    texts: Collection[str]
    losses: Mapping[str, str | None]


def lower_data(model: DataModel, served: Served, folder: Path, report: Report) -> Data | None:
    """The sources of each split, their paths relative to `folder`; None, with findings, where one is faulty."""
    watch = report.watch()
    validation, held_out = None, 0.0
    if model.validation is not None:
        validation, held_out = _validation(model.validation, model, served, folder, report)
    data = Data(
        _split("train", model.train, model, served, folder, report) if model.train is not None else None,
        validation,
        _split("test", model.test, model, served, folder, report) if model.test is not None else None,
        held_out,
        model.validation.located("split").span if held_out and model.validation is not None else None,
    )
    return data if watch.is_clean else None


def _validation(
    model: ValidationModel, data: DataModel, served: Served, folder: Path, report: Report
) -> tuple[Split | None, float]:
    if model.split is None:
        if not model.inputs:
            report.add(
                MISSING_KEY,
                "`validation` has neither `split` nor `inputs`",
                data.key_span("validation"),
                expected="a share of the training split, or sources",
                help="write `validation: {split: 0.1}`, or `inputs` and `outputs` as under `train`",
            )
        return _split("validation", model, data, served, folder, report), 0.0
    if model.inputs or model.outputs:
        report.add(
            DATA_NAMES,
            "`validation` has both `split` and sources of its own",
            model.key_span("split"),
            expected="one of the two",
            help="remove `split`, or the sources",
        )
    return None, model.split


def _split(
    name: str,
    model: SplitModel | ValidationModel,
    data: DataModel,
    served: Served,
    folder: Path,
    report: Report,
) -> Split:
    inputs = {
        each: replace(source, as_text=source.as_text or each in served.texts)
        for each, source in _sources("inputs", model, folder, report).items()
    }
    outputs = {
        each: _as_target(source, served.losses.get(each))
        for each, source in _sources("outputs", model, folder, report).items()
    }
    return Split(name, inputs, outputs, _sources("sample_weights", model, folder, report), data.key_span(name))


def _as_target(source: DataSource, loss: str | None) -> DataSource:
    """`source` as it is read for an output that `loss` trains.

    Pixels of an image that stand for classes are not mixed. Where the loss, or `one_hot`, takes indices of classes,
    they are indices in the file as well; a loss of numbers takes what lies between two pixels, as an input does.
    """
    if source.decode is None:
        return replace(source, is_target=True)
    is_index = loss in OF_CLASS_INDICES or source.transforms.one_hot is not None
    interpolation = source.interpolation
    if "interpolation" not in source.spans:
        interpolation = "nearest" if is_index or loss not in OF_NUMBERS else "bilinear"
    as_classes = is_index and interpolation == "nearest"
    return replace(source, is_target=True, interpolation=interpolation, as_classes=as_classes)


def _sources(part: str, split: SplitModel | ValidationModel, folder: Path, report: Report) -> dict[str, DataSource]:
    read = {}
    for name, model in getattr(split, part).items():
        source = _source(Located(name, split.located(part).value.key_spans[name]), model, split, folder, report)
        if source is not None:
            read[name] = source
    return read


def _source(
    name: Located, model: SourceModel, split: SplitModel | ValidationModel, folder: Path, report: Report
) -> DataSource | None:
    found = _file(name, model, split, report)
    if found is None:
        return None
    place, format = found
    if _has_stray_key(name, model, str(place.value), format, report):
        return None
    spans = {key: model.located(key).span for key in (*_PARTS, *_OF_IMAGES, *_TRANSFORMS) if model.states(key)}
    spans |= {f"columns[{i}]": each.span for i, each in enumerate(model.located("columns").as_list())}
    spans |= {"file": place.span, "name": name.span}
    return DataSource(
        folder / place.value,
        place.value,
        model.span,
        model.key,
        model.column,
        tuple(model.columns) if model.columns is not None else None,
        model.feature,
        model.decode,
        (model.size[0], model.size[1]) if model.size is not None else None,
        model.channels,
        model.on_error,
        model.interpolation or "bilinear",
        _transforms(model),
        as_text=model.vocabulary is not None,
        spans=spans,
    )


def _transforms(model: SourceModel) -> Transforms:
    window = model.window
    return Transforms(
        model.vocabulary,
        model.pad,
        model.scale,
        model.cast,
        model.one_hot,
        Window(window.size, window.stride, window.horizon) if window is not None else None,
    )


def _file(
    name: Located, model: SourceModel, split: SplitModel | ValidationModel, report: Report
) -> tuple[Located, Format] | None:
    """What a source says of its file, with the format of that; None, with a finding, where it says nothing of use."""
    if model.file is not None and model.files is not None:
        report.add(
            DATA_NAMES, f"the source `{name.value}` has both `file` and `files`", model.key_span("files"),
            expected="one of the two", help="`files` is for images that a glob matches",
        )  # fmt: skip
        return None
    of_source = next((model.located(key) for key in ("file", "files") if model.states(key)), None)
    place = of_source or split.located("file")
    if place.value is None:
        report.add(
            MISSING_KEY, f"the source `{name.value}` has no `file`, nor has its split", name.span,
            expected="a `file`", help=f"write `{name.value}: {{file: ...}}`, or `file:` beside `inputs`",
        )  # fmt: skip
        return None
    ending = Path(place.value).suffix.lower()
    format = format_of(ending, model.decode)
    if format is None:
        report.add(
            UNKNOWN_FORMAT,
            f"`{place.value}` has no format that graphspec reads",
            place.span,
            expected=f"a file that ends in {one_of(endings())}",
            help="images are read with `decode: image`"
            if ending in (".png", ".jpg", ".jpeg", ".gif", ".bmp")
            else did_you_mean(ending, endings(), "save the data as .npy, with `numpy.save`, or as .csv"),
        )
        return None
    return place, format


def _has_stray_key(name: Located, model: SourceModel, text: str, format: Format, report: Report) -> bool:
    """Whether the source has a key that means nothing for its file; that is a finding."""
    if model.column is not None and model.columns is not None:
        report.add(
            DATA_NAMES, f"the source `{name.value}` has both `column` and `columns`", model.key_span("columns"),
            expected="one of the two", help="`column: a` gives one number per sample, `columns: [a, b]` a vector",
        )  # fmt: skip
        return True
    allowed = (*format.keys, *(_OF_IMAGES if model.decode is not None else ()))
    for key in (*_PARTS, *_OF_IMAGES):
        if model.states(key) and key not in allowed:
            known = [each for each in _PARTS if each in format.keys]
            report.add(
                DATA_NAMES,
                f"`{key}` has no meaning for {'images' if model.decode is not None else f'`{text}`'}",
                model.key_span(key),
                expected=f"{one_of(known)} for {format.name}" if known else f"no part of {format.name}",
                help=f"remove `{key}`" if key not in _OF_IMAGES else "it needs `decode: image`",
            )
            return True
    return False
