"""Parser of the features of a `tf.train.Example` in the wire format of protocol buffers.

A message is a sequence of fields, each with a number, a wire type and a value. In an Example, `features` (1) has
entries (1) of `key` (1) and `value` (2), and a value is one list of bytes (1), floats (2) or int64 (3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BYTES, FLOATS, INTS = 1, 2, 3
"""Field number of each kind of feature."""

_LONG_VARINT = re.compile(rb"[\x80-\xff]{10}")
"""A varint of more than 10 bytes."""

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5

Feature = tuple[int, list[bytes]]
"""Kind and values: a text each for bytes; any number of values in a text for floats (4 bytes each) and varints."""


class MalformedError(ValueError):
    """An error for bytes that are not an Example."""


def features_of(record: bytes) -> dict[str, Feature]:
    """Return every feature of an Example by name; raise MalformedError if it is not one."""
    return {name.decode("utf-8", errors="replace"): _feature(record, spans) for name, spans in _entries(record)}


def feature_of(record: bytes, name: bytes) -> Feature | None:
    """Return the feature called `name`, or None; raise MalformedError if the record is not an Example."""
    plain = _plain_feature(record, name)
    if plain is not None:
        return plain
    found = None
    for key, spans in _entries(record):  # the last entry of a name wins
        if key == name:
            found = spans
    return None if found is None else _feature(record, found)


def count_values(feature: Feature) -> int:
    """Return the number of values of a feature."""
    kind, texts = feature
    if kind == FLOATS:
        return sum(map(len, texts)) // 4
    return len(texts) if kind == BYTES else sum(byte < 0x80 for text in texts for byte in text)


def float_values(features: Sequence[Feature]) -> Array:
    """Return the concatenated values of features of floats, as float32."""
    import numpy as np

    values: Array = np.frombuffer(b"".join(text for _, texts in features for text in texts), "<f4").astype(np.float32)
    return values


def int_values(features: Sequence[Feature]) -> tuple[Array, Array]:
    """Return the concatenated values of features of int64, and the number that each has."""
    import numpy as np

    packed = [b"".join(texts) for _, texts in features]
    data = np.frombuffer(b"".join(packed), np.uint8)
    ends = np.flatnonzero(data < 0x80) + 1
    counts = np.diff(np.searchsorted(ends, np.cumsum([0, *map(len, packed)]), side="right"))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]]) if len(ends) else ends
    lengths = ends - starts
    values = np.zeros(len(ends), np.uint64)
    for place in range(int(lengths.max(initial=0))):
        has_byte = lengths > place
        values[has_byte] |= (data[starts[has_byte] + place].astype(np.uint64) & np.uint64(0x7F)) << np.uint64(7 * place)
    return values.view(np.int64), counts


def _plain_feature(record: bytes, name: bytes) -> Feature | None:
    """Return the feature called `name` of a record in the usual layout: no duplicates, keys before values.

    None for any other record, even a valid one, which is then parsed field by field, several times slower.
    """
    try:
        at, end = _value_span(record, 0, 0x0A)
        found = None
        while at < end:
            at, stop = _value_span(record, at, 0x0A)
            key, key_end = _value_span(record, at, 0x0A)
            start, value_end = _value_span(record, key_end, 0x12)
            if value_end != stop:
                return None
            if record[key:key_end] == name:
                found = start, stop
            at = stop
        if found is None or at != end or end != len(record):
            return None
        start, stop = found
        kind = record[start] >> 3
        start, list_end = _value_span(record, start, (0x0A, 0x12, 0x1A)[kind - 1])
        start, value_end = _value_span(record, start, 0x0A)
    except IndexError:
        return None
    text = record[start:value_end]
    if value_end != list_end or list_end != stop or (kind == FLOATS and len(text) % 4):
        return None
    if kind == INTS:
        _check_varints(text)
    return kind, [text]


def _value_span(record: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return start and end of the value behind the tag at `at`; raise IndexError for another tag."""
    if record[at] != tag:
        raise IndexError
    length = record[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    after = record[at + 2]
    if after < 0x80:
        length = length & 0x7F | after << 7
        return at + 3, at + 3 + length
    length, at = _varint(record, at + 1, len(record))
    return at, at + length


_Spans = list[tuple[int, int]]


def _entries(record: bytes) -> Iterator[tuple[bytes, _Spans]]:
    """Yield the name of each feature and the spans of its value, several if it is written in parts."""
    for number, wire, start, end in _fields(record, 0, len(record)):
        if (number, wire) != (1, _DELIMITED):
            continue
        for inner, wire_inner, begin, stop in _fields(record, start, end):
            if (inner, wire_inner) != (1, _DELIMITED):
                continue
            key, spans = b"", []
            for part, wire_part, first, last in _fields(record, begin, stop):
                if (part, wire_part) == (1, _DELIMITED):
                    key = record[first:last]
                elif (part, wire_part) == (2, _DELIMITED):
                    spans.append((first, last))
            yield key, spans


def _feature(record: bytes, spans: _Spans) -> Feature:
    """Return the feature at `spans`; as in protocol buffers, the last kind wins and its lists are joined."""
    kind = 0
    texts: list[bytes] = []
    for start, end in spans:
        for number, wire, first, last in _fields(record, start, end):
            if number not in (BYTES, FLOATS, INTS) or wire != _DELIMITED:
                continue
            if number != kind:
                kind, texts = number, []
            texts += _values(record, kind, first, last)
    return kind, texts


def _values(record: bytes, kind: int, start: int, end: int) -> list[bytes]:
    """Return the values of a list, packed or not."""
    unpacked_wire = {BYTES: _DELIMITED, FLOATS: _FIXED32, INTS: _VARINT}[kind]
    texts = []
    for number, wire, first, last in _fields(record, start, end):
        if number == 1 and wire in (unpacked_wire, _DELIMITED):
            text = record[first:last]
            if kind == FLOATS and len(text) % 4:
                raise MalformedError("a list of floats ends within one")
            if kind == INTS:
                _check_varints(text)
            texts.append(text)
    return texts


def _check_varints(text: bytes) -> None:
    if not text:
        return
    if text[-1] >= 0x80:
        raise MalformedError("a list of integers ends within one")
    if _LONG_VARINT.search(text):
        raise MalformedError("an integer takes more than 10 bytes")


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, start and end of the value of each field of a message."""
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise MalformedError(f"it has a field numbered {number}")
        if wire == _DELIMITED:
            length, at = _varint(data, at, end)
            stop = at + length
        elif wire == _VARINT:
            stop = _varint(data, at, end)[1]
        elif wire == _FIXED32:
            stop = at + 4
        elif wire == _FIXED64:
            stop = at + 8
        else:
            raise MalformedError(f"it has a field of wire type {wire}")
        if stop > end:
            raise MalformedError("a field reaches beyond its message")
        yield number, wire, at, stop
        at = stop


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the varint at `at`, and its end."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        if byte < 0x80:
            return value | byte << shift, at
        value |= (byte & 0x7F) << shift
        shift += 7
    raise MalformedError("a number does not end")
