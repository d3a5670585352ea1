"""Lower `data`: resolve paths and give each source the file of its split."""

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
"""Keys that select a part of a file. Its format determines which of them apply."""
_OF_IMAGES = ("size", "channels", "on_error", "interpolation")
_TRANSFORMS = ("vocabulary", "pad", "scale", "cast", "one_hot", "window")


@dataclass(frozen=True)
class DataRequirements:
    """The properties of a model that determine how its data is read.

    text_inputs: the inputs of dtype string. losses: the name of the loss of each output, None for no loss.
    """

    text_inputs: Collection[str]
    losses: Mapping[str, str | None]


def lower_data(model: DataModel, requirements: DataRequirements, folder: Path, report: Report) -> Data | None:
    """Return the sources of each split, None after diagnostics. Paths are relative to `folder`."""
    watch = report.watch()
    reader = _SplitReader(model, requirements, folder, report)
    validation, held_out = reader.validation(model.validation) if model.validation is not None else (None, 0.0)
    data = Data(
        train=reader.split("train", model.train) if model.train is not None else None,
        validation=validation,
        test=reader.split("test", model.test) if model.test is not None else None,
        held_out=held_out,
        split_span=model.validation.located("split").span if held_out and model.validation is not None else None,
    )
    return data if watch.is_clean else None


@dataclass(frozen=True)
class _SplitReader:
    """The context in which the splits of one spec are read."""

    model: DataModel
    requirements: DataRequirements
    folder: Path
    report: Report

    def validation(self, model: ValidationModel) -> tuple[Split | None, float]:
        """Return the validation sources, and the share of the training split that is held out."""
        if model.split is None:
            if not model.inputs:
                self.report.add(
                    MISSING_KEY,
                    "`validation` has neither `split` nor `inputs`",
                    self.model.key_span("validation"),
                    expected="a share of the training split, or sources",
                    help="write `validation: {split: 0.1}`, or `inputs` and `outputs` as under `train`",
                )
            return self.split("validation", model), 0.0
        if model.inputs or model.outputs:
            self.report.add(
                DATA_NAMES,
                "`validation` has both `split` and sources of its own",
                model.key_span("split"),
                expected="one of the two",
                help="remove `split`, or the sources",
            )
        return None, model.split

    def split(self, name: str, model: SplitModel | ValidationModel) -> Split:
        """Return the sources of one split."""
        texts, losses = self.requirements.text_inputs, self.requirements.losses
        inputs, outputs = self._sources("inputs", model), self._sources("outputs", model)
        return Split(
            name=name,
            inputs={each: replace(source, as_text=source.as_text or each in texts) for each, source in inputs.items()},
            outputs={each: _as_target(source, losses.get(each)) for each, source in outputs.items()},
            sample_weights=self._sources("sample_weights", model),
            span=self.model.key_span(name),
        )

    def _sources(self, part: str, split: SplitModel | ValidationModel) -> dict[str, DataSource]:
        sources = {}
        for name, model in getattr(split, part).items():
            place = Located(name, split.located(part).value.key_spans[name])
            source = _source(place, model, split.located("file"), self.folder, report=self.report)
            if source is not None:
                sources[name] = source
        return sources


def _as_target(source: DataSource, loss: str | None) -> DataSource:
    """Return `source` as the target of an output with the given loss.

    Pixels that denote classes are not interpolated: a loss of class indices, or `one_hot`, implies class indices in the
    file, so the interpolation is `nearest`. A loss of numbers takes interpolated values, as an input does.
    """
    if source.decode is None:
        return replace(source, is_target=True)
    is_index = loss in OF_CLASS_INDICES or source.transforms.one_hot is not None
    interpolation = source.interpolation
    if "interpolation" not in source.spans:
        interpolation = "nearest" if is_index or loss not in OF_NUMBERS else "bilinear"
    as_classes = is_index and interpolation == "nearest"
    return replace(source, is_target=True, interpolation=interpolation, as_classes=as_classes)


def _source(
    name: Located, model: SourceModel, file_of_split: Located, folder: Path, *, report: Report
) -> DataSource | None:
    located = _file(name, model, file_of_split, report)
    if located is None:
        return None
    file, format = located
    if _has_stray_key(name, model, str(file.value), format, report=report):
        return None
    spans = {key: model.located(key).span for key in (*_PARTS, *_OF_IMAGES, *_TRANSFORMS) if model.states(key)}
    spans |= {f"columns[{i}]": each.span for i, each in enumerate(model.located("columns").as_list())}
    spans |= {"file": file.span, "name": name.span}
    window = model.window
    return DataSource(
        path=folder / file.value,
        text=file.value,
        span=model.span,
        key=model.key,
        column=model.column,
        columns=tuple(model.columns) if model.columns is not None else None,
        feature=model.feature,
        decode=model.decode,
        size=(model.size[0], model.size[1]) if model.size is not None else None,
        channels=model.channels,
        on_error=model.on_error,
        interpolation=model.interpolation or "bilinear",
        transforms=Transforms(
            vocabulary=model.vocabulary,
            pad=model.pad,
            scale=model.scale,
            cast=model.cast,
            one_hot=model.one_hot,
            window=Window(window.size, window.stride, window.horizon) if window is not None else None,
        ),
        as_text=model.vocabulary is not None,
        spans=spans,
    )


def _file(name: Located, model: SourceModel, file_of_split: Located, report: Report) -> tuple[Located, Format] | None:
    """Return the file of a source and its format, None after a diagnostic."""
    if model.file is not None and model.files is not None:
        report.add(
            DATA_NAMES, f"the source `{name.value}` has both `file` and `files`", model.key_span("files"),
            expected="one of the two", help="`files` is for images that a glob matches",
        )  # fmt: skip
        return None
    of_source = next((model.located(key) for key in ("file", "files") if model.states(key)), None)
    place = of_source or file_of_split
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


def _has_stray_key(name: Located, model: SourceModel, text: str, format: Format, *, report: Report) -> bool:
    """Return whether the source has, and report, a key that does not apply."""
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
