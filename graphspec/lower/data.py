"""DataModel → Data: paths made whole, the file of a split handed to its sources."""

from __future__ import annotations

from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.document.tree import Located
from graphspec.rules import DATA_NAMES, MISSING_KEY, NOT_YET, UNKNOWN_FORMAT
from graphspec.schema.model import DataModel, SourceModel, SplitModel, ValidationModel
from graphspec.sources import FORMATS, Data, Source, Split
from graphspec.suggest import one_of

_GLOB = frozenset("*?[")
_FORMATS_LATER = (".parquet", ".feather", ".arrow", ".jsonl", ".tfrecord")


def lower_data(model: DataModel, folder: Path, report: Report) -> Data | None:
    """The sources of each split, their paths relative to `folder`; None, with findings, where one is faulty."""
    before = report.added
    validation, held_out = None, 0.0
    if model.validation is not None:
        validation, held_out = _validation(model.validation, model, folder, report)
    data = Data(
        _split("train", model.train, model, folder, report) if model.train is not None else None,
        validation,
        _split("test", model.test, model, folder, report) if model.test is not None else None,
        held_out,
    )
    return data if report.added == before else None


def _validation(model: ValidationModel, data: DataModel, folder: Path, report: Report) -> tuple[Split | None, float]:
    if model.split is None:
        if not model.inputs:
            report.add(
                MISSING_KEY,
                "`validation` has neither `split` nor `inputs`",
                data.key_span("validation"),
                expected="a share of the training split, or sources",
                help="write `validation: {split: 0.1}`, or `inputs` and `outputs` as under `train`",
            )
        return _split("validation", model, data, folder, report), 0.0
    if model.inputs or model.outputs:
        report.add(
            DATA_NAMES,
            "`validation` has both `split` and sources of its own",
            model.key_span("split"),
            expected="one of the two",
            help="remove `split`, or the sources",
        )
    return None, model.split


def _split(name: str, model: SplitModel | ValidationModel, data: DataModel, folder: Path, report: Report) -> Split:
    parts = {part: _sources(part, model, folder, report) for part in ("inputs", "outputs", "sample_weights")}
    return Split(name, parts["inputs"], parts["outputs"], parts["sample_weights"], data.key_span(name))


def _sources(part: str, split: SplitModel | ValidationModel, folder: Path, report: Report) -> dict[str, Source]:
    read = {}
    for name, model in getattr(split, part).items():
        source = _source(Located(name, split.located(part).value.key_spans[name]), model, split, folder, report)
        if source is not None:
            read[name] = source
    return read


def _source(
    name: Located, model: SourceModel, split: SplitModel | ValidationModel, folder: Path, report: Report
) -> Source | None:
    text = model.file or split.file
    place = model.located("file") if model.file is not None else split.located("file")
    if text is None:
        report.add(
            MISSING_KEY, f"the source `{name.value}` has no `file`, and neither has its split", name.span,
            expected="a `file`", help=f"write `{name.value}: {{file: ...}}`, or `file:` beside `inputs`",
        )  # fmt: skip
        return None
    if _GLOB & set(text):
        report.add(
            NOT_YET,
            "shards by glob are part of the language, but this version of graphspec does not read them yet",
            place.span,
            expected="the path of one file",
            help="join the shards into one file",
        )
        return None
    path = folder / text
    if path.suffix.lower() in _FORMATS_LATER:
        report.add(
            NOT_YET,
            f"{path.suffix} files are part of the language, but this version of graphspec does not read them yet",
            place.span,
            expected=f"a file that ends in {one_of(FORMATS)}",
            help="save the data as .npy, with `numpy.save`, or as .csv",
        )
        return None
    if path.suffix.lower() not in FORMATS:
        report.add(
            UNKNOWN_FORMAT,
            f"`{text}` is of no format that this version of graphspec reads",
            place.span,
            expected=f"a file that ends in {one_of(FORMATS)}",
            help="save the data as .npy, with `numpy.save`, or as .csv",
        )
        return None
    if model.column is not None and model.columns is not None:
        report.add(
            DATA_NAMES, f"the source `{name.value}` has both `column` and `columns`", model.key_span("columns"),
            expected="one of the two", help="`column: a` gives one number a sample, `columns: [a, b]` a list",
        )  # fmt: skip
        return None
    is_table = path.suffix.lower() == ".csv"
    for key in ("key", "column", "columns"):
        if (model.states(key) and (key == "key") == is_table) or (model.states(key) and path.suffix.lower() == ".npy"):
            report.add(
                DATA_NAMES, f"`{key}` means nothing for a `{path.suffix}` file", model.key_span(key),
                expected="a `key` for .npz, `column` or `columns` for .csv, neither for .npy",
                help=f"remove `{key}`",
            )  # fmt: skip
            return None
    spans = {key: model.located(key).span for key in ("key", "column", "columns") if model.states(key)}
    spans |= {f"columns[{i}]": each.span for i, each in enumerate(model.located("columns").as_list())}
    spans |= {"file": place.span, "name": name.span}
    columns = tuple(model.columns) if model.columns is not None else None
    return Source(path, text, model.span, model.key, model.column, columns, spans)
