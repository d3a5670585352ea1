"""Reader of `.tfrecord`: files of `tf.train.Example`, without TensorFlow; a source is one of their features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.sources.format import Format
from graphspec.sources.formats.record_framing import RecordBlock, first_record, record_blocks
from graphspec.sources.formats.tf_example import (
    BYTES,
    FLOATS,
    INTS,
    Feature,
    MalformedError,
    count_values,
    feature_of,
    features_of,
    float_values,
    int_values,
)
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MAX_VALUES = 1 << 22
"""Values of one block after padding."""

_DTYPES = {BYTES: "string", FLOATS: "float32", INTS: "int64"}
_KINDS = {0: "no values", BYTES: "bytes", FLOATS: "floats", INTS: "integers"}


def header(source: DataSource) -> Header:
    """Return the header of the feature by the first record, and the number of records if seeking gives it.

    A feature of one value gives scalars, one of several values lists, of the length `pad` if that is set.

    Raises:
        DataError: the file holds no records, or the first lacks the feature.
    """
    record, samples = first_record(source)
    first = _first_feature(source, record)
    return Header(samples, _shape(source, first), _DTYPES[first[0]])


def blocks(source: DataSource) -> Iterator[Array]:
    """Yield the feature in blocks, shape (records, *shape of the header), int64, float32, or `object` for text.

    Raises:
        DataError: a record is broken, or its feature differs in kind or, without `pad`, in length from the first.
    """
    first: Feature | None = None
    for block in record_blocks(source):
        if first is None:
            first = _first_feature(source, block.records()[0])
            kind, shape = first[0], _shape(source, first)
        features = _features(source, block, kind)
        rows = max(1, _MAX_VALUES // max(1, shape[0])) if shape else len(features)
        for start in range(0, len(features), rows):
            part = features[start : start + rows]
            yield _block_array(source, part, kind=kind, shape=shape, before=block.before + start)


def _first_feature(source: DataSource, record: bytes) -> Feature:
    """Return the feature in the first record; raise DataError if it is missing."""
    try:
        found = features_of(record)
    except MalformedError as error:
        raise _malformed_error(source, 1, error) from None
    name, known = source.feature, list(found)
    if name is None:
        raise DataError(
            f"{source.text} holds features, and the source names none of them",
            help=f"write `{{file: {source.text}, feature: {known[0] if known else '...'}}}`; it has {one_of(known)}",
        )
    if name not in found:
        raise DataError(
            f"{source.text} has no feature `{name}`", part="feature",
            help=did_you_mean(name, known, f"its first record has {one_of(known)}"), missing=name,
        )  # fmt: skip
    if found[name][0] == 0:
        raise DataError(f"{source.text} record 1 has no values for the feature `{name}`", part="feature")
    return found[name]


def _shape(source: DataSource, first: Feature) -> tuple[int, ...]:
    if source.transforms.pad is not None:
        return (source.transforms.pad,)
    length = count_values(first)
    return () if length == 1 else (length,)


def _features(source: DataSource, block: RecordBlock, kind: int) -> list[Feature]:
    """Return the feature of each record; raise DataError if it is missing or of another kind."""
    assert source.feature is not None
    name = source.feature.encode("utf-8")
    found = []
    for number, record in enumerate(block.records(), block.before + 1):
        try:
            feature = feature_of(record, name)
        except MalformedError as error:
            raise _malformed_error(source, number, error) from None
        if feature is None or feature[0] != kind:
            has = "no feature" if feature is None else f"{_KINDS[feature[0]]} in the feature"
            raise DataError(
                f"{source.text} record {number:,} has {has} `{source.feature}`, where the first has {_KINDS[kind]}",
                part="feature", help="all records must hold the feature, with values of one kind",
            )  # fmt: skip
        found.append(feature)
    return found


def _block_array(
    source: DataSource, features: list[Feature], *, kind: int, shape: tuple[int, ...], before: int
) -> Array:
    """Return the values of features of one kind as an array of shape (records, *shape)."""
    import numpy as np

    if kind == INTS:
        values, counts = int_values(features)
    elif kind == FLOATS:
        values, counts = float_values(features), np.array([count_values(feature) for feature in features])
    else:
        counts = np.array([len(texts) for _, texts in features])
        values = np.array([*_texts(source, features, before), None], object)[:-1]
    length = shape[0] if shape else 1
    uneven = counts != length
    if not uneven.any():
        return values.reshape(-1, *shape)
    if source.transforms.pad is None:
        at = int(np.argmax(uneven))
        raise DataError(
            f"{source.text} record {before + at + 1:,} has {counts[at]:,} values in the feature `{source.feature}`, "
            f"where the first has {length:,}",
            part="feature", help=f"`pad: {max(length, int(counts.max()))}` fills or cuts the lists to one length",
        )  # fmt: skip
    try:
        padded = np.full((len(features), length), "" if kind == BYTES else 0, values.dtype)
    except MemoryError:
        raise DataError(
            f"there is no memory for lists of {length:,}", part="pad", help="write a smaller `pad`"
        ) from None
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = place < length
    padded[np.repeat(np.arange(len(features)), counts)[kept], place[kept]] = values[kept]
    return padded


def _texts(source: DataSource, features: list[Feature], before: int) -> Iterator[str]:
    for number, (_, texts) in enumerate(features, before + 1):
        try:
            yield from [text.decode("utf-8") for text in texts]
        except UnicodeDecodeError:
            raise DataError(
                f"{source.text} record {number:,} holds bytes in the feature `{source.feature}` that are no UTF-8 text",
                part="feature", help="graphspec reads texts, floats and integers from TFRecord files",
            ) from None  # fmt: skip


def _malformed_error(source: DataSource, number: int, error: MalformedError) -> DataError:
    return DataError(
        f"{source.text} record {number:,} is no `tf.train.Example`: {error}", help="only records of Examples are read"
    )


FORMAT = Format(".tfrecord", ("feature",), header, blocks=blocks)
