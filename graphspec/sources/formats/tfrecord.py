"""Reader of `.tfrecord`: files of `tf.train.Example`, without TensorFlow; a source is one of their features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.sources.format import Format
from graphspec.sources.formats.lists import pad_lists
from graphspec.sources.formats.record_framing import first_record, record_blocks
from graphspec.sources.formats.tf_example import Feature, MalformedError, Values, kind_of, parse_example, values_of
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MAX_VALUES = 1 << 22
"""Values of one block after padding."""

_DTYPES = {"bytes_list": "string", "float_list": "float32", "int64_list": "int64"}
"""Keras dtype of each kind of feature."""

_KINDS = {None: "no values", "bytes_list": "bytes", "float_list": "floats", "int64_list": "integers"}
"""Each kind of feature in messages."""


def header(source: DataSource) -> Header:
    """Return the header of the feature by the first record, and the number of records if seeking gives it.

    A feature of one value gives scalars, one of several values lists, of the length `pad` if that is set.

    Raises:
        DataError: the file holds no records, or the first lacks the feature.
    """
    record, samples = first_record(source)
    kind, shape = _first_feature(source, record)
    return Header(samples, shape, _DTYPES[kind])


def names(source: DataSource) -> list[str]:
    """Return the features of the first record; raise DataError if there is none."""
    return sorted(_parse(source, first_record(source)[0], 1))


def blocks(source: DataSource) -> Iterator[Array]:
    """Yield the feature in blocks, shape (records, *shape of the header), int64, float32, or `object` for text.

    Raises:
        DataError: a record is broken, or its feature differs in kind or, without `pad`, in length from the first.
    """
    kind = ""
    shape: tuple[int, ...] = ()
    before = 0
    for records in record_blocks(source):
        if not before:
            kind, shape = _first_feature(source, records[0])
        rows = max(1, _MAX_VALUES // max(1, shape[0])) if shape else len(records)
        for start in range(0, len(records), rows):
            features = _features(source, records[start : start + rows], kind, before + start)
            yield _block_array(source, features, kind=kind, shape=shape, before=before + start)
        before += len(records)


def _first_feature(source: DataSource, record: bytes) -> tuple[str, tuple[int, ...]]:
    """Return the kind and the shape of the feature in the first record; raise DataError if it is missing."""
    features = dict(_parse(source, record, 1))
    name, known = source.feature, sorted(features)
    if name is None:
        raise DataError(
            f"{source.text} holds features, and the source names none of them",
            help=f"write `{{file: {source.text}, feature: {known[0] if known else '...'}}}`; it has {one_of(known)}",
        )
    if name not in features:
        raise DataError(
            f"{source.text} has no feature `{name}`", part="feature",
            help=did_you_mean(name, known, f"its first record has {one_of(known)}"), missing=name,
        )  # fmt: skip
    kind = kind_of(features[name])
    if kind is None:
        raise DataError(f"{source.text} record 1 has no values for the feature `{name}`", part="feature")
    if source.transforms.pad is not None:
        return kind, (source.transforms.pad,)
    length = len(values_of(features[name], kind))
    return kind, () if length == 1 else (length,)


def _features(source: DataSource, records: list[bytes], kind: str, before: int) -> list[Values]:
    """Return the values of each record; raise DataError if its feature is missing or of another kind."""
    assert source.feature is not None
    lists = []
    for number, record in enumerate(records, before + 1):
        feature = _parse(source, record, number).get(source.feature)
        own_kind = None if feature is None else kind_of(feature)
        if own_kind != kind:
            has = "no feature" if feature is None else f"{_KINDS[own_kind]} in the feature"
            raise DataError(
                f"{source.text} record {number:,} has {has} `{source.feature}`, where the first has {_KINDS[kind]}",
                part="feature", help="all records must hold the feature, with values of one kind",
            )  # fmt: skip
        lists.append(values_of(feature, kind))
    return lists


def _parse(source: DataSource, record: bytes, number: int) -> Mapping[str, Feature]:
    """Return the features of a record by name; raise DataError if it is no Example."""
    try:
        return parse_example(record)
    except MalformedError as error:
        raise DataError(
            f"{source.text} record {number:,} is no `tf.train.Example`: {error}",
            help="only records of Examples are read",
        ) from None


def _block_array(source: DataSource, lists: list[Values], *, kind: str, shape: tuple[int, ...], before: int) -> Array:
    """Return lists of values of one kind as an array of shape (records, *shape)."""
    import numpy as np

    values: Array
    if kind == "bytes_list":
        values = np.array([*_texts(source, lists, before), None], object)[:-1]
    else:
        values = np.frombuffer(b"".join(lists), _DTYPES[kind])
    counts = np.array([len(each) for each in lists])
    if source.transforms.pad is not None:
        return pad_lists(values, counts, source.transforms.pad)
    length = shape[0] if shape else 1
    uneven = counts != length
    if uneven.any():
        at = int(np.argmax(uneven))
        raise DataError(
            f"{source.text} record {before + at + 1:,} has {counts[at]:,} values in the feature `{source.feature}`, "
            f"where the first has {length:,}",
            part="feature", help=f"`pad: {max(length, int(counts.max()))}` fills or cuts the lists to one length",
        )  # fmt: skip
    return values.reshape(-1, *shape)


def _texts(source: DataSource, lists: list[Values], before: int) -> Iterator[str]:
    for number, texts in enumerate(lists, before + 1):
        try:
            yield from [text.decode("utf-8") for text in texts]
        except UnicodeDecodeError:
            raise DataError(
                f"{source.text} record {number:,} holds bytes in the feature `{source.feature}` that are no UTF-8 text",
                part="feature", help="graphspec reads texts, floats and integers from TFRecord files",
            ) from None  # fmt: skip


FORMAT = Format(".tfrecord", ("feature",), header, blocks=blocks, names=names)
